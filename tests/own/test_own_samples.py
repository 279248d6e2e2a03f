"""A stranger's sample in several forms, by the page's instructions alone: new-sample, check-sample, then it loads."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.cluster import Octahedron
from ase.io import write
from microscope_files import write_stack

import helpers
from helpers.own import check_samples, describe_files
from helpers.own.check import main as check
from helpers.own.new import main as new
from helpers.own.new import split_names

ANGLES = np.linspace(-60, 60, 7)


def particle(folder):
    """A stranger's fcc nanoparticle as plain XYZ."""
    write(folder / "gold.xyz", Octahedron("Au", 9), format="xyz")
    return [folder / "gold.xyz"], {}


def glass(folder):
    """A binary glass as a LAMMPS dump with types."""
    atoms = helpers.load_sample("MDseed1").snapshots()[-1]
    kinds = np.random.default_rng(0).integers(1, 3, len(atoms))
    rows = "".join(
        f"{i} {k} {x:.4f} {y:.4f} {z:.4f}\n"
        for i, (k, (x, y, z)) in enumerate(zip(kinds, atoms.positions, strict=True), 1)
    )
    side = atoms.cell[0, 0]
    head = f"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n{len(atoms)}\nITEM: BOX BOUNDS pp pp pp\n" + f"0 {side}\n" * 3
    (folder / "glass.dump").write_text(head + "ITEM: ATOMS id type x y z\n" + rows)
    return [folder / "glass.dump"], {"elements": ["Cu", "Zr"]}


def liquid(folder):
    """A liquid in a periodic box as extended XYZ."""
    atoms = helpers.load_sample("MDseed1").snapshots()[0]
    write(folder / "liquid.xyz", Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True))
    return [folder / "liquid.xyz"], {}


def series(folder):
    """An MRC series with its .rawtlt."""
    images = np.random.default_rng(1).normal(10, 2, (7, 24, 20)).astype(np.float32)
    write_stack(folder / "tomo.mrc", images, 0.35)
    (folder / "tomo.rawtlt").write_text("".join(f"{a:.1f}\n" for a in ANGLES))
    return [folder / "tomo.rawtlt", folder / "tomo.mrc"], {"elements": ["Pt"]}


@pytest.mark.parametrize(
    ("form", "kind"), [(particle, "particle"), (glass, "bulk"), (liquid, "bulk"), (series, "particle")]
)
def test_a_stranger_s_sample_by_the_page_s_instructions(tmp_path, capsys, form, kind):
    files, known = form(tmp_path)
    elements = ["--elements", *known["elements"]] if known else []
    assert new([*map(str, files), "--name", "stranger", *elements]) == 0
    toml = files[0].with_suffix(".toml")
    assert "now: make check-sample SAMPLES_FILE=" in capsys.readouterr().out
    assert len(toml.read_text().splitlines()) <= 10  # "a ten-line TOML"
    assert check([str(toml)]) == 0
    report = capsys.readouterr().out
    assert "ok stranger" in report and "!!" not in report
    sample = helpers.load_sample("stranger", file=toml)
    assert sample.kind == kind
    if form is series:
        assert "1 of 8 notebooks can run" in report and "needs files.model" in report
        np.testing.assert_array_equal(sample.tilt_series().angles, ANGLES)
        assert sample.tilt_series().pixel_size == pytest.approx(0.35)
    else:
        assert "8 of 8 notebooks can run" in report
        assert sample.model().pbc.all() == (kind == "bulk")
        assert len(sample.model()) > 300
        assert set(sample.model().get_chemical_symbols()) == set(sample.elements)


