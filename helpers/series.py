"""Images and tilt series at the public door: what they must be before anything is measured on them.

A public function checks once, here; what is private trusts what it is given.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import TiltSeries
from .checks import check_numbers
from .digits import counted
from .geometry.rotations import MANY_ANGLES, seem_radians, warn_radians

_LEAST_EDGE = 8  # smallest image that holds a window, a rim and something between [px]
_WRONG_AXIS = 3.0  # evidence above which the tilt axis seems to lie along x; a good series stays below 1
_LEAST_RANGE = 20.0  # tilts that cover less change no profile enough to judge the axis by [degrees]
_LEAST_TILTS = 5  # nor do fewer
_SHAPES = {2: "(X, Y)", 3: "(T, X, Y)", 4: "(T, F, X, Y)"}


class TiltAxisWarning(UserWarning):
    """The images look as if the tilt axis lay along the wrong array axis."""


def check_images(
    images: ArrayLike, *, name: str = "images", ndim: tuple[int, ...] = (2, 3), contrast: bool = True
) -> NDArray[np.float32]:
    """Return images as C-contiguous float32, or say what is wrong with them.

    Parameters
    ----------
    images : (X, Y), (T, X, Y) or (T, F, X, Y) array
        Images; never changed.
    name : str
        What the caller names them, for the message.
    ndim : tuple of int
        Numbers of axes that the caller can take.
    contrast : bool
        Whether to refuse constant images, which show nothing that could be measured.

    Raises
    ------
    ValueError
        If the number of axes is wrong, images are smaller than 8 × 8 px, a value is masked, complex or not finite,
        or an image is constant.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.series import check_images
    >>> check_images(np.eye(8)).dtype
    dtype('float32')
    """
    expected = " or ".join(_SHAPES[n] for n in ndim)
    array = check_numbers(images, name=name, dtype=np.float32, finite=False, expected=f"real counts {expected}")
    if array.ndim not in ndim or 0 in array.shape:
        msg = f"{name} has shape {array.shape}; expected {expected}"
        raise ValueError(msg)
    one = array.ndim == 2
    subject = "the image" if one and name == "images" else name
    if min(array.shape[-2:]) < _LEAST_EDGE:
        size = f"{array.shape[-2]}×{array.shape[-1]} px"
        msg = f"{subject} {'is' if one else 'are'} {size}; expected at least {_LEAST_EDGE}×{_LEAST_EDGE}"
        raise ValueError(msg)
    low, high = _extremes(array)
    bad = np.flatnonzero(~(np.isfinite(low) & np.isfinite(high)))
    if bad.size and one:
        msg = f"{subject} holds NaN or infinity; repair it"
        raise ValueError(msg)
    if bad.size:
        which = _which(bad, array.shape)
        msg = (
            f"{name} hold NaN or infinity in {bad.size} of {counted(len(low), 'image')}, {which}; remove or repair them"
        )
        raise ValueError(msg)
    constant = np.flatnonzero(low == high)
    if contrast and constant.size:
        msg = f"{subject} is constant ({low[0]:.4g} everywhere); expected an image that shows something"
        if not one:
            kind, them = ("images", "them") if constant.size > 1 else ("image", "it")
            which = _which(constant, array.shape)
            msg = f"{name} hold {constant.size} constant {kind} of {len(low)}, {which}; leave {them} out"
        raise ValueError(msg)
    return array


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

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.series import check_series
    >>> from helpers import TiltSeries
    >>> len(check_series(TiltSeries(np.random.default_rng(0).random((3, 8, 8)), [-30.0, 0.0, 30.0], 0.4)))
    3
    """
    for name in ("images", "angles", "pixel_size"):
        if not hasattr(series, name):
            msg = f"got {type(series).__name__}; expected helpers.TiltSeries(images, angles, pixel_size)"
            raise TypeError(msg)
    if not isinstance(series, TiltSeries):
        series = TiltSeries(series.images, series.angles, series.pixel_size)
    check_tilts(series, minimum=minimum)
    flat = np.flatnonzero(np.equal(*_extremes(series.images)))
    if flat.size:
        kind, tilts = ("are", "those tilts") if flat.size > 1 else ("is", "that tilt")
        which = _which(flat, series.images.shape)
        msg = (
            f"{flat.size} of {counted(len(series), 'image')} {kind} constant, {which}; leave {tilts} out of "
            "images and angles"
        )
        raise ValueError(msg)
    warn_of_axis(series, stacklevel=4)
    return series


def check_tilts(series: TiltSeries, *, minimum: int = 2) -> None:
    """Refuse a series of too few tilts, or of one angle only; its images are taken on trust."""
    if len(series) < minimum:
        msg = f"the series holds {len(series)} image{'s' if len(series) > 1 else ''}; expected at least {minimum}"
        raise ValueError(msg)
    if len(series) > 1 and np.ptp(series.euler, axis=0).max() == 0:
        msg = f"all {len(series)} angles are equal; expected a tilt series"
        raise ValueError(msg)


def warn_of_axis(series: TiltSeries, *, stacklevel: int = 3) -> None:
    """Warn of a series tilted about y whose images look as if they were tilted about x."""
    about_y = np.ptp(series.euler[:, 1]) > _LEAST_RANGE and np.abs(series.euler[:, 0]).max() < _LEAST_RANGE
    if len(series) < _LEAST_TILTS or not about_y:
        return
    ratio = axis_evidence(series.images)
    if ratio > _WRONG_AXIS:
        warnings.warn(
            f"sums across y change {ratio:.1f} times more from tilt to tilt than sums across x: the tilt axis seems to "
            "lie along x; if so, pass numpy.swapaxes(images, 1, 2)",
            TiltAxisWarning,
            stacklevel=stacklevel,
        )


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


def _which(indices: NDArray[np.int64], shape: tuple[int, ...]) -> str:
    """Say where the first of some images lies."""
    first = "" if indices.size == 1 else "the first "
    if len(shape) == 4:
        tilt, frame = divmod(int(indices[0]), shape[1])
        return f"{first}at tilt {tilt}, frame {frame}"
    return f"{first}at index {indices[0]}"


def _extremes(images: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the least and the largest value of each image: NaN or infinite where a value is."""
    flat = images.reshape(-1, images.shape[-2] * images.shape[-1])
    return flat.min(axis=1), flat.max(axis=1)


def warn_of_radians(angles: NDArray[np.float64], *, stacklevel: int = 2) -> None:
    """Warn of a series of few tilts whose angles all fit into a turn of radians and are not round as degrees.

    A stage is set to whole degrees or tenths; five tilts within 2π degrees of each other that are neither are angles in
    radians. `helpers.geometry.check_angles` does the same for longer lists.

    Parameters
    ----------
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ [degrees].
    stacklevel : int
        As `warnings.warn` counts.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from helpers.series import warn_of_radians
    >>> with warnings.catch_warnings(record=True, action="always") as caught:
    ...     warn_of_radians(np.deg2rad([-60.0, 0.0, 60.0]))
    ...     warn_of_radians(np.array([-1.5, 0.0, 1.5]))
    >>> len(caught)
    1
    """
    if len(angles) <= MANY_ANGLES and len(angles) > 1 and seem_radians(angles):
        warn_radians(angles, stacklevel=stacklevel + 1)
