"""LAMMPS dumps and data files: types become elements in the order that the sample states, never by their number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from ..digits import counted
from .text import split_lines

if TYPE_CHECKING:
    from ase import Atoms

_STYLES = {"atomic": (5, 1), "charge": (6, 1), "molecular": (6, 2), "bond": (6, 2), "angle": (6, 2), "full": (7, 2)}
"""Columns of each atom style, and which of them is the type."""
_MASS = 0.05  # a mass that differs by more from that of an element is another's, as a share


def is_dump(text: str) -> bool:
    """Tell a dump by its first line."""
    return text.lstrip()[:14] == "ITEM: TIMESTEP" or text.lstrip()[:11] == "ITEM: UNITS"


def is_data(text: str) -> bool:
    """Tell a data file by the header that each of them has."""
    head = "\n".join(split_lines(text)[:60])
    return bool(re.search(r"^\s*\d+\s+atoms\b", head, re.M) and re.search(r"\b(xlo\s+xhi|avec)\b", head))


def species_of_numbers(
    numbers: set[int], elements: Sequence[str] | None, name: str, *, labels: Sequence[str] | None = None
) -> dict[str, str]:
    """Return the element of each number that stands for one: a type counted from 1, or an atomic number.

    Parameters
    ----------
    numbers : set of int
        All numbers that a file has.
    elements : sequence of str or None
        The sample's elements, in the order of types.
    name : str
        The file, for the message.
    labels : sequence of str, optional
        How the file writes them; default: as plain numbers.

    Raises
    ------
    ValueError
        If no elements are stated, or fewer than there are types.

    Examples
    --------
    >>> from helpers.readers.lammps import species_of_numbers
    >>> species_of_numbers({1, 2}, ["Cu", "Zr"], "glass.dump")
    {'1': 'Cu', '2': 'Zr'}
    """
    from ase.data import atomic_numbers

    words = ", ".join(map(str, sorted(numbers)[:6])) + (" …" if len(numbers) > 6 else "")
    if not elements:
        msg = (
            f"{name} has numbers for its atoms ({words}) and names no element; state elements in their order, such as "
            '["Cu", "Zr"]'
        )
        raise ValueError(msg)
    by_number = {atomic_numbers[element]: element for element in elements}
    if numbers <= set(range(1, len(elements) + 1)):
        known = dict(enumerate(elements, start=1))
    elif numbers <= set(by_number):
        known = by_number
    else:
        msg = (
            f"{name} has atoms of the types {words} but elements names {len(elements)} ({', '.join(elements)}); "
            "state one element for each type, in their order from 1"
        )
        raise ValueError(msg)
    return {label: known[int(label)] for label in (labels or [str(number) for number in sorted(numbers)])}


def read_dump(text: str, elements: Sequence[str] | None, name: str) -> Atoms:
    """Read the last snapshot of a dump, its box and its elements.

    Raises
    ------
    ValueError
        If it is cut short, has no coordinates, or has types without elements.
    """
    from ase.io.lammpsrun import read_lammps_dump_text

    lines = split_lines(text)
    begin = max(i for i, line in enumerate(lines) if line.startswith("ITEM: TIMESTEP"))
    frame = lines[begin:]
    places = {key: i for i, line in enumerate(frame) if line.startswith("ITEM:") for key in [line[6:].split(" xy")[0]]}
    at = next((i for key, i in places.items() if key.startswith("ATOMS")), None)
    count = next((int(frame[i + 1]) for key, i in places.items() if key.startswith("NUMBER OF ATOMS")), None)
    if at is None or not count or len([line for line in frame[at + 1 :] if line.strip()]) < count:
        msg = f"{name} cannot be read as an atomic model: its last snapshot is cut short; is it whole?"
        raise ValueError(msg)
    columns = frame[at].split()[2:]
    if not _has_places(columns):
        msg = f"{name} has the columns {' '.join(columns) or 'none'}; expected x y z (or xs, xu, xsu) of every atom"
        raise ValueError(msg)
    _complete_bounds(frame)
    rows = [line.split() for line in frame[at + 1 : at + 1 + count]]
    for line, row in enumerate(rows, start=begin + at + 2):
        if len(row) != len(columns):
            msg = (
                f"line {line} of {name} has {counted(len(row), 'column')}; expected {len(columns)}: {' '.join(columns)}"
            )
            raise ValueError(msg)
    _refuse_repeated(rows, columns, name)
    symbols = _named(rows, columns, elements, name)
    if symbols is None:
        kinds = _types(rows, columns, name)
        names = species_of_numbers(set(kinds), elements, name)
        symbols = [names[str(kind)] for kind in kinds]
    kept = [i for i, key in enumerate(columns) if key != "element" and all(_is_number(row[i]) for row in rows)]
    frame[at] = " ".join(["ITEM: ATOMS", *(columns[i] for i in kept), "element"])
    body = [" ".join([*(row[i] for i in kept), symbol]) for row, symbol in zip(rows, symbols, strict=True)]
    return read_lammps_dump_text(StringIO("\n".join([*frame[: at + 1], *body]) + "\n"), index=-1)


def _refuse_repeated(rows: list[list[str]], columns: list[str], name: str) -> None:
    """Refuse a dump in which two rows are of one atom, as of files that were joined."""
    if "id" not in columns:
        return
    column = columns.index("id")
    seen: set[str] = set()
    for row in rows:
        if row[column] in seen:
            msg = f"{name} holds the atom {row[column]} twice in its last snapshot; was it joined from several files?"
            raise ValueError(msg)
        seen.add(row[column])


def _named(rows: list[list[str]], columns: list[str], elements: Sequence[str] | None, name: str) -> list[str] | None:
    """Symbols of the column of elements, or of labels of types that are some; None where types have to tell."""
    from ase.data import atomic_numbers

    for key in ("element", "typelabel"):
        if key not in columns:
            continue
        found = [row[columns.index(key)] for row in rows]
        spelt = {label: label if label in atomic_numbers else label.capitalize() for label in set(found)}
        if key == "typelabel" and not set(spelt.values()) <= atomic_numbers.keys():
            continue
        if key == "element" and _is_default(rows, columns, elements, name):
            return None
        return [spelt[label] for label in found]
    return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _is_default(rows: list[list[str]], columns: list[str], elements: Sequence[str] | None, name: str) -> bool:
    """Tell whether all atoms are named C, as LAMMPS does where nobody told it the elements of the types."""
    column = columns.index("element")
    if "type" not in columns or {row[column] for row in rows} != {"C"} or "C" in (elements or ()):
        return False
    if elements or len({row[columns.index("type")] for row in rows}) == 1:
        return bool(elements)
    msg = (
        f"{name} names atoms of several types all C, as LAMMPS does without dump_modify element; state elements in the "
        'order of the types, such as ["Cu", "Zr"]'
    )
    raise ValueError(msg)


def _has_places(columns: list[str]) -> bool:
    return any({f"{axis}{kind}" for axis in "xyz"} <= set(columns) for kind in ("", "s", "u", "su"))


def _types(rows: list[list[str]], columns: list[str], name: str) -> list[int]:
    if "type" not in columns:
        msg = f"{name} has neither a column 'element' nor 'type'; write one of them (dump custom … id type x y z)"
        raise ValueError(msg)
    column = columns.index("type")
    try:
        return [int(row[column]) for row in rows]
    except ValueError:
        msg = f"{name} has types that are no whole numbers; expected 1, 2, … in the column 'type'"
        raise ValueError(msg) from None


def _complete_bounds(frame: list[str]) -> None:
    """Give old headers, which say nothing of the boundaries, the words that newer readers expect."""
    for i, line in enumerate(frame):
        if line.strip() == "ITEM: BOX BOUNDS":
            sides = " xy xz yz" if len(frame[i + 1].split()) == 3 else ""
            frame[i] = f"ITEM: BOX BOUNDS{sides} ff ff ff"


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
