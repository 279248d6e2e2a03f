"""The two arrays that travel between stages: a tilt series and a volume."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import check_positive


class AngleUnitWarning(UserWarning):
    """Tilt angles look as if they came in radians."""


def check_angles(angles: ArrayLike) -> NDArray[np.float64]:
    """Return tilt angles as (T,) or (T, 3) float64 [degrees]; warn if they look like radians.

    Raises
    ------
    ValueError
        If the shape is neither (T,) nor (T, 3), or a value is not finite.
    """
    array = np.ascontiguousarray(angles, dtype=np.float64)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if not (array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 3)) or array.size == 0:
        hint = "; transpose it" if array.ndim == 2 and array.shape[0] == 3 else ""
        raise ValueError(f"angles has shape {array.shape}; expected (T,) or (T, 3){hint}")
    if not np.isfinite(array).all():
        raise ValueError("angles holds values that are not finite; expected degrees")
    if len(array) > 5 and 0.5 < np.abs(array).max() <= np.pi:
        warnings.warn(
            f"the largest angle is {np.abs(array).max():.3g} degrees; if these are radians, pass numpy.rad2deg(angles)",
            AngleUnitWarning,
            stacklevel=3,
        )
    return array


@dataclass(frozen=True)
class TiltSeries:
    """Images of one object, each with the orientation that it was taken at.

    Parameters
    ----------
    images : (T, X, Y) array
        One image per tilt; y is the tilt axis. Kept as float32.
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ about z, y and x [degrees].
    pixel_size : float
        Edge of a pixel [Å].

    Raises
    ------
    ValueError
        If the counts differ, the images are not a stack, or a value is not finite.
    """

    images: NDArray[np.float32]
    angles: NDArray[np.float64]
    pixel_size: float

    def __post_init__(self) -> None:
        images = np.ascontiguousarray(self.images, dtype=np.float32)
        if images.ndim != 3 or images.size == 0:
            raise ValueError(f"images has shape {images.shape}; expected (tilts, x, y)")
        angles = check_angles(self.angles)
        if len(images) != len(angles):
            counts = f"{len(images)} images but {len(angles)} angles"
            hint = "; the tilts lie along the last axis: pass numpy.moveaxis(images, -1, 0)"
            raise ValueError(counts + (hint if images.shape[-1] == len(angles) else "; one angle per image is needed"))
        bad = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2)))
        if bad.size:
            raise ValueError(
                f"{bad.size} of {len(images)} images hold NaN or infinity, the first at index {bad[0]}; "
                "remove or repair them"
            )
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "angles", angles)
        object.__setattr__(self, "pixel_size", check_positive("pixel_size", self.pixel_size))

    def __len__(self) -> int:
        return len(self.images)

    @property
    def euler(self) -> NDArray[np.float64]:
        """(T, 3) Euler angles φ, θ, ψ [degrees]; φ = ψ = 0 for a pure tilt."""
        if self.angles.ndim == 2:
            return self.angles
        zero = np.zeros_like(self.angles)
        return np.stack([zero, self.angles, zero], axis=1)


@dataclass(frozen=True)
class Volume:
    """A 3D map on a cubic grid, with its centre at index n // 2 of each axis.

    Parameters
    ----------
    array : (X, Y, Z) array
        Values; y is the tilt axis and z the beam at zero tilt.
    voxel_size : float
        Edge of a voxel [Å].
    """

    array: NDArray
    voxel_size: float

    def __post_init__(self) -> None:
        array = np.asarray(self.array)
        if array.ndim != 3 or array.size == 0:
            raise ValueError(f"array has shape {array.shape}; expected (x, y, z)")
        if not np.isfinite(array).all():
            raise ValueError("array holds NaN or infinity; expected finite values")
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "voxel_size", check_positive("voxel_size", self.voxel_size))

    @property
    def centre(self) -> NDArray[np.int64]:
        """(3,) index of the voxel at the origin."""
        return np.array(self.array.shape) // 2
