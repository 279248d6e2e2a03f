"""Tilt angles from files: one or three numbers a line, and nothing that is skipped without a word."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..digits import counted
from ..geometry.rotations import check_angles
from .matlab import read_mat
from .text import read_text, split_lines

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_LIMIT = 360.0  # no stage turns farther [degrees]
_EULER = {"φ": 0, "phi": 0, "θ": 1, "theta": 1, "ψ": 2, "psi": 2}
_WANTED = "expected one number (θ) or three (φ, θ, ψ) [degrees]"


def read_angles(path: str | Path, array: str | None = None) -> NDArray[np.float64]:
    """Read tilt angles from a text, ``.rawtlt``, ``.tlt``, ``.mdoc``, CSV or MATLAB file.

    Parameters
    ----------
    path : path
        The file. In text, ``#`` begins a comment, and the first line may be a header if it holds no digit; if it names
        φ, θ and ψ, the columns are taken in the order that it gives. Of an ``.mdoc`` file, as SerialEM writes it, the
        entries ``TiltAngle`` are read, in the order of the images.
    array : str, optional
        Variable of a MATLAB file that holds several.

    Returns
    -------
    (T,) or (T, 3) array
        θ, or Euler angles φ, θ, ψ [degrees].

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If a line holds something else than one or three numbers, or an angle beyond ±360°; the message names the line.
    """
    path = Path(path)
    if path.suffix.lower() == ".mat":
        found = read_mat(path, 2, array)
        return _checked(found.ravel() if found.shape[0] == 1 else found, path)
    if path.suffix.lower() == ".mdoc":
        return _checked(_of_mdoc(path), path)
    rows: list[list[float]] = []
    first, order = True, [0, 1, 2]
    for number, line in enumerate(split_lines(read_text(path)), start=1):
        content = line.split("#")[0].strip()
        if not content:
            continue
        cells = _cells(content)
        if all(_NUMBER.fullmatch(cell) for cell in cells):
            rows.append(_row([float(cell) for cell in cells], rows, f"line {number} of {path.name}", content))
        elif not first or re.search(r"\d", content) or {c.lower() for c in cells} & {"nan", "inf", "-inf"}:
            msg = f"line {number} of {path.name} reads {content[:60]!r}; {_WANTED}{_hint(content)}"
            raise ValueError(msg)
        else:
            order = _order(cells)
        first = False
    if not rows:
        msg = f"{path.name} holds no numbers; expected one (θ) or three (φ, θ, ψ) on every line [degrees]"
        raise ValueError(msg)
    array_ = np.array(rows)
    return _checked(array_[:, 0] if array_.shape[1] == 1 else array_[:, order], path)


def _cells(content: str) -> list[str]:
    """Cells of a line, between commas, semicolons or spaces; one separator at its end says nothing."""
    for separator in (",", ";"):
        if separator in content:
            return [cell.strip().strip('"') for cell in content.removesuffix(separator).split(separator)]
    return content.split()


def _order(header: list[str]) -> list[int]:
    """Columns of φ, θ and ψ, where a header names all three; else as they come."""
    words = [re.sub(r"\W*(deg(rees?)?)?\W*$", "", cell.lower()) for cell in header]
    named = [_EULER[word] for word in words if word in _EULER]
    return [named.index(axis) for axis in range(3)] if sorted(named) == [0, 1, 2] else [0, 1, 2]


def _row(values: list[float], rows: list[list[float]], where: str, content: str) -> list[float]:
    if len(values) not in (1, 3) or (rows and len(values) != len(rows[0])):
        hint = _hint(content) if len(values) in (2, 6) else ""
        before = f", as the lines before hold {len(rows[0])}" if rows else ""
        msg = f"{where} holds {counted(len(values), 'number')} ({content[:60]}); {_WANTED}{before}{hint}"
        raise ValueError(msg)
    for value in values:
        if not abs(value) <= _LIMIT:
            msg = f"{where} holds an angle of {value:g}°; expected −360° to 360°"
            raise ValueError(msg)
    return values


def _hint(content: str) -> str:
    """Return what to say of a line whose decimals seem to have commas."""
    return "; decimals need a point, not a comma" if re.search(r"\d,\d", content) else ""


def _of_mdoc(path: Path) -> NDArray[np.float64]:
    """Angles of a file of SerialEM: a section for each image, numbered from 0, that states its angle."""
    found: dict[int, float] = {}
    image = None
    for number, line in enumerate(split_lines(read_text(path)), start=1):
        where = f"line {number} of {path.name}"
        if head := re.fullmatch(r"\s*\[\s*(\w+)\s*=\s*(.*?)\s*\]\s*", line):
            image = int(head[2]) if head[1] == "ZValue" and re.fullmatch(r"\d{1,9}", head[2], re.ASCII) else None
        elif entry := re.fullmatch(r"\s*TiltAngle\s*=\s*(.*?)\s*", line):
            if image is None or image in found or not _NUMBER.fullmatch(entry[1]):
                msg = f"{where} reads {line.strip()[:60]!r}; expected one angle in each section [ZValue = …] [degrees]"
                raise ValueError(msg)
            found[image] = _row([float(entry[1])], [], where, line.strip())[0]
    if sorted(found) != list(range(len(found))) or not found:
        msg = f"{path.name} states {counted(len(found), 'angle')}; expected one for each image, [ZValue = 0] and so on"
        raise ValueError(msg)
    return np.array([found[image] for image in range(len(found))])


def _checked(angles: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    if np.iscomplexobj(angles):
        msg = f"{path.name} holds complex numbers; expected angles [degrees]"
        raise ValueError(msg)
    try:
        return check_angles(angles)
    except ValueError as error:
        msg = f"{path.name}: {error}"
        raise ValueError(msg) from None
