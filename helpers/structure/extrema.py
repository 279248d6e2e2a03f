"""Shells of a pair distribution: where its peaks and valleys are, and whether the second peak is split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

_SHELL_WIDTH = 0.08  # width of the smoothing that leaves one maximum a shell, in units of the first peak
_PROMINENCE = 0.02  # least height over its surroundings that makes a maximum


@dataclass(frozen=True)
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
        The positions are those of parabolas through the extreme point and its neighbours.

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
    >>> r = np.arange(0.025, 12, 0.05)
    >>> found = extrema(r, 1 + np.exp(-r / 4) * np.cos(2 * np.pi * (r - 3) / 2.5) * (r > 2))
    >>> float(np.round(found.peaks[1] - found.peaks[0], 1))
    2.5
    """
    r, g = np.asarray(r, dtype=float), np.asarray(g, dtype=float)
    if r.shape != g.shape or r.ndim != 1 or len(r) < 5:
        raise ValueError(f"r has shape {r.shape} and g {g.shape}; expected two equal lengths of at least 5")
    step = r[1] - r[0]
    if step <= 0 or not np.allclose(np.diff(r), step, rtol=1e-3):
        raise ValueError("r is not equally spaced and ascending; expected the centres of equal bins")
    first = float(r[np.argmax(g)])
    smooth = gaussian_filter1d(g, _SHELL_WIDTH * first / step, mode="nearest")
    tops, _ = find_peaks(smooth, prominence=_PROMINENCE)
    if len(tops) == 0:
        raise ValueError("g has no peak; expected a pair distribution")
    tops = tops[:shells]
    ends = np.append(tops[1:], min(tops[-1] + round(first / step), len(g) - 1))
    bottoms = [a + np.argmin(smooth[a:b]) for a, b in zip(tops, ends, strict=True) if b > a + 1]
    second = np.array([])
    if len(bottoms) >= 2:
        inside, _ = find_peaks(g[bottoms[0] : bottoms[1] + 1], prominence=_PROMINENCE)
        second = _refine(r, g, inside + bottoms[0], 0.1)
    width = _SHELL_WIDTH * first
    return Extrema(
        np.concatenate([_refine(r, g, [np.argmax(g)], 0.2), _refine(r, smooth, tops[1:], width)]),
        _refine(r, smooth, bottoms, width),
        second,
    )


def _refine(r: NDArray, g: NDArray, places: ArrayLike, width: float) -> NDArray[np.float64]:
    """Vertex of the parabola fitted to all points within `width` of each place (three at least)."""
    reach = max(1, round(width / (r[1] - r[0])))
    found = []
    for place in np.asarray(places, dtype=int):
        around = slice(max(place - reach, 0), place + reach + 1)
        a, b, _ = np.polyfit(r[around] - r[place], g[around], 2)
        shift = -b / (2 * a) if a else 0.0
        found.append(r[place] + np.clip(shift, -width, width))
    return np.array(found)
