"""XYZ files: the last snapshot, its box, and species as symbols."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

from ..digits import counted
from . import lammps
from .text import split_lines

_TYPES = {"species", "element", "type", "types", "particle_type", "atom_type", "atom_types"}
_FRACTION = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?")


class FramesWarning(UserWarning):
    """A file holds several snapshots, of which the last is taken."""


class UnreadBoxWarning(UserWarning):
    """A file seems to state a box, in words of a program of its own, which are not read."""


def warn_of_frames(path: Path, count: int) -> None:
    """Say that of several snapshots the last is taken."""
    if count > 1:
        warnings.warn(f"{path.name} holds {count} snapshots; the last is taken", FramesWarning, stacklevel=5)


def last_frame(path: Path, text: str, elements: list[str] | None) -> str:
    """Last snapshot of an XYZ file, its species as symbols."""
    lines = split_lines(text)
    while lines and not lines[-1].strip():
        lines.pop()
    begin, frames, last = 0, 0, 0
    while begin < len(lines):
        if not re.fullmatch(r"\s*\d{1,9}\s*", lines[begin], re.ASCII) or int(lines[begin]) == 0:
            found = lines[begin][:60]
            msg = f"line {begin + 1} of {path.name} reads {found!r}; expected the number of atoms of an XYZ file"
            if frames:
                before = counted(int(lines[last]), "atom")
                msg = f"{msg}, or the end: line {last + 1} announces {before}; are there more?"
            raise ValueError(msg)
        last, begin, frames = begin, begin + int(lines[begin]) + 2, frames + 1
    if not frames or begin > len(lines):
        held = max(len(lines) - last - 2, 0) if frames else 0
        words = f"announces {counted(int(lines[last]), 'atom')} but holds {held}" if frames else "is empty"
        msg = f"{path.name} cannot be read as an atomic model: it {words}; is it whole?"
        raise ValueError(msg)
    warn_of_frames(path, frames)
    frame = lines[last:]
    frame[1] = re.sub(r"\b(lattice|properties)=", lambda key: key[0].capitalize(), frame[1], flags=re.IGNORECASE)
    if "Lattice=" not in frame[1] and re.search(r"(?i)(?<![a-z])(cell|lattice|box)", frame[1]):
        _warn_of_unread_box(path, frame[1])
    _name_species(path, frame, elements)
    frame[2:] = _with_species(path, frame[1], frame[2:], last + 3, elements)
    return "\n".join(frame) + "\n"


def _warn_of_unread_box(path: Path, header: str) -> None:
    """Say that a box of at least three lengths in a comment is not read: each program writes its own."""
    if len(re.findall(r"(?<![\w.])\d+\.?\d*(?![\w.])", header)) >= 3:
        warnings.warn(
            f"line 2 of {path.name} reads {header.strip()[:60]!r}, which seems to state a box but is not read; write "
            'it as Lattice="ax ay az bx by bz cx cy cz" if the atoms go on periodically',
            UnreadBoxWarning,
            stacklevel=5,
        )


def _name_species(path: Path, frame: list[str], elements: list[str] | None) -> None:
    """Let the column of types of a file without one of elements be that, and refuse one without coordinates."""
    stated = re.search(r'Properties="?([^\s"]+)', frame[1])
    cells = stated.group(1).split(":") if stated else []
    columns = [cells[at : at + 3] for at in range(0, len(cells), 3)]
    if not stated or any(len(column) < 3 for column in columns):
        return  # what cannot be taken apart, ASE tells of
    names = ", ".join(name for name, _, _ in columns)
    if not any(name.lower() in ("pos", "position") for name, _, _ in columns):
        msg = f"{path.name} has the columns {names} and none of coordinates; expected pos:R:3 among them [Å]"
        raise ValueError(msg)
    if any((name.lower() in ("species", "element") and kind == "S") or name == "Z" for name, kind, _ in columns):
        return
    numbers = next((c for c in columns if c[0].lower() in _TYPES and c[1:] == ["I", "1"]), None)
    if numbers is not None:
        numbers[:2] = "species", "S"
    elif elements is not None and len(elements) == 1:
        columns.insert(0, ["species", "S", "1"])
        frame[2:] = [f"{elements[0]} {row}" for row in frame[2:]]
    else:
        msg = f"{path.name} has the columns {names} and none of elements; add species:S:1, or state the one element"
        raise ValueError(msg)
    begin, end = stated.span(1)
    frame[1] = frame[1][:begin] + ":".join(":".join(column) for column in columns) + frame[1][end:]


def _with_species(path: Path, header: str, rows: list[str], first: int, elements: list[str] | None) -> list[str]:
    """Rows of an XYZ file whose species are symbols, where the file has labels or numbers for them."""
    column, width, places = _columns(header)
    if column is None:
        return rows
    cells = [row.split() for row in rows]
    for line, row in enumerate(cells, start=first):
        numbers = row[places : places + 3]
        if len(row) < width or len(numbers) < 3 or not all(_FRACTION.fullmatch(cell) for cell in numbers):
            found = " ".join(row)
            hint = "; decimals need a point, not a comma" if re.search(r"\d,\d", found) else ""
            msg = f"line {line} of {path.name} reads {found[:60]!r}; expected a symbol and three coordinates{hint}"
            raise ValueError(msg)
        row[places : places + 3] = [re.sub("[dD]", "e", cell) for cell in numbers]  # exponents as Fortran writes them
    rows = [" ".join(row) for row in cells]
    names = {label: _symbol(label) for label in {row[column] for row in cells}}
    if all(label == name for label, name in names.items()):
        return rows
    if all(label.isdecimal() and label.isascii() for label in names):
        names = dict(
            lammps.species_of_numbers({int(label) for label in names}, elements, path.name, labels=list(names))
        )
    for line, row in enumerate(cells, start=first):
        if names[row[column]] is None:
            label = row[column][:20]
            msg = f"line {line} of {path.name} names an atom {label!r}; expected a chemical symbol, such as 'Cu'"
            raise ValueError(msg)
        row[column] = str(names[row[column]])
    return [" ".join(row) for row in cells]


def _columns(header: str) -> tuple[int | None, int, int]:
    """Where an XYZ file has the species, how many columns it has at least, and where the coordinates begin."""
    stated = re.search(r'Properties="?([^\s"]+)', header)
    if not stated:
        return 0, 4, 1
    parts = stated.group(1).split(":")
    column = species = place = None
    at = 0
    for name, kind, count in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        if not count.isdecimal():
            return None, 0, 0
        if name.lower() in ("species", "element") and kind == "S":
            species = at
        if name.lower() in ("pos", "position"):
            place = at
        at += int(count)
    column = species if place is not None else None
    return column, at, place or 0


def _symbol(label: str) -> str | None:
    """Chemical symbol of a label such as 'Cu', 'CU' or 'Cu12'; None of what is none."""
    from ase.data import atomic_numbers

    name = label.rstrip("0123456789")[:3].capitalize() if label[:1].isalpha() else ""
    return name if name in atomic_numbers and name != "X" and label.rstrip("0123456789").isalpha() else None
