"""LAMMPS data files of the styles whose rows hold one atom each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from ..digits import counted
from .lammps import refuse_repeated, species_of_numbers
from .text import split_lines

if TYPE_CHECKING:
    from ase import Atoms

_STYLES = {"atomic": (5, 1), "charge": (6, 1), "molecular": (6, 2), "bond": (6, 2), "angle": (6, 2), "full": (7, 2)}
"""Columns of each atom style, and which of them is the type."""
_MASS = 0.05  # a mass that differs by more from that of an element is another's, as a share


def is_data(text: str) -> bool:
    """Tell a data file by the header that each of them has."""
    head = "\n".join(split_lines(text)[:60])
    return bool(re.search(r"^\s*\d+\s+atoms\b", head, re.M) and re.search(r"\b(xlo\s+xhi|avec)\b", head))


def read_data(text: str, elements: Sequence[str] | None, style: str | None, name: str) -> Atoms:
    """Read a data file of the styles atomic, charge, molecular or full, stated or told by the number of columns.

    Raises
    ------
    ValueError
        If the style is unknown or cannot be told, or types have no elements, or those of other masses.
    """
    from ase.io.lammpsdata import read_lammps_data

    lines = split_lines(text)
    at = next((i for i, line in enumerate(lines) if re.match(r"\s*Atoms\b", line)), None)
    rows, end = ([], 0) if at is None else _section(lines, at + 1)
    count = int(re.search(r"^\s*(\d+)\s+atoms\b", text, re.M).group(1))  # type: ignore[union-attr]  # is_data saw it
    if at is None or len(rows) != count or not rows:
        msg = (
            f"{name} cannot be read as an atomic model: it announces {counted(count, 'atom')} but holds {len(rows)}; "
            "is it whole?"
        )
        raise ValueError(msg)
    style = style or lines[at].partition("#")[2].strip() or _style(rows, name)
    if style not in _STYLES:
        msg = f"{name} is of the atom style {style!r}; expected {', '.join(_STYLES)}: write it as XYZ, or as a dump"
        raise ValueError(msg)
    width, column = _STYLES[style]
    wrong = next((row for row in rows if len(row) not in (width, width + 3)), None)
    if wrong:
        msg = (
            f"{name} reads {' '.join(wrong)[:60]!r} in its section Atoms; the style {style!r} has "
            f"{counted(width, 'column')}, or "
            f"{width + 3} with images: state style = in your samples file if it is another one"
        )
        raise ValueError(msg)
    refuse_repeated((row[0] for row in rows), name)
    labels = {row[column] for row in rows}
    if all(label.isdecimal() and label.isascii() for label in labels):
        known = species_of_numbers({int(label) for label in labels}, elements, name)
        numbers = {int(label): _number(symbol) for label, symbol in known.items()}
    else:
        numbers = _labelled(lines, labels, name)
    _compare_masses(lines, numbers, name)
    whole = [*lines[:at], f"Atoms # {style}", "", *(" ".join(row) for row in rows), "", *lines[end:]]
    return read_lammps_data(StringIO("\n".join(whole) + "\n"), Z_of_type=numbers, atom_style=style, units="metal")


def _labelled(lines: list[str], labels: set[str], name: str) -> dict[int, int]:
    """Atomic number of each type whose label is a chemical symbol."""
    from ase.data import atomic_numbers

    at = next((i for i, line in enumerate(lines) if re.match(r"\s*Atom\s+Type\s+Labels\b", line)), None)
    rows = _section(lines, at + 1)[0] if at is not None else []
    named = {int(row[0]): row[1] for row in rows if len(row) > 1}
    foreign = sorted(labels - {label for label in named.values() if label in atomic_numbers})
    if foreign:
        msg = f"{name} has atoms of the type {foreign[0][:20]!r}, which is no chemical symbol; number the types from 1"
        raise ValueError(msg)
    return {number: int(atomic_numbers[label]) for number, label in named.items() if label in labels}


def _section(lines: list[str], begin: int) -> tuple[list[list[str]], int]:
    """Rows of a section, up to the next heading, and the line of that."""
    rows: list[list[str]] = []
    for number, line in enumerate(lines[begin:], start=begin):
        cells = line.split("#")[0].split()
        if cells and not cells[0].lstrip("-").isdecimal():
            return rows, number
        if cells:
            rows.append(cells)
    return rows, len(lines)


def _style(rows: list[list[str]], name: str) -> str:
    """Atom style by the number of columns; of charge and molecular, only the first has fractions in the third."""
    width = len(rows[0])
    fitting = [style for style, (columns, _) in _STYLES.items() if width in (columns, columns + 3)]
    if any(not re.fullmatch(r"[+-]?\d+", row[2]) for row in rows if len(row) > 2):
        fitting = [style for style in fitting if style in ("atomic", "charge")]
    if len(fitting) == 1:
        return fitting[0]
    words = (
        f"{width} columns, as {' and '.join(fitting)} have" if fitting else f"{width} columns, as no known style has"
    )
    msg = f"{name} does not state its atom style and has {words}; state style = in your samples file"
    raise ValueError(msg)


def _compare_masses(lines: list[str], known: dict[int, int], name: str) -> None:
    """Refuse elements that the file's masses contradict."""
    from ase.data import atomic_masses, chemical_symbols

    at = next((i for i, line in enumerate(lines) if re.match(r"\s*Masses\b", line)), None)
    for row in _section(lines, at + 1)[0] if at is not None else []:
        number = known.get(int(row[0])) if row[0].isdecimal() else None
        if number is None or len(row) < 2:
            continue
        mass, expected = float(row[1]), float(atomic_masses[number])
        if mass != 1.0 and not abs(mass / expected - 1) <= _MASS:  # files without units hold 1
            msg = (
                f"{name} gives its type {row[0]} a mass of {mass:g}, but that of {chemical_symbols[number]} is "
                f"{expected:.4g}; state elements in the order of the types"
            )
            raise ValueError(msg)


def _number(symbol: str) -> int:
    from ase.data import atomic_numbers

    return int(atomic_numbers[symbol])
