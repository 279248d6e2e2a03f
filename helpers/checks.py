"""Checks at the border: turn what a caller gives into what a kernel needs, or say what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .digits import counted

#: Coordinates and lengths beyond this are in other units, or garbage [Å]: 10 cm.
FARTHEST = 1e9

_looked_at: ContextVar[bool] = ContextVar("looked_at", default=False)


class ClosePairsWarning(UserWarning):
    """Atoms lie nearer to one another than atoms can: traced twice, or duplicated."""


class VacuumWarning(UserWarning):
    """A periodic box is not filled: a cluster or a slab with vacuum around it."""


@contextmanager
def looked_at() -> Iterator[None]:
    """Within this, nothing is said again about the same atoms, or about displaced copies of them."""
    token = _looked_at.set(True)
    try:
        yield
    finally:
        _looked_at.reset(token)


def is_looked_at() -> bool:
    """Tell whether all has been said about the atoms at hand."""
    return _looked_at.get()


class UnknownName(KeyError):
    """A name that nothing bears; unlike a bare KeyError it prints as a sentence."""

    def __str__(self) -> str:
        return str(self.args[0])


def check_numbers(
    values: ArrayLike,
    *,
    name: str,
    dtype: DTypeLike | None = np.float64,
    finite: bool = True,
    expected: str = "real numbers",
) -> NDArray[Any]:
    """Return what a caller gave as an array of real numbers: the one way in for all arrays.

    Parameters
    ----------
    values : array-like
        Numbers of any layout and kind; never changed, and not copied where they already are what is wanted.
    name : str
        What the caller names them, for the message.
    dtype : data type, optional
        Type of the result, which is then C-contiguous; None keeps type and layout of the numbers.
    finite : bool
        Whether to refuse NaN and infinity.
    expected : str
        What the caller expects, for the message.

    Raises
    ------
    ValueError
        If values are masked, complex, text or no numbers at all; with `finite`, if one is NaN, infinite, or too large
        for the type.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.checks import check_numbers
    >>> check_numbers([[1, 2], [3, 4]], name="images", dtype=np.float32).dtype
    dtype('float32')
    >>> check_numbers(np.ma.masked_less([1.0, -1.0], 0), name="images")
    Traceback (most recent call last):
        ...
    ValueError: images is masked in 1 place; expected real numbers: fill or leave out what is masked
    """
    masked = _masked(values)
    if masked:
        msg = f"{name} is masked in {counted(masked, 'place')}; expected {expected}: fill or leave out what is masked"
        raise ValueError(msg)
    if hasattr(values, "positions") and hasattr(values, "pbc"):
        msg = f"{name} is an ASE model; expected {expected}: pass its .positions, and its box where one is asked for"
        raise ValueError(msg)
    try:
        given = np.asarray(values)
        if given.dtype.kind == "O":  # whole numbers of any size, fractions, None
            complex_ones = any(np.iscomplexobj(value) for value in given.flat)
            given = given.astype(np.complex128 if complex_ones else np.float64)
    except (TypeError, ValueError, OverflowError):
        msg = f"{name} is no array of numbers; expected {expected}"
        raise ValueError(msg) from None
    if given.dtype.kind not in "biuf":
        kind = "complex numbers" if given.dtype.kind == "c" else f"values of type {given.dtype}"
        msg = f"{name} holds {kind}; expected {expected}"
        raise ValueError(msg)
    with np.errstate(over="ignore"):
        array = np.asarray(given, dtype=dtype, order="K" if dtype is None else "C")
    if finite and array.dtype.kind == "f":
        bad = array.size - int(np.count_nonzero(np.isfinite(array)))
        if bad:
            first = ", ".join(map(str, np.argwhere(~np.isfinite(array))[0]))
            where = f", the first at ({first})" if array.ndim else ""
            what = f"{bad:,} values that are" if bad > 1 else "1 value that is"
            msg = f"{name} holds {what} NaN or infinite{where}; expected finite {expected}"
            raise ValueError(msg)
    return array


def _masked(values: Any) -> int:
    """Count the masked values, also in a list of masked arrays."""
    if isinstance(values, np.ma.MaskedArray):
        return int(np.ma.count_masked(values))
    if isinstance(values, (list, tuple)) and values and isinstance(values[0], (list, tuple, np.ma.MaskedArray)):
        return sum(_masked(value) for value in values)
    return 0


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
        If the shape is not (N, 3), fewer than `minimum` rows came, or a value is masked, complex, not finite, or so
        large that distances mean nothing.
    """
    array = check_numbers(positions, name=name, finite=False, expected="real coordinates (N, 3) [Å]")
    if array.ndim != 2 or array.shape[1] != 3:
        hint = "; transpose it" if array.ndim == 2 and array.shape[0] == 3 else ""
        msg = f"{name} has shape {array.shape}; expected (N, 3){hint}"
        raise ValueError(msg)
    if len(array) < minimum:
        msg = f"{name} holds {counted(len(array), 'atom')}; expected at least {minimum}"
        raise ValueError(msg)
    if array.size and not (array.min() >= -FARTHEST and array.max() <= FARTHEST):  # nor is NaN
        bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
        if bad.size:
            what, them = (f"{bad.size:,} rows that are", "them") if bad.size > 1 else ("1 row that is", "it")
            msg = f"{name} holds {what} not finite, the first at row {bad[0]}; remove or repair {them}"
            raise ValueError(msg)
        msg = f"{name} reaches to {np.abs(array).max():.3g} Å; expected at most {FARTHEST:g} Å: are these ångströms?"
        raise ValueError(msg)
    return _writeable(array)


