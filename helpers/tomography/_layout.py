"""How volumes and images lie in memory, and where a voxel meets the detector."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import Volume
from ..checks import check_count, check_numbers
from ..geometry.rotations import _matrices, check_euler, rotation_matrices


def extended_shape(image_shape: tuple[int, int], angles: ArrayLike, thickness: int) -> tuple[int, int, int]:
    """Size of the object that every ray of every tilt crosses within a thickness.

    A film is larger than the field of view: at high tilt the beam through a pixel enters and leaves it far
    beyond the edges of the field at zero tilt. The grid is widened until no ray is cut.

    Parameters
    ----------
    image_shape : (int, int)
        Pixels of an image along x and y.
    angles : (T,) or (T, 3) array
        Tilt angles [degrees].
    thickness : int
        Voxels along z, thick enough to hold the film.

    Returns
    -------
    (int, int, int)
        Voxels along x, y and z.

    Raises
    ------
    ValueError
        If a tilt looks along the film, so that its rays never leave it.

    Notes
    -----
    A ray with detector coordinates u, v meets height z at the (x, y) that solve the first two rows of
    Rᵀ (x, y, z) = (u, v, ·); the corners of the detector at ±(thickness // 2) bound all of them.

    Examples
    --------
    >>> from helpers.tomography import extended_shape
    >>> extended_shape((61, 61), [-60.0, 0.0, 60.0], 61)
    (225, 61, 61)
    """
    matrices = rotation_matrices(angles)
    thickness = check_count("thickness", thickness)
    x, y = _check_shape("image_shape", image_shape, 2)
    image_shape = (x, y)
    corners = np.array([(u, v) for u in _ends(image_shape[0]) for v in _ends(image_shape[1])], dtype=float)
    reach = np.zeros(2)
    for t, matrix in enumerate(matrices):
        plane = matrix[:2, :2].T
        if abs(np.linalg.det(plane)) < np.cos(np.deg2rad(85.0)):
            theta = check_euler(angles)[t]
            msg = (
                f"tilt {t} (φ, θ, ψ = {theta.round(1).tolist()}°) looks along the film within 5°; "
                "leave it out or reconstruct with extended=False"
            )
            raise ValueError(msg)
        for z in _ends(thickness):
            found = np.linalg.solve(plane, (corners - matrix[2, :2] * z).T)
            reach = np.maximum(reach, np.abs(found).max(axis=1))
    half = np.ceil(reach - 1e-6).astype(int)
    nx, ny = (max(int(2 * h + 1), int(n)) for h, n in zip(half, image_shape, strict=True))
    return nx, ny, int(thickness)


def _ends(length: int) -> tuple[int, int]:
    """Offset of the first and the last index from the centre n // 2."""
    return -(length // 2), length - 1 - length // 2


def _detector_lines(
    euler: NDArray[np.float64],
    volume_shape: tuple[int, int, int],
    image_shape: tuple[int, int],
    shifts: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """(T, 8) coefficients of the detector coordinates of voxel (i, j, k), in pixels of the padded image.

    u = c0 i + c1 j + c2 k + c3 and v = c4 i + c5 j + c6 k + c7; the image has a border of one pixel.
    """
    matrices = _matrices(euler)
    voxel_centre = np.array([n // 2 for n in volume_shape], dtype=float)
    pixel_centre = np.array([n // 2 for n in image_shape], dtype=float) + 1.0
    offset = np.zeros((len(matrices), 2)) if shifts is None else np.asarray(shifts, dtype=float)
    lines = np.empty((len(matrices), 8))
    for axis in (0, 1):
        rows = matrices[:, :, axis]
        lines[:, 4 * axis : 4 * axis + 3] = rows
        lines[:, 4 * axis + 3] = pixel_centre[axis] + offset[:, axis] - rows @ voxel_centre
    # A step along y of exactly one pixel is the common case that the kernels treat best.
    return np.where(np.abs(lines - np.round(lines)) < 1e-12, np.round(lines), lines)


def _object_shape(
    image_shape: tuple[int, int],
    angles: NDArray[Any],
    extended: bool,
    thickness: int | None,
    shape: tuple[int, int, int] | None,
    start: Volume | None,
) -> tuple[int, int, int]:
    depth = image_shape[0] if thickness is None else check_count("thickness", thickness)
    if shape is not None:
        if extended or thickness is not None:
            msg = "got shape= as well as extended= or thickness=; give one of the two"
            raise ValueError(msg)
        found = _check_shape("shape", shape, 3)
    elif start is not None and not extended and thickness is None:
        found = start.array.shape
    else:
        found = extended_shape(image_shape, angles, depth) if extended else (*image_shape, depth)
    if start is not None and start.array.shape != tuple(found):
        msg = f"start has shape {start.array.shape}; expected {tuple(found)}"
        raise ValueError(msg)
    nx, ny, nz = found
    return nx, ny, nz


def _pad(images: NDArray[Any]) -> NDArray[np.float32]:
    """Add the border of zeros that the kernels rely on."""
    padded = np.zeros((len(images), images.shape[1] + 2, images.shape[2] + 2), np.float32)
    padded[:, 1:-1, 1:-1] = images
    return padded


def _check_shape(name: str, shape: Any, rank: int) -> Any:
    sizes = np.atleast_1d(check_numbers(shape, name=name, finite=False, expected=f"{rank} positive whole numbers"))
    if sizes.shape != (rank,) or not ((sizes >= 1) & (sizes < 2**53) & (sizes == np.floor(sizes))).all():
        shown = f"({', '.join(f'{n:.12g}' for n in sizes.flat)})" if sizes.size < 9 else f"an array of {sizes.shape}"
        msg = f"{name}={shown}; expected {rank} positive whole numbers"
        raise ValueError(msg)
    return tuple(int(n) for n in sizes)


def _check_shifts(shifts: ArrayLike | None, tilts: int) -> NDArray[np.float64] | None:
    if shifts is None:
        return None
    array = check_numbers(shifts, name="shifts", finite=False, expected="displacements (T, 2) [px]")
    if array.shape != (tilts, 2) or not np.isfinite(array).all():
        msg = f"shifts has shape {array.shape}; expected ({tilts}, 2) finite numbers [px]"
        raise ValueError(msg)
    return array
