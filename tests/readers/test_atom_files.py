"""Atomic models: elements come from the file or the sample, in words, and never from the number of a type."""

from __future__ import annotations

import gzip
import re
import warnings

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write
from scipy.io import savemat

from helpers import readers
from helpers.readers import FramesWarning, UnreadBoxWarning

POSITIONS = np.array([[0.1, 0, 0], [2.8, 0, 0], [0, 2.8, 0], [0, 0, 2.8], [2.8, 2.8, 2.5]])
BOX = 20.0
GLASS = ["Co", "Cu", "Ni", "Zr", "Ta"]


def dump(rows, columns="id type x y z", bounds="BOX BOUNDS pp pp pp"):
    box = "0 20\n" * 3
    return (
        f"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n{len(rows)}\nITEM: {bounds}\n{box}ITEM: ATOMS {columns}\n"
        + "".join(" ".join(map(str, row)) + "\n" for row in rows)
    )


def types(extra=()):
    return [(i + 1, i + 1, *extra, *place) for i, place in enumerate(POSITIONS)]


def read(tmp_path, name, text, **options):
    (tmp_path / name).write_text(text)
    return readers.read_atoms(tmp_path / name, **options)


def test_types_of_a_dump_become_the_sample_s_elements(tmp_path):
    atoms = read(tmp_path, "a.dump", dump(types()), elements=GLASS)
    assert atoms.get_chemical_symbols() == GLASS
    np.testing.assert_allclose(atoms.positions, POSITIONS)
    assert atoms.pbc.all() and np.allclose(atoms.cell.lengths(), BOX)
    with pytest.raises(ValueError, match=r"a.dump has numbers for its atoms \(1, 2, 3, 4, 5\) and names no element"):
        read(tmp_path, "a.dump", dump(types()))
    with pytest.raises(ValueError, match=r"types 1, 2, 3, 4, 5 but elements names 2 \(Co, Cu\); state one element for"):
        read(tmp_path, "a.dump", dump(types()), elements=GLASS[:2])


def test_a_dump_that_names_its_elements(tmp_path):
    rows = [(i, e, *place) for i, (e, place) in enumerate(zip(GLASS, POSITIONS, strict=True))]
    text = dump(rows, "id element x y z")
    assert read(tmp_path, "a.lammpstrj", text).get_chemical_symbols() == GLASS
    assert read(tmp_path, "a.lammpstrj", text, elements=GLASS[::-1]).get_chemical_symbols() == GLASS
    with pytest.raises(
        ValueError, match="a.lammpstrj holds Co, Cu, Ni, Ta, Zr but elements names Pd; correct elements"
    ):
        read(tmp_path, "a.lammpstrj", text, elements=["Pd"])


def test_elements_that_lammps_was_not_told_are_no_carbon(tmp_path):
    """Without ``dump_modify element`` every atom is called C."""
    rows = [(i, 1 + i % 2, "C", *place) for i, place in enumerate(POSITIONS)]
    text = dump(rows, "id type element x y z")
    expected = ["Cu", "Zr", "Cu", "Zr", "Cu"]
    assert read(tmp_path, "a.dump", text, elements=["Cu", "Zr"]).get_chemical_symbols() == expected
    with pytest.raises(
        ValueError, match="names atoms of several types all C, as LAMMPS does without dump_modify element"
    ):
        read(tmp_path, "a.dump", text)
    carbon = dump([(i, 1, "C", *place) for i, place in enumerate(POSITIONS)], "id type element x y z")
    assert read(tmp_path, "c.dump", carbon).get_chemical_symbols() == ["C"] * 5
    assert read(tmp_path, "c.dump", carbon, elements=["C"]).get_chemical_symbols() == ["C"] * 5


def test_a_dump_spells_and_counts(tmp_path):
    rows = [
        (i, name, *place) for i, (name, place) in enumerate(zip(["CU", "cu", "Cu", "ZR", "Zr"], POSITIONS, strict=True))
    ]
    atoms = read(tmp_path, "a.dump", dump(rows, "id element x y z"))
    assert atoms.get_chemical_symbols() == ["Cu", "Cu", "Cu", "Zr", "Zr"]
    labelled = dump([(i, 1, *row[1:], "odd") for i, row in enumerate(rows)], "id type typelabel x y z name")
    assert read(tmp_path, "b.dump", labelled).get_chemical_symbols() == ["Cu", "Cu", "Cu", "Zr", "Zr"]
    np.testing.assert_allclose(read(tmp_path, "b.dump", labelled).positions, POSITIONS)
    with pytest.raises(ValueError, match="holds the atom 0 twice; was it joined"):
        read(tmp_path, "a.dump", dump([rows[0], *rows[:4]], "id element x y z"))


