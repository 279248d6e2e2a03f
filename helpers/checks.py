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
        msg = f"{name} is a masked array with masked values; pass only the rows to use, as a plain array"
        raise ValueError(msg)
    try:
        given = np.asarray(positions)
        array = np.ascontiguousarray(given.real, dtype=np.float64)
    except (TypeError, ValueError):
        msg = f"{name} is no array of numbers; expected (N, 3) coordinates [Å]"
        raise ValueError(msg) from None
    if np.iscomplexobj(given):
        msg = f"{name} holds complex numbers; expected real coordinates [Å]"
        raise ValueError(msg)
    if array.ndim != 2 or array.shape[1] != 3:
        hint = "; transpose it" if array.ndim == 2 and array.shape[0] == 3 else ""
        msg = f"{name} has shape {array.shape}; expected (N, 3){hint}"
        raise ValueError(msg)
    if len(array) < minimum:
        msg = f"{name} holds {len(array)} atoms; expected at least {minimum}"
        raise ValueError(msg)
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        msg = f"{name} holds {bad.size} rows that are not finite, the first at row {bad[0]}; remove or repair them"
        raise ValueError(msg)
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
        msg = f"box={np.asarray(box).tolist()}; expected one or three positive lengths [Å]"
        raise ValueError(msg)
    if cutoff is not None and cutoff > lengths.min() / 2:
        msg = f"cutoff={cutoff:g} Å exceeds half the box ({lengths.min() / 2:g} Å); lower it or repeat the box"
        raise ValueError(msg)
    return np.ascontiguousarray(lengths)


def check_positive(name: str, value: float) -> float:
    """Return `value` as a float if it is a positive, finite number; else say so."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        msg = f"{name}={value!r}; expected a positive number"
        raise ValueError(msg) from None
    if not np.isfinite(number) or number <= 0:
        msg = f"{name}={value!r}; expected a positive number"
        raise ValueError(msg)
    return number


def check_count(name: str, value: float) -> int:
    """Return `value` as an int if it is a positive whole number; else say so."""
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        msg = f"{name}={value!r}; expected a positive whole number"
        raise ValueError(msg) from None
    if whole != value or whole < 1:
        msg = f"{name}={value!r}; expected a positive whole number"
        raise ValueError(msg)
    return whole


def check_choice(name: str, value: str, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`; else name them."""
    if value not in choices:
        msg = f"{name}={value!r}; expected one of {', '.join(map(repr, choices))}"
        raise ValueError(msg)
    return value


def check_mask(mask: ArrayLike | None, shape: int | tuple[int, ...] | None, *, name: str) -> NDArray[np.bool_]:
    """Return a mask as a boolean array; None stands for all.

    Parameters
    ----------
    mask : bool array-like or None
        True for what counts. Numbers are refused, for they may be indices.
    shape : int or tuple of int, or None
        What it must have: one value for each of so many things, or as many as an array has; None: any length.
    name : str
        What the caller names it, for the message.

    Raises
    ------
    ValueError
        If it is no mask, or has another shape.

    Examples
    --------
    >>> from helpers.checks import check_mask
    >>> check_mask([True, False], 2, name="disordered").tolist(), check_mask(None, 3, name="atoms").tolist()
    ([True, False], [True, True, True])
    """
    wanted = (shape,) if isinstance(shape, int) else shape
    if mask is None and wanted is not None:
        return np.ones(wanted, dtype=bool)
    array = np.asarray(mask)
    if array.dtype != bool or (array.ndim != 1 if wanted is None else array.shape != wanted):
        words = "(N,)" if wanted is None else str(wanted)
        msg = f"{name} has shape {array.shape} and type {array.dtype}; expected a mask {words}"
        raise ValueError(msg)
    return array


def check_members(members: ArrayLike, limit: int, width: int, *, name: str) -> NDArray[np.int64]:
    """Return rows of indices as a C-contiguous (M, width) int64 array.

    Parameters
    ----------
    members : (M, width) int array-like
        Such as the atoms of tetrahedra.
    limit : int
        Every index lies in 0 … limit - 1.
    width : int
        Indices in a row.
    name : str
        What the caller names them, for the message.

    Raises
    ------
    ValueError
        If the shape is another one, the numbers are no integers, or one lies outside.
    """
    array = np.asarray(members)
    if array.size == 0:
        return np.empty((0, width), np.int64)
    if array.ndim != 2 or array.shape[1] != width or array.dtype.kind not in "iu":
        msg = f"{name} has shape {array.shape} and type {array.dtype}; expected (M, {width}) integers"
        raise ValueError(msg)
    low, high = array.min(), array.max()
    if low < 0 or high >= limit:
        msg = f"{name} refers to index {high if high >= limit else low}; expected 0 to {limit - 1}"
        raise ValueError(msg)
    return np.ascontiguousarray(array, dtype=np.int64)


def check_elements(element: str | Sequence[str], count: int, *, name: str = "element") -> list[str]:
    """Return one chemical symbol for each of `count` atoms, from one for all or one for each.

    Raises
    ------
    ValueError
        If there is neither one nor as many as atoms.

    Examples
    --------
    >>> from helpers.checks import check_elements
    >>> check_elements("Ta", 2), check_elements(["Ta", "Pd"], 2)
    (['Ta', 'Ta'], ['Ta', 'Pd'])
    """
    names = [element] * count if isinstance(element, str) else [str(symbol) for symbol in element]
    if len(names) != count:
        msg = f"{name} names {len(names)} atoms but positions holds {count}; give one for all or for each"
        raise ValueError(msg)
    return names