def check_box(
    box: ArrayLike | None, *, cutoff: float | None = None, name: str = "cutoff"
) -> NDArray[np.float64] | None:
    """Return the edge lengths of an orthogonal periodic box [Å], or None for a finite sample.

    Parameters
    ----------
    box : float, (3,) or diagonal (3, 3) array, or None
        Edge lengths [Å].
    cutoff : float, optional
        How far the caller looks around an atom [Å].
    name : str
        What the caller names that distance, for the message.

    Raises
    ------
    ValueError
        If the box is not one or three positive lengths, or is so small that an atom would meet
        another one twice within `cutoff`.
    """
    if box is None:
        return None
    lengths = check_numbers(box, name="box", finite=False, expected="one or three positive lengths [Å]")
    if lengths.shape == (3, 3) and np.count_nonzero(lengths - np.diag(np.diag(lengths))) == 0:
        lengths = np.diag(lengths)
    if lengths.ndim == 0:
        lengths = np.repeat(lengths, 3)
    if lengths.shape != (3,) or not np.all((lengths > 0) & (lengths <= FARTHEST)):
        msg = f"box={np.asarray(box).tolist()}; expected one or three positive lengths [Å], at most {FARTHEST:g}"
        raise ValueError(msg)
    if cutoff is not None and cutoff > lengths.min() / 2:
        msg = f"{name}={cutoff:g} Å exceeds half the box ({lengths.min() / 2:g} Å); lower it or repeat the box"
        raise ValueError(msg)
    return np.ascontiguousarray(lengths)


def check_number(name: str, value: float, *, low: float = -np.inf, high: float = np.inf) -> float:
    """Return `value` as a float if it is one finite real number from `low` to `high`; else say so.

    Examples
    --------
    >>> from helpers.checks import check_number
    >>> check_number("threshold", 1), check_number("smoothing", 0, low=0)
    (1.0, 0.0)
    """
    span = f" from {low:g} to {high:g}" if np.isfinite(high) else f" of at least {low:g}"
    words = f"one finite number{span if np.isfinite(low) else ''}"
    number = _as_float(value)
    if not np.isfinite(number) or not low <= number <= high:
        msg = f"{name}={_shown(value)}; expected {words}"
        raise ValueError(msg)
    return number


def check_positive(name: str, value: float) -> float:
    """Return `value` as a float if it is a positive, finite number; else say so."""
    number = _as_float(value)
    if not np.isfinite(number) or number <= 0:
        msg = f"{name}={_shown(value)}; expected a positive number"
        raise ValueError(msg)
    return number


def _as_float(value: Any) -> float:
    """Return a real number as a float; NaN for everything else, text and arrays among it."""
    if value is np.ma.masked or isinstance(value, (str, bytes)) or _is_many(value) or np.iscomplexobj(value):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _shown(value: Any) -> str:
    """Return a value as a message shows it: an array by its shape."""
    return f"an array of shape {np.shape(value)}" if getattr(value, "ndim", 0) else repr(value)


