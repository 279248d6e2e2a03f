"""Atomic models in the formats of programs: every atom gets the element that the file or the sample names, or none."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import check_positions
from ..digits import counted
from . import lammps
from .lammps_data import is_data, read_data
from .matlab import read_variables
from .text import read_text, require_file, split_lines
from .xyz import last_frame, warn_of_frames

if TYPE_CHECKING:
    from ase import Atoms

FORMATS = {".xyz": "extxyz", ".extxyz": "extxyz", ".cif": "cif", ".pdb": "proteindatabank", ".ent": "proteindatabank",
           ".vasp": "vasp", ".poscar": "vasp"}  # fmt: skip
_LAMMPS = (".dump", ".lammpstrj", ".lmp", ".lammps", ".data")
_SMALLEST = 2.0  # room of an atom in a solid [Å³]; carbon in diamond, the densest, has 5.7


def read_atoms(
    path: str | Path, *, elements: Sequence[str] | None = None, array: str | None = None, style: str | None = None
) -> Atoms:
    r"""Read an atomic model: XYZ, extended XYZ, LAMMPS dump or data, CIF, PDB, POSCAR, or MATLAB arrays.

    Parameters
    ----------
    path : path
        The file. A MATLAB file holds one (3, N) or (N, 3) array of positions [Å], and for several elements a list of N
        types beside it, counted from 1.
    elements : sequence of str, optional
        The sample's elements; of a file with numbers for types, in their order.
    array : str, optional
        Name of the positions in a MATLAB file that holds several such arrays.
    style : str, optional
        Atom style of a LAMMPS data file that does not state it: ``"atomic"``, ``"charge"``, ``"molecular"``,
        ``"full"``.

    Returns
    -------
    ase.Atoms
        Positions [Å], elements, the periodic box if the file has one, and what else the file says of each atom.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged or of an unknown kind, if it does not name the elements and `elements` does not either,
        if the two contradict each other, if a site is shared by several elements or partly empty, if a coordinate is
        not finite, or if the periodic box is too small for the atoms.

    Warns
    -----
    FramesWarning
        If the file holds several snapshots; the last is taken.
    UnreadBoxWarning
        If the comment of an XYZ file seems to state a box in another form than ``Lattice="…"``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from helpers.readers import read_atoms
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "pair.xyz")
    ...     _ = path.write_text("2\n\nPt 0 0 0\nPt 2.8 0 0\n")
    ...     read_atoms(path, elements=["Pt"]).get_chemical_formula()
    'Pt2'
    """
    path = require_file(path)
    stated = None if elements is None else _known(elements)
    if path.suffix.lower() == ".mat":
        atoms = _read_mat(path, stated, array)
    else:
        atoms = _read_text(path, read_text(path), stated, style)
    return _checked(atoms, path, stated)


def _known(elements: Sequence[str]) -> list[str]:
    from ase.data import atomic_numbers

    names = [elements] if isinstance(elements, str) else list(elements)
    unknown = [name for name in names if name not in atomic_numbers or name == "X"]
    if unknown:
        msg = f"elements={names} has {unknown[0]!r}, which is no chemical symbol; expected such as 'Cu'"
        raise ValueError(msg)
    return names


def _read_text(path: Path, text: str, elements: list[str] | None, style: str | None) -> Atoms:
    kind = _format(path, text)
    try:
        if kind == "lammps-dump":
            warn_of_frames(path, text.count("ITEM: TIMESTEP"))
            return lammps.read_dump(text, elements, path.name)
        if kind == "lammps-data":
            return read_data(text, elements, style, path.name)
        if kind == "extxyz":
            text = last_frame(path, text, elements)
        if kind == "vasp":
            text = _with_symbols(path, text, elements)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of crystallographic niceties
            models = _read_with_ase(text, kind)
        warn_of_frames(path, len(models))
        _refuse_shared_sites(models[-1], path)
        return models[-1]
    except ValueError as error:
        if path.name in str(error):
            raise
        raise _damaged(path, error) from error
    except Exception as error:  # ASE tells of damaged files in a dozen ways
        raise _damaged(path, error) from error


def _read_with_ase(text: str, kind: str) -> list[Atoms]:
    """Models of a file that hold atoms; of XYZ, POSCAR and CIF the last alone."""
    from ase.io import read

    found = read(StringIO(text), format=kind, index=slice(None) if kind == "proteindatabank" else slice(-1, None))
    models = [atoms for atoms in found if len(atoms)]
    if not models:
        msg = "it holds no atom"
        raise ValueError(msg)
    for atoms in models:
        if kind == "proteindatabank" and np.allclose(atoms.cell.lengths(), 1.0):  # CRYST1 of what is no crystal
            atoms.set_cell(None)
            atoms.set_pbc(False)
    return models


def _refuse_shared_sites(atoms: Atoms, path: Path) -> None:
    """Refuse a mean structure, in which an atom is partly one element and partly another, or absent."""
    for shares in (atoms.info.get("occupancy") or {}).values():
        if len(shares) > 1 or any(not 0.999 < share < 1.001 for share in shares.values()):
            words = ", ".join(f"{element} {share:g}" for element, share in shares.items())
            msg = (
                f"{path.name} holds a site with the occupancy {words}, the mean of many; expected one whole atom for "
                "each site: deal the elements to the sites of a larger piece of it"
            )
            raise ValueError(msg)


def _damaged(path: Path, error: Exception) -> ValueError:
    words = " ".join(str(error).split())[:120] or type(error).__name__
    return ValueError(f"{path.name} cannot be read as an atomic model ({words}); is it whole?")


def _format(path: Path, text: str) -> str:
    """Kind of a file: LAMMPS by what it holds, for its endings say nothing; the others by their names."""
    if lammps.is_dump(text):
        return "lammps-dump"
    suffix = path.suffix.lower()
    if suffix in FORMATS:
        return FORMATS[suffix]
    if re.match(r"(POSCAR|CONTCAR)", path.name):
        return "vasp"
    if is_data(text):
        return "lammps-data"
    known = ", ".join(sorted({*FORMATS, *_LAMMPS, ".mat", "POSCAR"}))
    msg = f"{path.name} is of no known kind; expected one of {known}, or a LAMMPS dump or data file of any name"
    raise ValueError(msg)


def _with_symbols(path: Path, text: str, elements: list[str] | None) -> str:
    """POSCAR with a line of symbols; old files have none, and ASE would look for it in files beside."""
    lines = split_lines(text)
    if len(lines) > 6 and lines[5].split() and all(cell.isdecimal() for cell in lines[5].split()):
        counts = len(lines[5].split())
        if not elements or len(elements) != counts:
            msg = (
                f"{path.name} names no elements for its {counted(counts, 'kind of atoms')}; state them in their order "
                f"(elements is {elements or 'not stated'})"
            )
            raise ValueError(msg)
        lines.insert(5, " ".join(elements))
    return "\n".join(lines) + "\n"


def _read_mat(path: Path, elements: list[str] | None, array: str | None) -> Atoms:
    from ase import Atoms

    arrays = read_variables(path)
    shapes = ", ".join(f"{key} {value.shape}" for key, value in arrays.items()) or "nothing"
    points = {k: v for k, v in arrays.items() if v.ndim == 2 and 3 in v.shape and (array is None or k == array)}
    if len(points) != 1:
        way = f"choose one with array = {' or '.join(map(repr, points))}" if points else "expected (N, 3) positions [Å]"
        msg = f"{path.name} holds {shapes}; {way}"
        raise ValueError(msg)
    ((name, places),) = points.items()
    if places.shape == (3, 3):
        msg = f"{name} of {path.name} has shape (3, 3), so that rows and columns cannot be told apart; save it as XYZ"
        raise ValueError(msg)
    positions = check_positions(places.T if places.shape[0] == 3 else places, name=path.name)
    lists = {k: v.ravel() for k, v in arrays.items() if k != name and v.size == len(positions) and _whole(v)}
    if elements and len(elements) == 1 and not lists:
        return Atoms(elements * len(positions), positions)
    if len(lists) == 1:
        types = next(iter(lists.values())).astype(np.int64)
        names = lammps.species_of_numbers(set(types.tolist()), elements, path.name)
        return Atoms([names[str(kind)] for kind in types.tolist()], positions)
    if lists:
        msg = f"{path.name} holds {shapes}; {' and '.join(lists)} could each be the atoms' types: leave one of them"
        raise ValueError(msg)
    msg = (
        f"{path.name} names no elements; state one element for the sample (got {elements}), or store the type of each "
        "atom, counted from 1, beside the positions"
    )
    raise ValueError(msg)


def _whole(values: NDArray[Any]) -> bool:
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        return False
    return bool((values == np.round(values)).all() and values.min() >= 0 and values.max() < 1000)


def _checked(atoms: Atoms, path: Path, elements: list[str] | None) -> Atoms:
    """Refuse what is no model, and elements that the sample does not have."""
    check_positions(atoms.positions, name=path.name)
    found = sorted(set(atoms.get_chemical_symbols()))
    if "X" in found:
        msg = f"{path.name} holds atoms without an element; name it for each, or state elements for its types"
        raise ValueError(msg)
    foreign = [name for name in found if name not in (elements or found)]
    if foreign:
        msg = (
            f"{path.name} holds {', '.join(found)} but elements names {', '.join(elements or [])}; "
            f"correct elements, or is it the file of another sample?"
        )
        raise ValueError(msg)
    if not np.isfinite(atoms.cell.array).all():
        msg = f"{path.name} states a box that is not finite; correct it there"
        raise ValueError(msg)
    if atoms.pbc.all() and atoms.cell.rank == 3 and atoms.cell.volume < _SMALLEST * len(atoms):
        each = atoms.cell.volume / len(atoms)
        msg = (
            f"{path.name} states a periodic box of {atoms.cell.volume:.3g} Å³ for {counted(len(atoms), 'atom')}, "
            f"{each:.2g} Å³ for each; expected at least {_SMALLEST:g}: are lengths in Å, and is it the box?"
        )
        raise ValueError(msg)
    return atoms