def test_dumps_of_other_forms(tmp_path):
    old = read(tmp_path, "old.dump", dump(types(), bounds="BOX BOUNDS"), elements=GLASS)
    assert not old.pbc.any() and np.allclose(old.cell.lengths(), BOX)  # such files do not tell their boundaries
    scaled = [(*row[:2], *(np.array(row[2:]) / BOX)) for row in types()]
    atoms = read(tmp_path, "scaled.custom", dump(scaled, "id type xs ys zs"), elements=GLASS)
    np.testing.assert_allclose(atoms.positions, POSITIONS)
    with pytest.warns(FramesWarning, match="two.dump holds 2 snapshots; the last is taken"):
        two = read(tmp_path, "two.dump", dump(types()[:2]) + dump(types()), elements=GLASS)
    assert len(two) == 5
    tilted = dump(types(), bounds="BOX BOUNDS xy xz yz pp pp pp").replace("0 20\n" * 3, "0 25 5\n0 20 0\n0 20 0\n")
    assert read(tmp_path, "tilted.dump", tilted, elements=GLASS).cell[1, 0] == 5.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (dump(types())[:-20], "its last snapshot is cut short|has . columns"),
        (dump(types()).replace("2.5\n", "\n"), "line 14 of a.dump has 4 columns; expected 5: id type x y z"),
        (dump(types(), "id type vx vy vz"), r"has the columns id type vx vy vz; expected x y z \(or xs, xu, xsu\)"),
        (dump(types(), "id mol x y z"), "has neither a column 'element' nor 'type'"),
        (dump([("1", "A", 0, 0, 0)]), "types that are no whole numbers"),
        (dump(types()).replace("2.8", "nan", 1), "1 row that is not finite"),
    ],
)
def test_damaged_dumps(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "a.dump", text, elements=GLASS)


def data(style, comment, *, images=False, masses=""):
    rows = []
    for i, place in enumerate(POSITIONS, start=1):
        kind = (i - 1) % 2 + 1
        middle = {"atomic": [kind], "charge": [kind, 0.5], "molecular": [1, kind], "full": [1, kind, 0.5]}[style]
        rows.append(" ".join(map(str, [i, *middle, *place, *([0, 0, 0] if images else [])])))
    head = f"made by hand\n\n5 atoms\n2 atom types\n\n0 20 xlo xhi\n0 20 ylo yhi\n0 20 zlo zhi\n\n{masses}"
    return (
        head
        + f"Atoms{comment}\n\n"
        + "\n".join(rows)
        + "\n\nVelocities\n\n"
        + "".join(f"{i} 0 0 0\n" for i in range(1, 6))
    )


@pytest.mark.parametrize("style", ["atomic", "charge", "molecular", "full"])
@pytest.mark.parametrize("comment", [True, False])
@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize("name", ["a.data", "data.glass", "a.lmp"])
def test_lammps_data_of_every_style(tmp_path, style, comment, images, name):
    text = data(style, f" # {style}" if comment else "", images=images)
    if style == "molecular" and not comment:
        with pytest.raises(
            ValueError, match="does not state its atom style and has . columns, as charge and molecular"
        ):
            read(tmp_path, name, text, elements=["Cu", "Zr"])
        atoms = read(tmp_path, name, text, elements=["Cu", "Zr"], style="molecular")
    else:
        atoms = read(tmp_path, name, text, elements=["Cu", "Zr"])
    assert atoms.get_chemical_symbols() == ["Cu", "Zr", "Cu", "Zr", "Cu"]
    np.testing.assert_allclose(atoms.positions, POSITIONS)
    assert atoms.pbc.all() and np.allclose(atoms.cell.lengths(), BOX)


def test_lammps_data_that_number_two_atoms_alike(tmp_path):
    text = data("atomic", " # atomic")
    read(tmp_path, "a.data", text, elements=["Cu", "Zr"])
    with pytest.raises(ValueError, match="a.data holds the atom 1 twice; was it joined"):
        read(
            tmp_path,
            "a.data",
            re.sub(r"(?m)^2 ", "1 ", text.replace("2 atom types", "@")).replace("@", "2 atom types"),
            elements=["Cu", "Zr"],
        )