def test_as_commands(tmp_path):
    """The two lines of the Makefile, as they stand there."""
    files, _ = particle(tmp_path)
    for module, argument in (("new", files[0]), ("check", files[0].with_suffix(".toml"))):
        done = subprocess.run(
            [sys.executable, "-m", f"helpers.own.{module}", str(argument)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert "489 atoms (Au489) without a box" in done.stdout


def test_what_the_files_do_not_tell_is_left_to_state(tmp_path, capsys):
    files, _ = glass(tmp_path)
    assert new([str(files[0])]) == 0
    text = files[0].with_suffix(".toml").read_text()
    assert "elements = []  # TO STATE" in text
    assert 'kind = "bulk"  # the atoms fill their periodic box' in text  # which types do not decide
    assert check([str(files[0].with_suffix(".toml"))]) == 1
    assert "!! glass model: glass.dump has numbers for its atoms (1, 2) and names no element" in capsys.readouterr().out
    np.save(tmp_path / "s.npy", np.random.default_rng(0).random((5, 9, 8)))
    text = describe_files([tmp_path / "s.npy"])
    assert "# pixel_size = 0.4  # TO STATE" in text and "# files.angles" in text


def test_masses_suggest_elements(tmp_path):
    rows = "1 1 0 0 0\n2 2 2.5 0 0\n"
    head = "x\n\n2 atoms\n2 atom types\n\n0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\n"
    head += "Masses\n\n1 63.55\n2 91.22\n\nAtoms # atomic\n\n"
    (tmp_path / "a.data").write_text(head + rows)
    assert 'elements = ["Cu", "Zr"]  # from the masses in the file' in describe_files([tmp_path / "a.data"])


@pytest.mark.parametrize(("vacuum", "kind"), [((0, 0, 0), "bulk"), ((0, 0, 12), "film"), ((12, 12, 12), "particle")])
def test_kind_follows_box_and_vacuum(tmp_path, vacuum, kind):
    atoms = bulk("Cu", cubic=True) * (4, 4, 4)
    atoms.set_cell(atoms.cell.lengths() + np.array(vacuum))
    write(tmp_path / "a.extxyz", atoms)
    assert f'kind = "{kind}"' in describe_files([tmp_path / "a.extxyz"])


@pytest.mark.parametrize(
    ("kind", "vacuum", "words"),
    [
        ("film", 12, "slab.extxyz goes on periodically along x and y, but 'slab' has kind = 'film' and is taken to be "
                     "finite, with edges there whose atoms lack neighbours; repeat it there (atoms.repeat of ASE)"),
        ("particle", 0, "along x and y and z, but 'slab' has kind = 'particle' and is taken to be finite, with edges "
                        'there whose atoms lack neighbours; state kind = "bulk"'),
        ("bulk", 0, ""),
    ],
)  # fmt: skip
def test_a_box_that_is_not_kept_is_said(tmp_path, kind, vacuum, words):
    atoms = bulk("Cu", cubic=True) * (4, 4, 4)
    atoms.set_cell(atoms.cell.lengths() + [0, 0, vacuum])
    write(tmp_path / "slab.extxyz", atoms)
    (tmp_path / "own.toml").write_text(
        f'[slab]\ntitle = "slab"\nelements = ["Cu"]\nkind = "{kind}"\nfiles.model = "slab.extxyz"\n'
    )
    said = [finding.text for finding in check_samples(tmp_path / "own.toml").findings if finding.state == "doubt"]
    assert any(words in text for text in said) if words else not said
    assert not any("nearer than" in text for text in said)


def test_an_old_poscar_tells_its_kind_without_elements(tmp_path):
    atoms = bulk("NaCl", "rocksalt", 5.64, cubic=True) * (2, 2, 2)
    write(tmp_path / "POSCAR", atoms, format="vasp", sort=True)
    lines = (tmp_path / "POSCAR").read_text().splitlines()
    (tmp_path / "POSCAR").write_text("\n".join(lines[:5] + lines[6:]) + "\n")
    text = describe_files([tmp_path / "POSCAR"])
    assert "elements = []  # TO STATE" in text and 'kind = "bulk"  # the atoms fill' in text


def test_names_that_no_notebook_knows_and_elements_that_no_atom_has(tmp_path):
    particle(tmp_path)
    (tmp_path / "own.toml").write_text(
        '[gold]\nkind = "particle"\nelements = ["Au", "Pd"]\nfiles.model = "gold.xyz"\nfiles.modle = "gold.xyz"\n'
        'files.notes = "gold.xyz"\n'
    )
    words = str(check_samples(tmp_path / "own.toml"))
    assert "?? gold model: elements names Pd, of which it holds no atom" in words
    assert "?? gold modle: no notebook knows files of this name; did you mean files.model?" in words
    assert "?? gold notes: no notebook knows files of this name; they know model, tilt_series" in words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda images, tilts: (images, 0 * tilts), "the tilts span 0.0°; below 60° little is seen of the depth"),
        (lambda images, tilts: (images[:, :, 8:12], tilts), "the images have 24×4 px; are they images"),
        (
            lambda images, tilts: (np.append(images, images[2:3], 0), np.append(tilts, 70)),
            "the images 2 and 7 (from 0) are equal, at -20.0° and 70.0°",
        ),
        (
            lambda images, tilts: (np.minimum(images, 12), tilts),
            "% of the pixels hold the largest value, 12; were they",
        ),
        (lambda images, tilts: (images, np.c_[tilts, 0 * tilts, 0 * tilts]), "the tilts span"),  # about z, not y
        (lambda images, tilts: (images, tilts), ""),
        (lambda images, tilts: (images[::-1], tilts[::-1]), ""),
    ],
)
def test_what_is_odd_about_a_series(tmp_path, change, words):
    images = np.zeros((7, 24, 20), np.float32)
    images[:, 4:20, 4:16] = np.random.default_rng(1).normal(10, 2, (7, 16, 12))
    images, tilts = change(images, ANGLES)
    write_stack(tmp_path / "s.mrc", np.ascontiguousarray(images), 0.35)
    np.savetxt(tmp_path / "s.tlt", tilts)
    (tmp_path / "own.toml").write_text(describe_files([tmp_path / "s.mrc", tmp_path / "s.tlt"], elements=["Pt"]))
    said = [finding.text for finding in check_samples(tmp_path / "own.toml").findings if finding.state == "doubt"]
    assert any(words in text for text in said) if words else not said, said


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("gold.xyz", ["gold.xyz"]),
        ("my gold (v2).xyz", ["my gold (v2).xyz"]),  # a file, as it stands
        ("tomo.mrc tomo.rawtlt", ["tomo.mrc", "tomo.rawtlt"]),
        ("'a b.mrc' tomo.rawtlt", ["a b.mrc", "tomo.rawtlt"]),
        ("it's.mrc tomo.rawtlt", ["it's.mrc", "tomo.rawtlt"]),
        ("  ", []),
    ],
)
def test_names_from_make(tmp_path, monkeypatch, text, names):
    (tmp_path / "my gold (v2).xyz").write_text("")
    monkeypatch.chdir(tmp_path)
    assert [path.name for path in split_names(text)] == names


