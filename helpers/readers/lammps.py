"""LAMMPS dumps: types become elements in the order that the sample states, never by their number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from ..digits import counted
from .text import split_lines

if TYPE_CHECKING:
    from ase import Atoms


def is_dump(text: str) -> bool:
    """Tell a dump by its first line."""
    return text.lstrip()[:14] == "ITEM: TIMESTEP" or text.lstrip()[:11] == "ITEM: UNITS"


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
    if "id" in columns:
        refuse_repeated((row[columns.index("id")] for row in rows), name)
    symbols = _named(rows, columns, elements, name)
    if symbols is None:
        kinds = _types(rows, columns, name)
        names = species_of_numbers(set(kinds), elements, name)
        symbols = [names[str(kind)] for kind in kinds]
    kept = [i for i, key in enumerate(columns) if key != "element" and all(_is_number(row[i]) for row in rows)]
    frame[at] = " ".join(["ITEM: ATOMS", *(columns[i] for i in kept), "element"])
    body = [" ".join([*(row[i] for i in kept), symbol]) for row, symbol in zip(rows, symbols, strict=True)]
    return read_lammps_dump_text(StringIO("\n".join([*frame[: at + 1], *body]) + "\n"), index=-1)


def refuse_repeated(labels: Iterable[str], name: str) -> None:
    """Refuse a file in which two rows are of one atom, as of files that were joined."""
    seen: set[str] = set()
    for label in labels:
        if label in seen:
            msg = f"{name} holds the atom {label} twice; was it joined from several files?"
            raise ValueError(msg)
        seen.add(label)


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
