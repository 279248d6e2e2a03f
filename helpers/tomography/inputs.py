"""What a tilt series must be before it is worth reconstructing."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from ..arrays import TiltSeries


class TiltAxisWarning(UserWarning):
    """The images look as if the tilt axis lay along the wrong array axis."""


def check_series(series: TiltSeries, *, minimum: int = 2) -> TiltSeries:
    """Refuse a series that cannot be reconstructed; warn of one whose axes look swapped.

    Parameters
    ----------
    series : TiltSeries
        Images (T, X, Y) with one angle each.
    minimum : int
        Fewest tilts that make sense for the caller.

    Raises
    ------
    TypeError
        If `series` is not a tilt series.
    ValueError
        If there are too few tilts, all angles are equal, or an image is constant.
    """
    for name in ("images", "angles", "pixel_size"):
        if not hasattr(series, name):
            raise TypeError(f"got {type(series).__name__}; expected helpers.TiltSeries(images, angles, pixel_size)")
    if not isinstance(series, TiltSeries):
        series = TiltSeries(series.images, series.angles, series.pixel_size)
    if len(series) < minimum:
        raise ValueError(f"the series holds {len(series)} images; expected at least {minimum}")
    if len(series) > 1 and np.ptp(series.euler, axis=0).max() == 0:
        raise ValueError(f"all {len(series)} angles are equal; expected a tilt series")
    flat = np.flatnonzero([image.max() == image.min() for image in series.images])
    if flat.size:
        raise ValueError(
            f"{flat.size} of {len(series)} images are constant, the first at index {flat[0]}; "
            "leave those tilts out of images and angles"
        )
    ratio = axis_evidence(series.images)
    about_y = np.ptp(series.euler[:, 1]) > 20.0 and np.abs(series.euler[:, 0]).max() < 20.0
    if len(series) >= 5 and about_y and ratio > 3.0:
        warnings.warn(
            f"sums across y change {ratio:.1f} times more from tilt to tilt than sums across x: the tilt axis seems to "
            "lie along x; if so, pass numpy.swapaxes(images, 1, 2)",
            TiltAxisWarning,
            stacklevel=3,
        )
    return series


def axis_evidence(images: NDArray[np.floating]) -> float:
    """How much more the profile along y changes from tilt to tilt than the profile along x.

    Summed across the direction perpendicular to the tilt axis, every image of an object inside the field
    gives the same profile (the common line); summed along the tilt axis it does not. Well below 1 if the
    tilt axis is y, well above 1 if it is x. Profiles are compared in place and at their best shift, and the
    milder verdict counts, since images may be misaligned and films reach beyond the field.
    """
    changes = np.empty((2, 2))
    for row, axis in enumerate((1, 2)):  # sum over x: the profile along y; sum over y: the profile along x
        profiles = images.sum(axis=axis, dtype=np.float64)
        profiles /= np.maximum(np.abs(profiles).sum(axis=1, keepdims=True), 1e-30)
        profiles -= profiles.mean(axis=1, keepdims=True)
        spectra = np.fft.rfft(profiles, 2 * profiles.shape[1], axis=1)
        match = np.fft.irfft(spectra[:-1] * np.conj(spectra[1:]), axis=1)
        energy = (profiles**2).sum(axis=1)
        pairs = energy[:-1] + energy[1:]
        changes[row] = np.mean(pairs - 2 * match[:, 0]), np.mean(pairs - 2 * match.max(axis=1))  # in place, best shift
        changes[row] *= profiles.shape[1]
    return float((changes[0] / np.maximum(changes[1], 1e-9)).min())