def test_lammps_data_without_a_blank_line_or_with_labels(tmp_path):
    text = data("atomic", "").replace("Atoms\n\n", "Atoms\n")
    assert len(read(tmp_path, "a.data", text, elements=["Cu", "Zr"])) == 5
    labels = data("atomic", " # atomic", masses="Atom Type Labels\n\n1 Cu\n2 Zr\n\n")
    for i in range(1, 6):
        labels = labels.replace(f"\n{i} {(i - 1) % 2 + 1} ", f"\n{i} {'Cu' if i % 2 else 'Zr'} ")
    assert read(tmp_path, "a.data", labels).get_chemical_symbols() == ["Cu", "Zr", "Cu", "Zr", "Cu"]
    with pytest.raises(
        ValueError, match="atoms of the type 'Qq', which is no chemical symbol; number the types from 1"
    ):
        read(tmp_path, "a.data", labels.replace("Zr", "Qq"))


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (data("atomic", ""), {}, "names no element; state elements in their order"),
        (data("atomic", "").replace("5 atoms", "6 atoms"), {"elements": ["Cu", "Zr"]}, "announces 6 atoms but holds 5"),
        (
            data("atomic", " # sphere"),
            {"elements": ["Cu", "Zr"]},
            "of the atom style 'sphere'; expected atomic, charge",
        ),
        (data("full", " # atomic"), {"elements": ["Cu", "Zr"]}, "the style 'atomic' has 5 columns, or 8 with images"),
        (
            data("atomic", "", masses="Masses\n\n1 63.55\n2 91.22\n\n"),
            {"elements": ["Zr", "Cu"]},
            "gives its type 1 a mass of 63.55, but that of Zr is 91.22; state elements in the order of the types",
        ),
    ],
)
def test_lammps_data_that_does_not_say_enough(tmp_path, text, options, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "a.data", text, **options)


def test_masses_that_agree(tmp_path):
    text = data("charge", " # charge", masses="Masses\n\n1 63.55 # Cu\n2 91.22\n\n")
    assert read(tmp_path, "a.data", text, elements=["Cu", "Zr"]).get_chemical_symbols()[:2] == ["Cu", "Zr"]


def xyz(species, header="", extra=""):
    rows = "".join(f"{s} {x} {y} {z}{extra}\n" for s, (x, y, z) in zip(species, POSITIONS, strict=False))
    return f"{len(species)}\n{header}\n{rows}"


@pytest.mark.parametrize(
    ("species", "elements", "expected"),
    [
        (["Ta"] * 5, None, ["Ta"] * 5),
        (["TA", "ta", "Ta"], ["Ta"], ["Ta"] * 3),
        (["Pt1", "Pt2", "Fe13"], None, ["Pt", "Pt", "Fe"]),
        (["78", "26"], ["Pt", "Fe"], ["Pt", "Fe"]),
        (["1", "2", "2"], ["Pt", "Fe"], ["Pt", "Fe", "Fe"]),
    ],
)
@pytest.mark.parametrize("header", ["", "made in \u00c5", "Properties=species:S:1:pos:R:3"])
def test_species_of_xyz(tmp_path, species, elements, expected, header):
    atoms = read(tmp_path, "a.xyz", xyz(species, header), elements=elements)
    assert atoms.get_chemical_symbols() == expected
    np.testing.assert_allclose(atoms.positions, POSITIONS[: len(species)])


@pytest.mark.parametrize(
    ("text", "elements", "message"),
    [
        (xyz(["78"] * 3), None, r"a.xyz has numbers for its atoms \(78\) and names no element; state elements"),
        (xyz(["78"] * 3), ["Ta"], r"atoms of the types 78 but elements names 1 \(Ta\)"),
        (xyz(["Ta", "Qq"]), None, "line 4 of a.xyz names an atom 'Qq'; expected a chemical symbol, such as 'Cu'"),
        (xyz(["Ta", "X"]), None, "line 4 of a.xyz names an atom 'X'"),
        (xyz(["Ta"] * 5).replace("5", "6", 1), None, "announces 6 atoms but holds 5; is it whole?"),
        (
            xyz(["Ta"]).replace("0.1", "0,1"),
            None,
            "line 3 of a.xyz reads 'Ta 0,1 0.0 0.0'; expected a symbol and three",
        ),
        (xyz(["Ta"]).replace("0.1", "nan"), None, "line 3 of a.xyz reads 'Ta nan"),
        (xyz(["Ta"]) + "\nmore\n", None, "line 4 of a.xyz reads ''; expected the number of atoms"),
        (xyz(["Ta"]) + "Ta 1 2 3\n", None, "or the end: line 1 announces 1 atom; are there more"),
        ("", None, "it is empty; is it whole"),
        (xyz(["Ta", "Pd"]), ["Ta"], "a.xyz holds Pd, Ta but elements names Ta; correct elements"),
        (xyz(["Ta"]), ["Xx"], r"elements=\['Xx'\] has 'Xx', which is no chemical symbol"),
    ],
)
def test_xyz_that_cannot_be_believed(tmp_path, text, elements, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, "a.xyz", text, elements=elements)


