"""A description of a sample, written from its files as far as they tell."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._boundaries import empty_shares, filled_axes
from ..readers import lammps, read_angles, read_atoms, read_images
from ..readers.images import IMAGE_SUFFIXES
from ..readers.lammps_data import is_data
from ..readers.matlab import read_variables
from ..readers.text import read_text, require_file
from ..readers.tilt_series import PIXEL_SIZES
from ..samples import sample_names

if TYPE_CHECKING:
    from ase import Atoms

_ANGLES = {".rawtlt", ".tlt", ".mdoc"}
_LISTS = {".txt", ".csv", ".dat", ".angles"}  # angles, unless they are LAMMPS files
_MASS = 0.02  # share by which a mass may differ from that of the element that it suggests


@dataclass
class _Found:
    """What the files tell."""

    files: dict[str, Path] = field(default_factory=dict)
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    elements: list[str] = field(default_factory=list)
    guess: str = ""  # what stands behind the elements
    kind: str = "particle"
    reason: str = ""
    pixel_size: float | None = None
    tilts: int | None = None


def describe_files(
    files: Sequence[str | Path],
    *,
    folder: str | Path | None = None,
    name: str | None = None,
    elements: Sequence[str] = (),
    kind: str | None = None,
    pixel_size: float | None = None,
    style: str | None = None,
) -> str:
    r"""Write the description of a sample, in the form of ``data/samples.toml``, from its files.

    Parameters
    ----------
    files : sequence of path
        A model, or a tilt series and its angles, in any order; what each is, is told by what it holds.
    folder : path, optional
        Where the description will lie; the files must lie in it or below. Default: the folder of the first file.
    name : str, optional
        What the sample is called; by default after the first file.
    elements : sequence of str, optional
        Chemical symbols, where the files do not name them; for numbered types in their order.
    kind : str, optional
        ``"particle"``, ``"film"`` or ``"bulk"``, where the atoms and their box do not tell.
    pixel_size : float, optional
        Edge of a pixel [Å], where the images do not state it.
    style : str, optional
        Atom style of a LAMMPS data file that does not state it.

    Returns
    -------
    str
        TOML. What only you can know stands in it as a line to fill in, marked ``TO STATE``.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If a file is damaged or of no known kind, two files are of one kind, or a file lies outside the folder.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from helpers.own import describe_files
    >>> with tempfile.TemporaryDirectory() as there:
    ...     model = pathlib.Path(there, "pair.xyz")
    ...     _ = model.write_text("2\n\nPt 0 0 0\nPt 2.8 0 0\n")
    ...     print(describe_files([model]).splitlines()[1])
    [pair]
    """
    paths = [Path(file) for file in files]
    if not paths:
        msg = "no files; give a model, or a tilt series and its angles"
        raise ValueError(msg)
    place = Path(folder) if folder is not None else paths[0].parent
    found = _Found(elements=list(elements), pixel_size=pixel_size)
    for path in paths:
        _add(found, path, list(elements) or None, style)
    if kind is not None:
        found.kind, found.reason = kind, "as you said"
    return _write(found, place, name or _name(paths[0]))


def _add(found: _Found, path: Path, elements: list[str] | None, style: str | None) -> None:
    require_file(path)
    role = _role(path)
    if role in found.files:
        msg = f"{path.name} and {found.files[role].name} are both a {role.replace('_', ' ')}; give one for each sample"
        raise ValueError(msg)
    found.files[role] = path
    if role == "model":
        _add_model(found, path, elements, style)
    elif role == "tilt_series":
        images, stated = read_images(path)
        found.tilts = len(images)
        if found.pixel_size is None and stated is not None and PIXEL_SIZES[0] <= stated <= PIXEL_SIZES[1]:
            found.pixel_size = round(stated, 6)
    else:
        read_angles(path)


def _role(path: Path) -> str:
    """Tell a model, images and angles from one another: by what they hold where endings say nothing."""
    suffix = path.suffix.lower()
    if suffix == ".mat":
        arrays = read_variables(path)
        if any(array.ndim == 3 for array in arrays.values()):
            return "tilt_series"
        return "angles" if any("angle" in name.lower() or "tilt" in name.lower() for name in arrays) else "model"
    if suffix in IMAGE_SUFFIXES:
        return "tilt_series"
    if suffix in _ANGLES:
        return "angles"
    if suffix in _LISTS:
        text = read_text(path)
        return "model" if lammps.is_dump(text) or is_data(text) else "angles"
    return "model"


def _add_model(found: _Found, path: Path, elements: list[str] | None, style: str | None) -> None:
    if style:
        found.options["model"] = {"style": style}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            atoms = read_atoms(path, elements=elements, style=style)
    except ValueError as error:
        if elements or "element" not in str(error):
            raise
        found.guess = str(error)
        found.kind, found.reason = _kind_of_types(path, style)
        suggested = _elements_of_masses(path)
        if suggested:
            found.elements, found.guess = suggested, "from the masses in the file"
            _add_model(found, path, suggested, style)
        return
    if not found.elements:
        found.elements = list(dict.fromkeys(atoms.get_chemical_symbols()))
    found.kind, found.reason = _kind(atoms)


def _elements_of_masses(path: Path) -> list[str]:
    """Elements of the types of a LAMMPS data file whose masses are those of one element each."""
    from ase.data import atomic_masses, chemical_symbols

    if path.suffix.lower() == ".mat":
        return []
    section = re.search(r"^\s*Masses\b[^\n]*\n\s*\n((?:\s*\d+\s+\S+[^\n]*\n)+)", read_text(path), re.M)
    names = []
    for line in section.group(1).splitlines() if section else []:
        try:
            mass = float(line.split()[1])
        except (IndexError, ValueError):
            return []
        near = int(np.argmin(np.abs(atomic_masses[1:] / mass - 1))) + 1 if mass > 0 else 0
        if not near or abs(atomic_masses[near] / mass - 1) > _MASS:
            return []
        names.append(chemical_symbols[near])
    return names


def _kind(atoms: Atoms) -> tuple[str, str]:
    """Kind of a sample by its box: filled along all axes, all but one, or not at all."""
    if not atoms.pbc.any() or atoms.cell.rank < 3:
        return "particle", "the file has no periodic box; film, if it is one"
    filled = filled_axes(atoms)
    if filled.all():
        return "bulk", "the atoms fill their periodic box"
    empty = ", ".join(f"{100 * gap:.0f} %" for gap in empty_shares(atoms))
    return ("film" if filled.sum() == 2 else "particle"), f"the box has vacuum: {empty} along x, y, z"


def _kind_of_types(path: Path, style: str | None) -> tuple[str, str]:
    """Kind of a sample whose elements are not known yet: atoms and box are the same for any."""
    from ase.data import chemical_symbols

    for count in (100, *range(1, 9)):  # LAMMPS takes any number; an old POSCAR wants one for each of its kinds
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _kind(read_atoms(path, elements=chemical_symbols[1 : count + 1], style=style))
        except ValueError:
            continue
    return "particle", 'TO STATE: "particle", "film" or "bulk"'


def _name(path: Path) -> str:
    """Plain word after a file that no sample of the project has."""
    word = re.sub(r"[^A-Za-z0-9_-]+", "_", path.stem).strip("_-")[:40] or "mine"
    return f"{word}_own" if word in sample_names() else word


def _write(found: _Found, folder: Path, name: str) -> str:
    lines = [
        "# Written from the files; `make check-sample` says what is missing; keys: data/samples.toml.",
        f"[{name}]",
    ]
    lines.append(f"title = {_text(name)}  # what figures and tables call it: short =")
    if found.elements:
        note = f"  # {found.guess}" if found.guess else ""
        lines.append(f"elements = [{', '.join(map(_text, found.elements))}]{note}")
    else:
        lines.append('elements = []  # TO STATE: such as ["Cu", "Zr"]; of numbered types in their order')
    lines.append(f"kind = {_text(found.kind)}{f'  # {found.reason}' if found.reason else ''}")
    if "tilt_series" in found.files:
        lines.append(f"tilts = {found.tilts}")
        if found.pixel_size is None:
            lines.append("# pixel_size = 0.4  # TO STATE: the edge of a pixel [Å], for the images do not")
        if "angles" not in found.files:
            lines.append('# files.angles = "….rawtlt"  # TO STATE: one angle a line, or φ, θ, ψ [degrees]')
    if found.pixel_size is not None:
        lines.append(f"pixel_size = {found.pixel_size}  # [Å]")
    lines += [
        f"files.{role} = {_entry(path, folder, found.options.get(role, {}))}" for role, path in found.files.items()
    ]
    return "\n".join(lines) + "\n"


def _entry(path: Path, folder: Path, options: dict[str, Any]) -> str:
    whole, place = path.resolve(), folder.resolve()
    if not whole.is_relative_to(place):
        msg = f"{path} does not lie in {place}, where the description goes; write it with --output beside the files"
        raise ValueError(msg)
    name = _text(Path(os.path.relpath(whole, place)).as_posix())
    if not options:
        return name
    return (
        "{ "
        + ", ".join(
            f"{key} = {value}" for key, value in {"file": name, **{k: _text(v) for k, v in options.items()}}.items()
        )
        + " }"
    )


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
