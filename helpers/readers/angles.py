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
_WANTED = "expected one number (θ) or three (φ, θ, ψ) [degrees]"


def read_angles(path: str | Path, array: str | None = None) -> NDArray[np.float64]:
    """Read tilt angles from a text, ``.rawtlt``, ``.tlt``, CSV or MATLAB file.

    Parameters
    ----------
    path : path
        The file. In text, ``#`` begins a comment, and the first line may be a header if it holds no digit.
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
    rows: list[list[float]] = []
    first = True
    for number, line in enumerate(split_lines(read_text(path)), start=1):
        content = line.split("#")[0].strip()
        if not content:
            continue
        cells = _cells(content)
        if all(_NUMBER.fullmatch(cell) for cell in cells):
            rows.append(_row([float(cell) for cell in cells], rows, f"line {number} of {path.name}", content))
        elif not first or re.search(r"\d", content) or {c.lower() for c in cells} & {"nan", "inf", "-inf"}:
            msg = f"line {number} of {path.name} reads {content[:60]!r}; {_WANTED}"
            raise ValueError(msg)
        first = False
    if not rows:
        msg = f"{path.name} holds no numbers; expected one (θ) or three (φ, θ, ψ) on every line [degrees]"
        raise ValueError(msg)
    array_ = np.array(rows)
    return _checked(array_[:, 0] if array_.shape[1] == 1 else array_, path)


def _cells(content: str) -> list[str]:
    """Cells of a line, between commas, semicolons or spaces; one separator at its end says nothing."""
    for separator in (",", ";"):
        if separator in content:
            return [cell.strip().strip('"') for cell in content.removesuffix(separator).split(separator)]
    return content.split()


def _row(values: list[float], rows: list[list[float]], where: str, content: str) -> list[float]:
    if len(values) not in (1, 3) or (rows and len(values) != len(rows[0])):
        hint = "; decimals need a point, not a comma" if len(values) in (2, 6) and "," in content else ""
        before = f", as the lines before hold {len(rows[0])}" if rows else ""
        msg = f"{where} holds {counted(len(values), 'number')} ({content[:60]}); {_WANTED}{before}{hint}"
        raise ValueError(msg)
    for value in values:
        if not abs(value) <= _LIMIT:
            msg = f"{where} holds an angle of {value:g}°; expected −360° to 360°"
            raise ValueError(msg)
    return values


def _checked(angles: NDArray[np.float64], path: Path) -> NDArray[np.float64]:
    if np.iscomplexobj(angles):
        msg = f"{path.name} holds complex numbers; expected angles [degrees]"
        raise ValueError(msg)
    try:
        return check_angles(angles)
    except ValueError as error:
        msg = f"{path.name}: {error}"
        raise ValueError(msg) from None
