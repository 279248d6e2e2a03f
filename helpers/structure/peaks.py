"""Peaks: where a distribution has its maximum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import curve_fit

from helpers.checks import check_positive


@dataclass(frozen=True)
class Peak:
    """A Gaussian fitted to the top of a distribution; position and width in the units of x."""

    position: float
    height: float
    width: float


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

    Examples
    --------
    >>> x = np.arange(0, 10, 0.5)
    >>> round(fit_peak(x, np.exp(-((x - 4.2) ** 2) / 2), reach=3).position, 6)
    4.2
    """
    across, up = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if across.ndim != 1 or across.shape != up.shape:
        raise ValueError(f"x has shape {across.shape} and y {up.shape}; expected two equal lists")
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

    def gaussian(t, height, position, width):
        return height * np.exp(-((t - position) ** 2) / (2 * width**2))

    try:
        (height, position, width), _ = curve_fit(gaussian, across[used], up[used], p0=(up[used].max(), top, reach / 2))
    except RuntimeError:
        return nothing
    if height <= 0 or abs(position - top) > reach:
        return nothing
    return Peak(float(position), float(height), float(abs(width)))