@pytest.mark.parametrize(
    ("columns", "first", "elements", "message"),
    [
        ("pos:R:3:type:I:1", "{place} {kind}", ["Cu", "Zr"], None),
        ("species:I:1:pos:R:3:charge:R:1", "{kind} {place} 0.5", ["Cu", "Zr"], None),
        ("id:I:1:particle_type:I:1:pos:R:3", "{i} {kind} {place}", ["Cu", "Zr"], None),
        ("pos:R:3:type:I:1", "{place} {kind}", None, r"has numbers for its atoms \(1, 2\) and names no element"),
        ("pos:R:3:mass:R:1", "{place} 1.0", ["Cu"], None),
        ("pos:R:3", "{place}", ["Cu", "Zr"], "has the columns pos and none of elements; add species:S:1, or state the"),
        ("species:S:1:scaled_pos:R:3", "Cu {place}", ["Cu"], "columns species, scaled_pos and none of coordinates"),
    ],
)
def test_columns_of_xyz_without_symbols(tmp_path, columns, first, elements, message):
    lines = [first.format(i=i, kind=1 + i % 2, place="{} {} {}".format(*place)) for i, place in enumerate(POSITIONS)]
    text = "\n".join(["5", f'Lattice="20 0 0 0 20 0 0 0 20" Properties={columns}', *lines]) + "\n"
    if message:
        with pytest.raises(ValueError, match=message):
            read(tmp_path, "a.xyz", text, elements=elements)
        return
    atoms = read(tmp_path, "a.xyz", text, elements=elements)
    assert atoms.get_chemical_symbols() == [
        elements[i % 2 if "type" in columns or "I" in columns else 0] for i in range(5)
    ]
    np.testing.assert_allclose(atoms.positions, POSITIONS)
    assert atoms.pbc.all()


def test_a_box_in_the_comment_of_xyz(tmp_path):
    box = '"20 0 0 0 20 0 0 0 20"'
    for header in (f"Lattice={box} Properties=species:S:1:pos:R:3", f"lattice={box} properties=species:S:1:pos:R:3"):
        atoms = read(tmp_path, "a.xyz", xyz(["Ta"] * 5, header=header))
        assert atoms.pbc.all() and np.allclose(atoms.cell.lengths(), 20)
    for header in ("# CELL(abcABC): 20.0 20.0 20.0 90.0 90.0 90.0 Step: 0", "cell 20 20 20", "Box: 20.0, 20.0, 20.0"):
        with pytest.warns(
            UnreadBoxWarning, match="line 2 of a.xyz reads .* which seems to state a box but is not read"
        ):
            assert not read(tmp_path, "a.xyz", xyz(["Ta"] * 5, header=header)).pbc.any()
    for header in ("unit cell of run 3", "3 boxes", "excellent 1 2 3"):  # a warning would fail
        read(tmp_path, "a.xyz", xyz(["Ta"] * 5, header=header))


def test_xyz_with_more_columns_marks_and_frames(tmp_path):
    (tmp_path / "a.xyz").write_bytes(b"\xef\xbb\xbf" + xyz(["Ta"] * 5, extra=" 0.5").replace("\n", "\r\n").encode())
    np.testing.assert_allclose(readers.read_atoms(tmp_path / "a.xyz").positions, POSITIONS)
    with pytest.warns(FramesWarning, match="a.xyz holds 2 snapshots; the last is taken"):
        assert len(read(tmp_path, "a.xyz", xyz(["Ta"] * 2) + xyz(["Ta"] * 5))) == 5
    (tmp_path / "a.xyz").write_bytes("1\nin Å\nTa 0 0 0\n".encode("latin-1"))
    with pytest.raises(
        ValueError, match=r"line 2 of a.xyz holds a byte \(0xc5\) that is no UTF-8; save the file as UTF-8"
    ):
        readers.read_atoms(tmp_path / "a.xyz")