def test_the_next_command_is_said(tmp_path, capsys):
    files, known = glass(tmp_path)
    assert new([str(files[0]), "--elements", *known["elements"]]) == 0
    toml = files[0].with_suffix(".toml")
    quoted = shlex.quote(str(toml))  # where temporary files lie in a folder with a space
    assert f"now: make check-sample SAMPLES_FILE={quoted}\n" in capsys.readouterr().out
    assert check([str(toml)]) == 0
    assert f"now: make batch SAMPLES=glass SAMPLES_FILE={quoted}\n" in capsys.readouterr().out
    images, _ = series(tmp_path)
    assert new([*map(str, images), "--elements", "Pt"]) == 0
    toml = images[0].with_suffix(".toml")
    assert check([str(toml)]) == 0
    assert f"SAMPLES_FILE={shlex.quote(str(toml))} NOTEBOOKS=19\n" in capsys.readouterr().out


def test_what_is_wrong_is_said_before_anything_runs(tmp_path):
    write(tmp_path / "nm.xyz", Atoms("Cu300", 0.1 * (bulk("Cu", cubic=True) * (5, 5, 5)).positions[:300]), format="xyz")
    crowd = (bulk("Cu", cubic=True) * (4, 4, 4)).positions
    crowd[0] = crowd[1] + [0, 0, 0.01]
    write(tmp_path / "twice.xyz", Atoms("Cu256", crowd), format="xyz")
    (tmp_path / "own.toml").write_text(
        '[nm]\nkind = "particle"\nfiles.model = "nm.xyz"\n[twice]\nkind = "particle"\nfiles.model = "twice.xyz"\n'
        '[none]\nkind = "film"\n[gone]\nkind = "film"\nfiles.model = "gone.xyz"\nfiles.tilt_series = "gone.mrc"\n'
    )
    report = check_samples(tmp_path / "own.toml")
    words = str(report)
    assert (
        "?? nm model: neighbours are 0.26 Å apart, where about 2.6 Å are usual for Cu; are the positions in nm?"
        in words
    )
    assert "?? twice model: 2 atoms have a neighbour nearer than 1.5 Å, the nearest at 0.01 Å" in words
    assert "!! none files: it names no files" in words
    assert "!! gone model: model of sample 'gone' should be" in words
    assert [finding.sample for finding in report.wrong] == ["none", "gone", "gone"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p / 0.529177, "neighbours are 4.8 Å apart, .*are the positions in bohr. Multiply them by 0.529177"),
        (lambda p: p * 100, "are the positions in pm. Multiply them by 0.01"),
        (lambda p: p / 18.05, "are the positions fractions of a box. Multiply them by its edges"),
        (lambda p: p / 4, "Å are usual for Cu; are the positions in Å"),  # no usual unit
        (lambda p: 1.1 * p, None),
        (lambda p: 0.9 * p, None),
    ],
)
def test_positions_in_another_unit(tmp_path, change, words):
    places = change((bulk("Cu", cubic=True) * (5, 5, 5)).positions)
    write(tmp_path / "a.xyz", Atoms(f"Cu{len(places)}", places), format="xyz")
    (tmp_path / "own.toml").write_text(describe_files([tmp_path / "a.xyz"]))
    said = [finding.text for finding in check_samples(tmp_path / "own.toml").findings if finding.state == "doubt"]
    assert bool(said) == bool(words)
    assert not words or re.search(words, said[0])


