"""Projection of a volume along the beam and its exact adjoint, for any orientation."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_numbers
from ..geometry.rotations import check_euler
from ._layout import _check_shape, _check_shifts, _detector_lines, _pad
from ._passes import back_project_into, project_into, workspace
from .cost import check_volume


def project(
    volume: ArrayLike, angles: ArrayLike, shape: tuple[int, int] | None = None, *, shifts: ArrayLike | None = None
) -> NDArray[np.float32]:
    """Sum a volume along the beam for every tilt.

    Parameters
    ----------
    volume : (X, Y, Z) array
        The object; y is the tilt axis and z the beam at zero tilt.
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ about z, y and x [degrees].
    shape : (int, int), optional
        Pixels of an image along x and y; that of the volume by default.
    shifts : (T, 2) array, optional
        Displacement of the object on the detector [px].

    Returns
    -------
    (T, x, y) array
        Images as float32, in the volume's unit × voxels.

    Raises
    ------
    ValueError
        If the volume is not (X, Y, Z), or angles, shape or shifts do not fit.

    Notes
    -----
    The centre of voxel r falls at the first two components of Rᵀ r, counted from the pixel n // 2, and its
    value is shared by the four pixels around that point with bilinear weights. What falls beyond the
    outermost pixels is lost. `back_project` is the exact adjoint. No array larger than the volume and the
    images is made.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.tomography import project
    >>> volume = np.zeros((5, 4, 5))
    >>> volume[2, 1, 3] = 2.0
    >>> project(volume, [0.0, 90.0])[:, :, 1].round(3).tolist()
    [[0.0, 0.0, 2.0, 0.0, 0.0], [0.0, 2.0, 0.0, 0.0, 0.0]]
    """
    array = _check_volume(volume)
    euler = check_euler(angles)
    image_shape = _check_shape("shape", array.shape[:2] if shape is None else shape, 2)
    lines = _detector_lines(euler, array.shape, image_shape, _check_shifts(shifts, len(euler)))
    room = workspace(array.size, len(euler), image_shape[0] + 2)
    check_volume(8 * len(euler) * math.prod(n + 2 for n in image_shape) + room, array.shape, len(euler))
    images = np.empty((len(euler), *image_shape), np.float32)
    bordered = np.empty((len(euler), image_shape[0] + 2, image_shape[1] + 2), np.float32)
    if not project_into(array, lines, bordered, turned=False, inside=images):
        _check_volume(array, finite=True)
    return images


def back_project(
    images: ArrayLike, angles: ArrayLike, shape: tuple[int, int, int], *, shifts: ArrayLike | None = None
) -> NDArray[np.float32]:
    """Smear every image back along the beam and add them up.

    Parameters
    ----------
    images : (T, x, y) array
        One image per tilt.
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ about z, y and x [degrees].
    shape : (int, int, int)
        Voxels of the volume along x, y and z.
    shifts : (T, 2) array, optional
        Displacement of the object on the detector [px].

    Returns
    -------
    (X, Y, Z) array
        Each voxel is the sum over tilts of the image at the place where the voxel's centre falls,
        interpolated bilinearly and zero outside; float32.

    Raises
    ------
    ValueError
        If there is not one image an angle, or shape or shifts do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.tomography import back_project
    >>> float(back_project(np.ones((2, 5, 4)), [0.0, 90.0], (5, 4, 5))[2, 2, 2])
    2.0
    """
    stack = check_numbers(images, name="images", dtype=np.float32, expected="images (T, x, y)")
    euler = check_euler(angles)
    if stack.ndim != 3 or len(stack) != len(euler) or stack.size == 0:
        msg = f"images has shape {stack.shape}; expected ({len(euler)}, x, y), one image per angle"
        raise ValueError(msg)
    volume_shape = _check_shape("shape", shape, 3)
    lines = _detector_lines(euler, volume_shape, stack.shape[1:], _check_shifts(shifts, len(euler)))
    voxels = math.prod(volume_shape)
    needed = 4 * voxels + 4 * stack.size + workspace(voxels, len(euler), stack.shape[1] + 2)
    check_volume(needed, volume_shape, len(euler))
    volume = np.empty(volume_shape, np.float32)
    back_project_into(_pad(stack), lines, volume)
    return volume


def _check_volume(volume: ArrayLike, *, finite: bool = False) -> NDArray[np.float32]:
    given = getattr(volume, "array", volume)
    array = check_numbers(given, name="volume", dtype=np.float32, finite=finite, expected="voxels (x, y, z)")
    if array.ndim != 3 or array.size == 0:
        msg = f"volume has shape {array.shape}; expected (x, y, z)"
        raise ValueError(msg)
    return array