def test_formats_that_ase_writes(tmp_path):
    crystal = bulk("Cu", cubic=True) * (2, 2, 2)
    crystal.symbols[::2] = "Zr"
    for name, kind in {"a.cif": "cif", "a.pdb": "proteindatabank", "POSCAR": "vasp", "a.extxyz": "extxyz"}.items():
        write(tmp_path / name, crystal, format=kind)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            atoms = readers.read_atoms(tmp_path / name, elements=["Cu", "Zr"])
        assert sorted(atoms.get_chemical_symbols()) == sorted(crystal.get_chemical_symbols())
        assert atoms.pbc.all() and np.allclose(
            atoms.cell.lengths(), crystal.cell.lengths(), atol=1e-3
        )  # PDB: 3 decimals


def test_an_old_poscar_names_no_elements(tmp_path):
    text = "old\n1.0\n4 0 0\n0 4 0\n0 0 4\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"
    assert read(tmp_path, "POSCAR", text, elements=["Cu", "Zr"]).get_chemical_symbols() == ["Cu", "Zr"]
    with pytest.raises(
        ValueError, match="POSCAR names no elements for its 2 kinds of atoms; state them in their order"
    ):
        read(tmp_path, "POSCAR", text)


def test_matlab_models_of_one_and_of_several_elements(tmp_path):
    savemat(tmp_path / "one.mat", {"model": POSITIONS.T})
    assert set(readers.read_atoms(tmp_path / "one.mat", elements=["Ta"]).get_chemical_symbols()) == {"Ta"}
    with pytest.raises(ValueError, match="one.mat names no elements; state one element"):
        readers.read_atoms(tmp_path / "one.mat")
    savemat(tmp_path / "two.mat", {"model": POSITIONS.T, "atoms": [[1.0, 2, 2, 1, 2]]})
    atoms = readers.read_atoms(tmp_path / "two.mat", elements=["Fe", "Pt"])
    assert atoms.get_chemical_symbols() == ["Fe", "Pt", "Pt", "Fe", "Pt"]
    np.testing.assert_array_equal(atoms.positions, POSITIONS)
    with pytest.raises(ValueError, match=r"types 1, 2 but elements names 1 \(Fe\)"):
        readers.read_atoms(tmp_path / "two.mat", elements=["Fe"])
    savemat(tmp_path / "more.mat", {"a": POSITIONS.T, "b": POSITIONS})
    with pytest.raises(ValueError, match="more.mat holds .*choose one with array = 'a' or 'b'"):
        readers.read_atoms(tmp_path / "more.mat", elements=["Ta"])
    np.testing.assert_array_equal(
        readers.read_atoms(tmp_path / "more.mat", elements=["Ta"], array="b").positions, POSITIONS
    )


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((4, 5)), r"a.mat holds model \(4, 5\); expected \(N, 3\) positions"),
        (np.eye(3), r"model of a.mat has shape \(3, 3\), so that rows and columns cannot be told apart"),
        (np.where(np.eye(4, 3) == 1, np.nan, 1.0), "3 rows that are not finite, the first at row 0"),
        (np.ones((4, 3)) * 1j, "a.mat holds complex numbers; expected real coordinates"),
    ],
)
def test_matlab_arrays_that_are_no_model(tmp_path, array, message):
    savemat(tmp_path / "a.mat", {"model": array})
    with pytest.raises(ValueError, match=message):
        readers.read_atoms(tmp_path / "a.mat", elements=["Ta"])


def test_what_is_no_model_at_all(tmp_path):
    with pytest.raises(ValueError, match=r"notes.txt is of no known kind; expected one of .cif, .data, .*LAMMPS dump"):
        read(tmp_path, "notes.txt", "Dear diary\n")
    with pytest.raises(FileNotFoundError, match="no file"):
        readers.read_atoms(tmp_path / "none.xyz")
    with pytest.raises(ValueError, match="a.cif cannot be read as an atomic model"):
        read(tmp_path, "a.cif", "data_x\nloop_\n")


