"""A tilt series from a stack of images and its angles, with what a file states about it weighed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import TiltSeries
from ..digits import counted
from ..geometry.rotations import check_angles
from ..series import warn_of_radians
from .angles import read_angles
from .images import read_images

PIXEL_SIZES = 0.05, 100.0
"""Least and largest edge of a pixel that an electron microscope's images of matter have [Å]."""


class PixelSizeWarning(UserWarning):
    """A file states another pixel size than the one that came with it."""


def read_tilt_series(
    images: str | Path,
    angles: str | Path | NDArray[Any],
    *,
    pixel_size: float | None = None,
    array: str | None = None,
    tilts: int | None = None,
) -> TiltSeries:
    """Read a tilt series from a stack of images and a file (or array) of angles.

    Parameters
    ----------
    images : path
        Any file that `read_images` knows.
    angles : path or array
        A file that `read_angles` knows, or (T,) or (T, 3) angles [degrees].
    pixel_size : float, optional
        Edge of a pixel [Å]; needed where the file does not state it, and stronger than what it states.
    array : str, optional
        Name of the images in an HDF5 or MATLAB file that holds several stacks.
    tilts : int, optional
        Number of images that is expected.

    Raises
    ------
    ValueError
        If counts differ, the pixel size is unknown or beyond 0.05 to 100 Å, values are not finite, or an image is
        constant.

    Warns
    -----
    PixelSizeWarning
        If the file states a pixel size that differs from `pixel_size` by more than 2 %.
    AngleUnitWarning
        If the angles look like radians.
    """
    stack, stated = read_images(images, array)
    name = Path(images).name
    size = _pixel_size(name, pixel_size, stated)
    if tilts is not None and len(stack) != tilts:
        held = counted(len(stack), "image")
        msg = f"{name} holds {held} but the sample states tilts = {tilts}; correct the one or the other"
        raise ValueError(msg)
    given = read_angles(angles) if isinstance(angles, str | Path) else check_angles(angles)
    warn_of_radians(given, stacklevel=3)
    try:
        series = TiltSeries(stack, given, size)
    except ValueError as error:
        msg = f"{name}: {error}"
        raise ValueError(msg) from None
    constant = np.flatnonzero([image.min() == image.max() for image in series.images])
    if constant.size:
        msg = (
            f"{name} is constant in {constant.size} of {counted(len(stack), 'image')}, the first at index "
            f"{constant[0]}; "
            "leave these images and their angles out"
        )
        raise ValueError(msg)
    return series


def _pixel_size(name: str, given: float | None, stated: float | None) -> float:
    low, high = PIXEL_SIZES
    if given is not None:
        if not low <= given <= high:
            msg = f"pixel_size={given:g} Å; expected {low:g} to {high:g} Å: is it in Å?"
            raise ValueError(msg)
        if stated and not abs(given / stated - 1) <= 0.02:
            warnings.warn(
                f"{name} states pixels of {stated:.4g} Å but pixel_size={given:.4g} Å came with it and is used; is it "
                "in Å?",
                PixelSizeWarning,
                stacklevel=3,
            )
        return given
    if stated is None:
        msg = (
            f"{name} does not state its pixel size, or 1 Å as files do that know none, or pixels that are not square; "
            "state pixel_size in Å"
        )
        raise ValueError(msg)
    if not low <= stated <= high:
        msg = f"{name} states pixels of {stated:.4g} Å; expected {low:g} to {high:g} Å: state pixel_size in Å"
        raise ValueError(msg)
    return stated