def _is_many(value: Any) -> bool:
    return bool(getattr(value, "ndim", 0)) or isinstance(value, (list, tuple, dict, set))


def check_count(name: str, value: float) -> int:
    """Return `value` as an int if it is a positive whole number; else say so."""
    number = _as_float(value)
    if not np.isfinite(number) or number != int(number) or number < 1:
        msg = f"{name}={_shown(value)}; expected a positive whole number"
        raise ValueError(msg)
    return int(value)


def check_whole(name: str, value: float, *, low: int = 0) -> int:
    """Return `value` as an int if it is a whole number of at least `low`; else say so.

    Examples
    --------
    >>> from helpers.checks import check_whole
    >>> check_whole("seed", 7.0)
    7
    """
    number = _as_float(value)
    if not np.isfinite(number) or number != int(number) or number < low:
        msg = f"{name}={_shown(value)}; expected a whole number of at least {low}"
        raise ValueError(msg)
    return int(value)


def check_choice(name: str, value: str, choices: Sequence[str]) -> str:
    """Return `value` if it is one of `choices`; else name them."""
    if not isinstance(value, str) or value not in choices:
        msg = f"{name}={_shown(value)}; expected one of {', '.join(map(repr, choices))}"
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
    array = _plain(mask, name)
    if array.dtype != bool or (array.ndim != 1 if wanted is None else array.shape != wanted):
        words = "(N,)" if wanted is None else str(wanted)
        msg = f"{name} has shape {array.shape} and type {array.dtype}; expected a mask {words}"
        raise ValueError(msg)
    return _writeable(array)


def _writeable(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of a read-only array, for which every kernel would be compiled a second time."""
    return array if array.flags.writeable else array.copy()


def _plain(values: Any, name: str) -> NDArray[Any]:
    """Return masks or indices as an array, whatever they hold; but not with places masked out."""
    if _masked(values):
        msg = (
            f"{name} is masked in {counted(_masked(values), 'place')}; expected a plain array: fill or leave "
            "out what is masked"
        )
        raise ValueError(msg)
    try:
        return np.asarray(values)
    except (TypeError, ValueError):
        msg = f"{name} is no array; its rows differ in length"
        raise ValueError(msg) from None


def check_members(members: ArrayLike, limit: int | None, width: int, *, name: str) -> NDArray[np.int64]:
    """Return rows of indices as a C-contiguous (M, width) int64 array.

    Parameters
    ----------
    members : (M, width) int array-like
        Such as the atoms of tetrahedra.
    limit : int or None
        Every index lies in 0 … limit - 1; None: none is negative.
    width : int
        Indices in a row.
    name : str
        What the caller names them, for the message.

    Raises
    ------
    ValueError
        If the shape is another one, the numbers are no integers, or one lies outside.
    """
    array = _plain(members, name)
    if array.size == 0:
        return np.empty((0, width), np.int64)
    if array.ndim != 2 or array.shape[1] != width or array.dtype.kind not in "iu":
        msg = f"{name} has shape {array.shape} and type {array.dtype}; expected (M, {width}) integers"
        raise ValueError(msg)
    low, high = int(array.min()), int(array.max())
    if limit is None:
        limit = max(high, 0) + 1
    if low < 0 or high >= limit:
        msg = f"{name} refers to index {high if high >= limit else low}; expected 0 to {limit - 1}"
        raise ValueError(msg)
    return _writeable(np.ascontiguousarray(array, dtype=np.int64))


def check_elements(
    element: str | Sequence[str], count: int, *, name: str = "element", beside: str = "positions"
) -> list[str]:
    """Return one chemical symbol for each of `count` atoms, from one for all or one for each.

    `beside` names the caller's other argument, which holds as many atoms.

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
    if not isinstance(element, (str, Sequence, np.ndarray)) or not all(isinstance(e, str) for e in element):
        msg = f"{name}={_shown(element)}; expected chemical symbols, one for all atoms or one for each"
        raise ValueError(msg)
    names = [element] * count if isinstance(element, str) else [str(symbol) for symbol in element]
    if len(names) != count:
        msg = f"{name} names {counted(len(names), 'atom')} but {beside} holds {count}; give one for all or for each"
        raise ValueError(msg)
    return names