def test_a_name_that_ase_would_take_apart(tmp_path):
    """ASE reads ``a@1.xyz`` as the second snapshot of ``a``."""
    write(tmp_path / "a.xyz", Atoms("Ta", [[0, 0, 0]]))
    (tmp_path / "a.xyz").rename(tmp_path / "a@1{x}.xyz")
    assert len(readers.read_atoms(tmp_path / "a@1{x}.xyz")) == 1


def pdb(places, box="", models=1):
    """A PDB file, its columns where the format has them; the element is the last."""
    rows = "".join(
        f"ATOM  {i:5d} CU   CU  A   1    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          CU\n"
        for i, (x, y, z) in enumerate(places, 1)
    )
    many = "".join(f"MODEL {m:8d}\n{rows}ENDMDL\n" for m in range(1, models + 1))
    return f"{box}{many if models > 1 else rows}END\n"


def test_pdb_of_several_models_and_of_no_crystal(tmp_path):
    box = "CRYST1    1.000    1.000    1.000  90.00  90.00  90.00 P 1           1\n"
    atoms = read(tmp_path, "a.pdb", pdb(2.6 * np.eye(3), box))
    np.testing.assert_allclose(atoms.positions, 2.6 * np.eye(3))
    assert (atoms.get_chemical_symbols(), atoms.pbc.any()) == (["Cu"] * 3, False)
    with pytest.warns(FramesWarning, match="b.pdb holds 2 snapshots; the last is taken"):
        assert len(read(tmp_path, "b.pdb", pdb(2.6 * np.eye(3), models=2))) == 3
    with pytest.raises(ValueError, match=r"c.pdb cannot be read as an atomic model \(it holds no atom\)"):
        read(tmp_path, "c.pdb", "REMARK nothing\nEND\n")


def test_exponents_of_fortran(tmp_path):
    atoms = read(tmp_path, "a.xyz", "2\n\nCu 0.5D+00 -1.25d1 0\nCu 3.0D0 0 2\n")
    np.testing.assert_array_equal(atoms.positions, [[0.5, -12.5, 0], [3, 0, 2]])


def test_sites_that_several_elements_share(tmp_path):
    sides = "".join(f"_cell_length_{a} 3.6\n" for a in "abc")
    sides += "".join(f"_cell_angle_{a} 90\n" for a in ("alpha", "beta", "gamma"))
    names = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy")
    head = f"data_x\n{sides}_symmetry_space_group_name_H-M 'P 1'\nloop_\n" + "".join(f"_atom_site_{n}\n" for n in names)
    with pytest.raises(ValueError, match="a.cif holds a site with the occupancy Cu 0.6, Zr 0.4, the mean of many"):
        read(tmp_path, "a.cif", head + "A1 Cu 0 0 0 .6\nA1 Zr 0 0 0 .4\n")
    with pytest.raises(ValueError, match="a site with the occupancy Cu 0.6"):
        read(tmp_path, "b.cif", head + "A1 Cu 0 0 0 .6\nA2 Cu .5 .5 .5 1\n")
    assert len(read(tmp_path, "c.cif", head + "A1 Cu 0 0 0 1\nA2 Zr .5 .5 .5 1.0\n")) == 2


def test_a_periodic_box_too_small_for_its_atoms(tmp_path):
    atoms = bulk("Cu", cubic=True) * (3, 3, 3)
    atoms.set_cell(atoms.cell / 10)  # in nm, while the positions are in Å
    write(tmp_path / "a.extxyz", atoms)
    with pytest.raises(ValueError, match=r"of 1.27 Å³ for 108 atoms, 0.012 Å³ for each; expected at least 2"):
        readers.read_atoms(tmp_path / "a.extxyz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"1\n\nCu 0 0 0\n", mtime=0), r"a.xyz is compressed \(gzip\); unpack it first"),
        (b"PK\x03\x04....", "a.xyz is an archive .*save the table as CSV"),
        (b"\x89PNG\r\n", r"a.xyz is a picture \(PNG\); images are read as a stack"),
        (b"1\n\nCu 0,5 0 0\n", "expected a symbol and three coordinates; decimals need a point, not a comma"),
    ],
)
def test_what_other_programs_wrote(tmp_path, content, message):
    (tmp_path / "a.xyz").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        readers.read_atoms(tmp_path / "a.xyz")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "a.xyz").mkdir()
    with pytest.raises(FileNotFoundError, match=r"a.xyz is a folder; name a file in it"):
        readers.read_atoms(tmp_path / "a.xyz")
