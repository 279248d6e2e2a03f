"""Checks at the border: turn what a caller gives into what a kernel needs, or say what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


class UnknownName(KeyError):
    """A name that nothing bears; unlike a bare KeyError it prints as a sentence."""

    def __str__(self) -> str:
        return str(self.args[0])


def check_positions(positions: ArrayLike, *, minimum: int = 1, name: str = "positions") -> NDArray[np.float64]:
    """Return positions as a C-contiguous (N, 3) float64 array [Å].

    Parameters
    ----------
    positions : (N, 3) array-like
        Atom positions [Å]; never changed.
    minimum : int
        Fewest atoms that make sense for the caller.
    name : str
        What the caller names them, for the message.

    Raises
    ------
    ValueError
        If the shape is not (N, 3), fewer than `minimum` rows came, or a value is masked, complex or not finite.
    """
    if isinstance(positions, np.ma.MaskedArray) and np.ma.is_masked(positions):
        raise ValueError(f"{name} is a masked array with masked values; pass only the rows to use, as a plain array")
    try:
        given = np.asarray(positions)
        array = np.ascontiguousarray(given.real, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is no array of numbers; expected (N, 3) coordinates [Å]") from None
    if np.iscomplexobj(given):
        raise ValueError(f"{name} holds complex numbers; expected real coordinates [Å]")
    if array.ndim != 2 or array.shape[1] != 3:
        hint = "; transpose it" if array.ndim == 2 and array.shape[0] == 3 else ""
        raise ValueError(f"{name} has shape {array.shape}; expected (N, 3){hint}")
    if len(array) < minimum:
        raise ValueError(f"{name} holds {len(array)} atoms; expected at least {minimum}")
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        raise ValueError(
            f"{name} holds {bad.size} rows that are not finite, the first at row {bad[0]}; remove or repair them"
        )
    return array


def check_box(box: ArrayLike | None, *, cutoff: float | None = None) -> NDArray[np.float64] | None:
    """Return the edge lengths of an orthogonal periodic box [Å], or None for a finite sample.

    Raises
    ------
    ValueError
        If the box is not one or three positive lengths, or is so small that an atom would meet
        another one twice within `cutoff`.
    """
    if box is None:
        return None
    lengths = np.asarray(box, dtype=np.float64)
    if lengths.shape == (3, 3) and np.count_nonzero(lengths - np.diag(np.diag(lengths))) == 0:
        lengths = np.diag(lengths)
    if lengths.ndim == 0:
        lengths = np.repeat(lengths, 3)
    if lengths.shape != (3,) or not np.all(np.isfinite(lengths)) or np.any(lengths <= 0):
        raise ValueError(f"box={np.asarray(box).tolist()}; expected one or three positive lengths [Å]")
    if cutoff is not None and cutoff > lengths.min() / 2:
        raise ValueError(
            f"cutoff={cutoff:g} Å exceeds half the box ({lengths.min() / 2:g} Å); lower it or repeat the box"
        )
    return np.ascontiguousarray(lengths)


def check_positive(name: str, value: float) -> float:
    """Return `value` as a float if it is a positive, finite number; else say so."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}={value!r}; expected a positive number") from None
    if not np.isfinite(number) or number <= 0:
        raise ValueError(f"{name}={value!r}; expected a positive number")
    return number


def check_count(name: str, value: float) -> int:
    """Return `value` as an int if it is a positive whole number; else say so."""
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name}={value!r}; expected a positive whole number") from None
    if whole != value or whole < 1:
        raise ValueError(f"{name}={value!r}; expected a positive whole number")
    return whole


def check_choice(name: str, value: str, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`; else name them."""
    if value not in choices:
        raise ValueError(f"{name}={value!r}; expected one of {', '.join(map(repr, choices))}")
    return value
