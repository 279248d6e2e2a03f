"""Curves: where their peaks and valleys are, and what they are made of, means over rings and shells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import check_count, check_numbers, check_positive

_SHELL_WIDTH = 0.08  # width of the smoothing that leaves one maximum a shell, in units of the first peak
_SPLIT_WIDTH = 0.1  # half of what a maximum within a split peak is fitted over [Å]; its halves are 0.5 Å apart
_PEAK_WIDTH = 0.2  # the top of a first peak is a parabola this far to either side [Å]
_PROMINENCE = 0.02  # least height over its surroundings that makes a maximum of a pair distribution
_FLANK = 1.25  # the first peak lies before so many times the distance of half its height
_SECOND_SHELL = 1.25, 2.25  # where the second peak lies, in units of the first
_LEAST_EXCESS = 0.1  # least height over the slope under it that makes a peak, in units of what the slope is there


@dataclass(frozen=True, eq=False)
class Extrema:
    """Peaks and valleys of the first shells.

    Attributes
    ----------
    peaks, valleys : (K,) arrays
        Distances of the first maxima and of the minima that follow them [Å].
    second_maxima : (M,) array
        All maxima within the second shell [Å]; two of them in a glass whose second peak is split.
    """

    peaks: NDArray[np.float64]
    valleys: NDArray[np.float64]
    second_maxima: NDArray[np.float64]

    def scaled(self, count: int = 3) -> dict[str, float]:
        """Return the first peaks and valleys in units of the first peak, and the maxima in the second shell."""
        row = {}
        for number in range(count):
            if number and number < len(self.peaks):
                row[f"peak {number + 1}"] = float(self.peaks[number] / self.peaks[0])
            if number < min(len(self.valleys), count - 1):
                row[f"valley {number + 1}"] = float(self.valleys[number] / self.peaks[0])
        row["maxima in the second shell"] = len(self.second_maxima)
        return row


@dataclass(frozen=True, eq=False)
class SecondPeak:
    """Whether the second peak of a pair distribution is split.

    Attributes
    ----------
    maxima : (M,) array
        All maxima within the second shell [Å], see `extrema`.
    depth : float
        How deep the dip between the two highest of them is, below the lower one; 0 if there is one maximum.
    error : float
        Standard uncertainty of the depth; 0 if that of the curve is not known.
    split : bool
        Whether there are two maxima and the dip is three times as deep as its uncertainty.
    """

    maxima: NDArray[np.float64]
    depth: float
    error: float
    split: bool


@dataclass(frozen=True, eq=False)
class Peak:
    """A Gaussian fitted to the top of a distribution; position and width in the units of x."""

    position: float
    height: float
    width: float


def extrema(r: ArrayLike, g: ArrayLike, *, shells: int = 3) -> Extrema:
    """Find the peaks and valleys of a pair distribution.

    Parameters
    ----------
    r : (K,) array
        Equally spaced distances [Å].
    g : (K,) array
        Pair distribution.
    shells : int
        How many shells to look for.

    Returns
    -------
    Extrema
        The first peak is that of `first_peak`; the others are vertices of parabolas, see `vertex`.

    Raises
    ------
    ValueError
        If the arrays differ in length, are not equally spaced, or hold no peak.

    Notes
    -----
    A shell is a maximum of the curve smoothed by a Gaussian of 0.08 first-peak distances, wide enough to join
    the two halves of a split peak. Within the second shell every maximum of the curve as it came that rises by
    more than 0.02 counts.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.curves import extrema
    >>> r = np.arange(0.025, 12, 0.05)
    >>> g = np.where(r < 2.4, 0, 1 + np.exp(-r / 4) * np.cos(2 * np.pi * (r - 3) / 2.5))
    >>> found = extrema(r, g)
    >>> float(np.round(found.peaks[2] - found.peaks[1], 1))
    2.5
    """
    from scipy.ndimage import gaussian_filter1d  # here, for it is slow to import

    r, g = _check_curve(r, g)
    shells = check_count("shells", shells)
    first, step = float(r[_first_top(r, g)]), r[1] - r[0]
    width = _SHELL_WIDTH * first
    smooth = gaussian_filter1d(g, width / step, mode="nearest")
    tops = maxima(smooth, prominence=_PROMINENCE)[:shells]
    if len(tops) == 0:
        msg = "g has no peak; expected a pair distribution"
        raise ValueError(msg)
    ends = np.append(tops[1:], min(tops[-1] + round(first / step), len(g) - 1))
    bottoms = [int(a + np.argmin(smooth[a:b])) for a, b in zip(tops, ends, strict=True) if b > a + 1]
    second: NDArray[np.int64] = np.array([], dtype=np.int64)
    if len(bottoms) >= 2:
        second = bottoms[0] + maxima(g[bottoms[0] : bottoms[1] + 1], prominence=_PROMINENCE)
    near, far = (max(1, round(w / step)) for w in (_SPLIT_WIDTH, width))
    return Extrema(
        np.array([_first_vertex(r, g), *_vertices(r, smooth, tops[1:], far)]),
        _vertices(r, smooth, bottoms, far),
        _vertices(r, g, second, near),
    )


def second_peak(r: ArrayLike, g: ArrayLike, error: ArrayLike | None = None) -> SecondPeak:
    """Tell whether the second peak of a pair distribution is split, the mark of a metallic glass.

    Parameters
    ----------
    r : (K,) array
        Equally spaced distances [Å].
    g : (K,) array
        Pair distribution.
    error : (K,) array, optional
        Standard uncertainty of g, such as the scatter between independent boxes.

    Returns
    -------
    SecondPeak

    Raises
    ------
    ValueError
        As `extrema`, or if the uncertainty has another length than g or is no number where it is needed.

    Notes
    -----
    Maxima that rise by less than 0.02 do not count. The uncertainty of the depth is that of the lower maximum and of
    the lowest point between the two, taken as independent.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.curves import second_peak
    >>> r = np.arange(0.05, 15, 0.1)
    >>> def shell(at, height, width):
    ...     return height * np.exp(-((r - at) ** 2) / (2 * width**2))
    >>> g = 1 / (1 + np.exp(-8 * (r - 2.4))) + shell(2.9, 2, 0.25) - shell(4.0, 0.4, 0.3) + shell(4.9, 0.5, 0.25)
    >>> second_peak(r, g).split, second_peak(r, g + shell(5.7, 0.4, 0.25)).split
    (False, True)
    """
    r, g = _check_curve(r, g)
    sigma = np.zeros(len(g)) if error is None else check_numbers(error, name="error", finite=False)
    if sigma.shape != g.shape:
        msg = f"error has shape {sigma.shape} and g {g.shape}; expected one uncertainty for each value"
        raise ValueError(msg)
    found = extrema(r, g).second_maxima
    if len(found) < 2:
        return SecondPeak(found, 0.0, 0.0, False)
    places = np.searchsorted(r, found - (r[1] - r[0]) / 2)
    left, right = np.sort(places[np.argsort(g[places])[-2:]])
    dip = left + int(np.nanargmin(g[left : right + 1]))
    lower = left if g[left] < g[right] else right
    depth, uncertainty = float(g[lower] - g[dip]), float(np.hypot(sigma[lower], sigma[dip]))
    if not np.isfinite(uncertainty):
        msg = f"error holds no number at {r[lower]:.4g} or {r[dip]:.4g} Å, between which the peak is judged"
        raise ValueError(msg)
    return SecondPeak(found, depth, uncertainty, depth > 3 * uncertainty)


def first_peak(r: ArrayLike, g: ArrayLike) -> float:
    """Return the distance of the first peak of a pair distribution, R₁ [Å].

    Parameters
    ----------
    r : (K,) array
        Equally spaced distances [Å].
    g : (K,) array
        Pair distribution.

    Raises
    ------
    ValueError
        If the arrays do not fit, or g has no peak inside its range.

    Notes
    -----
    Let h be the distance at which g first reaches half of its largest value. The peak is the highest value from h
    to 1.25 h; the parabola fitted to all points within 0.2 Å of it gives the place between the points.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.curves import first_peak
    >>> r = 0.05 + 0.1 * np.arange(100)
    >>> round(first_peak(r, np.where(r < 2.4, 0, 1 + np.exp(3 - r) * np.cos(2 * np.pi * (r - 3) / 2.4))), 2)
    2.87
    """
    r, g = _check_curve(r, g)
    return _first_vertex(r, g)


def first_valley(r: ArrayLike, g: ArrayLike) -> float:
    """Return the distance of the first valley of a pair distribution [Å], the end of the first shell.

    Parameters
    ----------
    r : (K,) array
        Equally spaced distances [Å].
    g : (K,) array
        Pair distribution, smoothed enough to have one minimum a valley.

    Raises
    ------
    ValueError
        If the arrays do not fit, or g does not reach from a first peak to beyond a second.

    Notes
    -----
    The first peak, at R₁, is that of `first_peak`; the second is the highest value between 1.25 R₁ and 2.25 R₁.
    The valley is the lowest value between the two; the parabola through it and its two neighbours gives the place
    between the points. Where g is flat at the bottom, as between the sharp shells of a crystal, the valley is
    the middle of the widest flat piece.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.curves import first_valley
    >>> r = 0.05 + 0.1 * np.arange(100)
    >>> round(first_valley(r, np.where(r < 2.4, 0, 1 + np.exp(3 - r) * np.cos(2 * np.pi * (r - 3) / 2.4))), 2)
    4.06
    """
    r, g = _check_curve(r, g)
    first = _first_top(r, g)
    peak = _first_vertex(r, g)
    near, far = (factor * peak for factor in _SECOND_SHELL)
    second_shell = np.flatnonzero((r > near) & (r < far) & np.isfinite(g))
    if r[-1] < far or second_shell.size == 0:
        msg = (
            f"g ends at r={r[-1]:g} Å; expected at least {far:.3g} Å, {_SECOND_SHELL[1]} times the first peak, "
            "to find the valley before the second"
        )
        raise ValueError(msg)
    second = int(second_shell[np.argmax(g[second_shell])])
    lowest = first + np.flatnonzero(g[first : second + 1] == np.nanmin(g[first : second + 1]))
    flats = np.split(lowest, np.flatnonzero(np.diff(lowest) > 1) + 1)
    widest = max(flats, key=len)
    if len(widest) > 1:
        return float((r[widest[0]] + r[widest[-1]]) / 2)
    if widest[0] in (first, second):
        msg = "g has no valley between its first and second peak; smooth it less or use more atoms"
        raise ValueError(msg)
    return vertex(r, g, int(widest[0]))


def fit_peak(x: ArrayLike, y: ArrayLike, *, within: tuple[float, float] | None = None, reach: float = 15.0) -> Peak:
    r"""Fit a Gaussian to the highest peak of a curve.

    Parameters
    ----------
    x, y : (B,) array
        The curve, for instance the bin centres and heights of a histogram; NaN in y are left out.
    within : (float, float), optional
        Where to look for the peak, in units of x; everywhere by default.
    reach : float
        The fit uses the points at most this far from the highest one, in units of x.

    Returns
    -------
    Peak
        Centre, height and standard deviation of the Gaussian; NaN if there are fewer than four points or the
        fit finds no peak.

    Raises
    ------
    ValueError
        If the lengths differ, or `reach` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.curves import fit_peak
    >>> x = np.arange(0, 10, 0.5)
    >>> round(fit_peak(x, np.exp(-((x - 4.2) ** 2) / 2), reach=3).position, 6)
    4.2
    """
    from scipy.optimize import curve_fit  # here, for it is slow to import

    across, up = check_numbers(x, name="x"), check_numbers(y, name="y", finite=False)
    if across.ndim != 1 or across.shape != up.shape:
        msg = f"x has shape {across.shape} and y {up.shape}; expected two equal lists"
        raise ValueError(msg)
    reach = check_positive("reach", reach)
    low, high = (-np.inf, np.inf) if within is None else within
    finite = np.isfinite(up)
    looked = finite & (across >= low) & (across <= high)
    nothing = Peak(np.nan, np.nan, np.nan)
    if not looked.any() or not (up[looked] > 0).any():
        return nothing
    top = across[looked][up[looked].argmax()]
    used = finite & (np.abs(across - top) <= reach)
    if used.sum() < 4:
        return nothing

    def gaussian(t: Any, height: float, position: float, width: float) -> Any:
        return height * np.exp(-((t - position) ** 2) / (2 * width**2))

    try:
        with np.errstate(all="ignore"):
            start = (up[used].max(), top, reach / 2)
            (height, position, width), _ = curve_fit(gaussian, across[used], up[used], p0=start)
    except RuntimeError:
        return nothing
    if height <= 0 or abs(position - top) > reach:
        return nothing
    return Peak(float(position), float(height), float(abs(width)))


def peak_over_slope(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float, float] | None:
    """Return position, height and full width at half height of what rises most above a falling curve.

    ``y`` (B,) is the logarithm of the curve at equally spaced ``x``; the slope is the straight line from its
    first to its last point. The height is that of the curve over the slope, less one. None if nothing inside
    rises by a tenth.
    """
    excess = y - np.interp(x, x[[0, -1]], y[[0, -1]])
    top = int(excess.argmax())
    if top in (0, len(x) - 1) or excess[top] < _LEAST_EXCESS:
        return None
    height = np.expm1(excess)
    above = np.flatnonzero(height >= height[top] / 2)
    return vertex(x, excess, top), float(height[top]), float((above[-1] - above[0] + 1) * (x[1] - x[0]))


def vertex(x: NDArray[np.float64], y: NDArray[np.float64], place: int, reach: int = 1) -> float:
    """Return where the parabola fitted to a point and `reach` neighbours on either side has its vertex.

    ``x`` is equally spaced. The point itself is returned where the curve is flat or not finite around it; at an
    end of the curve fewer neighbours are used, the same number on either side.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.curves import vertex
    >>> x = np.arange(9.0)
    >>> round(vertex(x, -((x - 4.3) ** 2), 4), 6), round(vertex(x, -((x - 4.3) ** 2), 4, reach=3), 6)
    (4.3, 4.3)
    """
    reach = min(reach, place, len(y) - 1 - place)
    k = np.arange(-reach, reach + 1.0)
    rise = y[place - reach : place + reach + 1] - y[place]
    squares = (k * k).sum()
    bend = (k * k) @ rise - squares / len(k) * rise.sum()
    if reach == 0 or not np.isfinite(bend) or bend == 0:
        return float(x[place])
    slope = k @ rise / squares
    shift = -slope / (2 * bend / ((k**4).sum() - squares**2 / len(k)))
    return float(x[place] + np.clip(shift, -reach, reach) * (x[1] - x[0]))


def maxima(y: NDArray[np.float64], *, prominence: float) -> NDArray[np.int64]:
    """Return the places at which a curve (K,) has a maximum that rises by `prominence` over what is around it.

    As `scipy.signal.find_peaks`: a peak rises over the higher of the two lowest points that one must cross to
    reach a higher point on its left and on its right, or an end. A flat top counts once, at its middle.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.curves import maxima
    >>> maxima(np.array([0, 2, 1, 3, 3, 3, 0, 0.1, 0]), prominence=0.5).tolist()
    [1, 4]
    """
    steps = np.flatnonzero(np.diff(y) != 0)
    starts, ends = np.append(0, steps + 1), np.append(steps, len(y) - 1)  # pieces of equal height
    found = []
    for piece in range(1, len(starts) - 1):
        height = y[starts[piece]]
        if not (y[starts[piece] - 1] < height > y[ends[piece] + 1]):
            continue
        higher = np.flatnonzero(y > height)
        left = higher[higher < starts[piece]].max(initial=-1) + 1
        right = higher[higher > ends[piece]].min(initial=len(y))
        if height - max(y[left : starts[piece]].min(), y[ends[piece] + 1 : right].min()) >= prominence:
            found.append((starts[piece] + ends[piece]) // 2)
    return np.array(found, dtype=np.int64)


def ring_means(ring: NDArray[np.integer], *values: NDArray[Any], rings: int = 0) -> tuple[NDArray[Any], ...]:
    """Return how many points lie on each ring or shell, and the mean of each of `values` over it.

    Parameters
    ----------
    ring : array of int
        Number of the ring on which each point lies, 0 and up.
    values : arrays
        Values at the points.
    rings : int
        Fewest rings to return.

    Returns
    -------
    count, *means : (K,) arrays
        NaN where a ring holds no point.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.curves import ring_means
    >>> count, mean = ring_means(np.array([0, 2, 2]), np.array([5.0, 1.0, 2.0]))
    >>> count.tolist(), mean.tolist()
    ([1, 0, 2], [5.0, nan, 1.5])
    """
    place = ring.ravel()
    count = np.bincount(place, minlength=rings)
    sums = (np.bincount(place, value.ravel(), minlength=rings) for value in values)
    return count, *(np.divide(s, count, out=np.full(len(count), np.nan), where=count > 0) for s in sums)


def _vertices(x: NDArray[Any], y: NDArray[Any], places: Iterable[int], reach: int) -> NDArray[np.float64]:
    return np.array([vertex(x, y, int(place), reach) for place in places], dtype=np.float64)


def _check_curve(r: ArrayLike, g: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both as arrays, or say why they are no curve."""
    r = check_numbers(r, name="r", expected="distances [Å]")
    g = check_numbers(g, name="g", finite=False)
    if r.ndim != 1 or r.shape != g.shape or len(r) < 3:
        msg = f"r has shape {r.shape} and g {g.shape}; expected two equal lengths of at least 3"
        raise ValueError(msg)
    spacing = np.diff(r)
    if not np.all(spacing > 0) or np.ptp(spacing) > 1e-6 * spacing.mean():
        msg = "r is not equally spaced and ascending; expected the centres of equal shells"
        raise ValueError(msg)
    if not np.any(np.isfinite(g)):
        msg = "g holds no number; expected a pair distribution"
        raise ValueError(msg)
    return r, g


def _first_vertex(r: NDArray[np.float64], g: NDArray[np.float64]) -> float:
    """Place of the first peak between the points."""
    return vertex(r, g, _first_top(r, g), max(1, round(_PEAK_WIDTH / (r[1] - r[0]))))


def _first_top(r: NDArray[np.float64], g: NDArray[np.float64]) -> int:
    """Return the index of the first peak."""
    highest = np.nanmax(g)
    rise = int(np.argmax(np.nan_to_num(g) >= highest / 2))
    flank = np.flatnonzero((r >= r[rise]) & (r <= _FLANK * r[rise]) & np.isfinite(g))
    top = int(flank[np.argmax(g[flank])])
    if not highest > 1 or top in (0, len(g) - 1) or g[top] < max(g[top - 1], g[top + 1]):
        msg = f"g rises to {g[top]:.3g} at r={r[top]:g} Å and has no peak there; expected a maximum above 1"
        raise ValueError(msg)
    return top