def test_what_images_lack_is_said_before_they_are_reconstructed(tmp_path):
    images = np.zeros((7, 24, 20), np.float32)
    images[:, 8:16, 8:14] = np.random.default_rng(1).normal(10, 2, (7, 8, 6))
    for name, stack in {"dark": 5 - images, "ground": images + 5, "good": images}.items():
        write_stack(tmp_path / f"{name}.mrc", stack.astype(np.float32), 0.35)
    (tmp_path / "a.tlt").write_text("".join(f"{a:.1f}\n" for a in ANGLES))
    kind = 'kind = "particle"\nfiles.angles = "a.tlt"\n'
    text = "".join(
        f'[{n}]\n{kind}files.tilt_series = "{n}.mrc"\nelements = ["Pt"]\n' for n in ("dark", "ground", "good")
    )
    (tmp_path / "own.toml").write_text(f'{text}[none]\n{kind}files.tilt_series = "good.mrc"\n[alone]\n{kind}')
    words = str(check_samples(tmp_path / "own.toml"))
    assert "?? dark tilt_series: the images are brighter at both ends of x than in the middle" in words
    assert "?? ground tilt_series: " in words and "a background seems to be left" in words
    assert not re.search(r"(!!|[?][?]) good", words)
    assert "!! none elements: atoms are located by their element; state it" in words
    assert "!! alone files: it names angles but no images; add files.model or files.tilt_series" in words


def test_one_of_anything_is_said_in_the_singular(tmp_path):
    write(tmp_path / "one.xyz", Atoms("Cu"), format="xyz")
    pair = Atoms("Cu201", np.concatenate([2.6 * np.indices((10, 10, 2)).reshape(3, -1).T, [[500.0, 0, 0]]]))
    write(tmp_path / "lone.xyz", pair, format="xyz")
    write_stack(tmp_path / "s.mrc", np.random.default_rng(1).normal(10, 2, (1, 24, 20)).astype(np.float32), 0.35)
    (tmp_path / "s.rawtlt").write_text("0\n3\n")
    kind = 'kind = "particle"\nelements = ["Cu"]\n'
    (tmp_path / "own.toml").write_text(
        f'[one]\n{kind}files.model = "one.xyz"\n[lone]\n{kind}files.model = "lone.xyz"\n'
        f'[series]\n{kind}files.tilt_series = "s.mrc"\nfiles.angles = "s.rawtlt"\n'
    )
    words = str(check_samples(tmp_path / "own.toml"))
    assert "ok one model: 1 atom (Cu) without a box" in words
    assert "?? one model: it has 1 atom; figures" in words
    assert "!! series tilt_series" in words
    assert not re.search(r"(?<![\d,.])1 (atoms|images|angles|notebooks|pairs|values)", words), words


def test_a_notebook_that_would_not_fit_into_memory(tmp_path, monkeypatch):
    files, _ = particle(tmp_path)
    (tmp_path / "own.toml").write_text(describe_files(files))
    monkeypatch.setattr("helpers.own.checking.free_memory", lambda: 6e8)
    outlooks = {o.notebook[:2]: o.lacks for o in check_samples(tmp_path / "own.toml").outlooks}
    assert outlooks["10"] == ""
    assert outlooks["14"].endswith("of memory, of which 600 MB are free")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gold.xyz", "gold.xyz"], "gold.xyz and gold.xyz are both a model; give one for each sample"),
        (["none.xyz"], "no file"),
        (["gold.xyz", "--output", "deep/gold.toml"], "does not lie in .*deep, where the description goes"),
        (
            ["gold.xyz", "--output", "here.toml"],
            "here.toml exists and is left as it is; name another one with --output",
        ),
    ],
)
def test_what_new_sample_refuses(tmp_path, monkeypatch, capsys, arguments, message):
    particle(tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "here.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert new(arguments) == 1
    assert re.search(message, capsys.readouterr().err)


def test_every_notebook_of_the_cost_table_exists():
    from helpers.data import DATA_FOLDER

    lines = (DATA_FOLDER / "notebook_costs.csv").read_text(encoding="utf-8").splitlines()
    names = [line.split(",")[0] for line in lines if line[:1].isdigit()]
    there = {path.stem for path in (DATA_FOLDER.parent / "book" / "notebooks").glob("*.ipynb")}
    assert set(names) - there == set()
