"""Rotations of a tilted object: Euler angles, matrices, rotation vectors and what a detector sees.

R = Rz(φ) Ry(θ) Rx(ψ) turns the object; the detector sees x and y of Rᵀ r.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_numbers, check_positions

_GIMBAL = 1e-7  # cos θ below which φ and ψ turn about the same axis, as far as doubles tell


MANY_ANGLES = 5  # so many need no further sign to be no tilt series of degrees within a turn of radians
_TURN = 2 * np.pi
_LIMIT = 360.0  # no stage turns farther, and no Euler angle needs to [degrees]


class AngleUnitWarning(UserWarning):
    """Tilt angles look as if they came in radians."""


def check_angles(angles: ArrayLike) -> NDArray[np.float64]:
    """Return tilt angles as (T,) or (T, 3) float64 [degrees]; warn if they look like radians.

    Raises
    ------
    ValueError
        If the shape is neither (T,) nor (T, 3), or a value is not finite or beyond ±360°.
    """
    array = check_numbers(angles, name="angles", expected="degrees")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if not (array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 3)) or array.size == 0:
        hint = "; transpose it" if array.ndim == 2 and array.shape[0] == 3 else ""
        msg = f"angles has shape {array.shape}; expected (T,) or (T, 3){hint}"
        raise ValueError(msg)
    beyond = np.flatnonzero((np.abs(array) > _LIMIT).reshape(len(array), -1).any(axis=1))
    if beyond.size:
        worst = array[beyond[0]].flat[np.abs(array[beyond[0]]).argmax()]
        msg = f"angles holds {worst:.4g}° at index {beyond[0]}; expected −360° to 360°"
        raise ValueError(msg)
    few = np.abs(array).max() <= np.pi
    if len(array) > MANY_ANGLES and (np.abs(array).max() > 0.5 if few else seem_radians(array)):
        warn_radians(array, stacklevel=4)
    return array


def seem_radians(angles: NDArray[np.float64]) -> bool:
    """Whether angles in degrees all fit into one turn of radians and, as degrees, are not set to tenths.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.geometry.rotations import seem_radians
    >>> seem_radians(np.deg2rad([0.0, 120.0, 350.0])), seem_radians(np.array([0.0, 2.0, 6.0]))
    (True, False)
    """
    tenths = np.abs(10 * angles - np.round(10 * angles)).max() < 1e-6
    return bool(0.5 < np.abs(angles).max() <= _TURN and np.ptp(angles) <= _TURN and not tenths)


def warn_radians(angles: NDArray[np.float64], *, stacklevel: int) -> None:
    """Warn that angles look as if they came in radians."""
    warnings.warn(
        f"the largest angle is {np.abs(angles).max():.3g} degrees; if these are radians, pass numpy.rad2deg(angles)",
        AngleUnitWarning,
        stacklevel=stacklevel,
    )


def check_euler(angles: ArrayLike) -> NDArray[np.float64]:
    """Return angles as (T, 3) Euler angles φ, θ, ψ [degrees]; (T,) angles are pure tilts θ.

    Raises
    ------
    ValueError
        If the shape is neither (T,) nor (T, 3), or a value is not finite.

    Examples
    --------
    >>> from helpers.geometry import check_euler
    >>> check_euler([-30.0, 45.0]).tolist()
    [[0.0, -30.0, 0.0], [0.0, 45.0, 0.0]]
    """
    return _as_euler(check_angles(angles))


def rotation_matrices(angles: ArrayLike) -> NDArray[np.float64]:
    """Turn tilt angles into rotation matrices R = Rz(φ) Ry(θ) Rx(ψ).

    Parameters
    ----------
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ about z, y and x [degrees].

    Returns
    -------
    (T, 3, 3) array
        Detector coordinates are ``matrix.T @ object coordinates``.

    Raises
    ------
    ValueError
        If the shape is neither (T,) nor (T, 3), or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.geometry import rotation_matrices
    >>> np.allclose(rotation_matrices([90.0])[0] @ [0, 0, 1], [1, 0, 0])
    True
    """
    return _matrices(check_euler(angles))


def euler_angles(matrices: ArrayLike) -> NDArray[np.float64]:
    """Turn rotation matrices into Euler angles φ, θ, ψ, with θ from −90° to 90°.

    Parameters
    ----------
    matrices : (T, 3, 3) array
        Rotation matrices R = Rz(φ) Ry(θ) Rx(ψ).

    Returns
    -------
    (T, 3) array
        φ, θ, ψ [degrees]. At θ = ±90° only φ ∓ ψ is defined; ψ is then 0.

    Raises
    ------
    ValueError
        If the shape is not (T, 3, 3), or a matrix is no rotation.

    Examples
    --------
    >>> from helpers.geometry import euler_angles, rotation_matrices
    >>> euler_angles(rotation_matrices([[0.2, -63.0, 0.4]])).round(6).tolist()
    [[0.2, -63.0, 0.4]]
    """
    m = check_numbers(matrices, name="matrices", finite=False, expected="rotation matrices (T, 3, 3)")
    if m.ndim != 3 or m.shape[1:] != (3, 3):
        msg = f"matrices has shape {m.shape}; expected (T, 3, 3)"
        raise ValueError(msg)
    unit = np.abs(m.swapaxes(1, 2) @ m - np.eye(3)).max(axis=(1, 2))
    handed = np.abs(np.cross(m[:, :, 0], m[:, :, 1]) - m[:, :, 2]).max(axis=1)
    wrong = np.flatnonzero(~(np.maximum(unit, handed) < 1e-6))
    if wrong.size:
        msg = f"matrix {wrong[0]} is no rotation; expected orthonormal columns and determinant 1"
        raise ValueError(msg)
    level = np.hypot(m[:, 0, 0], m[:, 1, 0])  # cos θ
    flat = level < _GIMBAL
    phi = np.where(flat, np.arctan2(-m[:, 0, 1], m[:, 1, 1]), np.arctan2(m[:, 1, 0], m[:, 0, 0]))
    psi = np.where(flat, 0.0, np.arctan2(m[:, 2, 1], m[:, 2, 2]))
    return np.rad2deg(np.stack([phi, np.arctan2(-m[:, 2, 0], level), psi], axis=1))


def detector_coordinates(positions: ArrayLike, angles: ArrayLike, *, depth: bool = False) -> NDArray[np.float64]:
    """Where a detector sees points of a tilted object: x and y of Rᵀ r.

    Parameters
    ----------
    positions : (N, 3) array
        Points of the object, from the origin that it turns about [Å].
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ about z, y and x [degrees].
    depth : bool
        Return the coordinate along the beam as well.

    Returns
    -------
    (T, N, 2) array, or (T, N, 3) with `depth`
        Coordinates on the detector, and along the beam [Å].

    Raises
    ------
    ValueError
        If positions are not (N, 3), angles not (T,) or (T, 3), or a value is not finite.

    Examples
    --------
    >>> from helpers.geometry import detector_coordinates
    >>> detector_coordinates([[0, 2, 1]], [0.0, -90.0]).round(6).tolist()
    [[[0.0, 2.0]], [[1.0, 2.0]]]
    """
    return _see(check_positions(positions), check_euler(angles), depth=depth)


def origin_shifts(shifts: ArrayLike, angles: ArrayLike) -> NDArray[np.float64]:
    """Return the part of shifts that one displacement of the object in space explains best.

    No image tells where the object's origin is, so shifts that differ by this part are equally right: take
    it off before comparing found with true shifts.

    Parameters
    ----------
    shifts : (T, 2) array
        Displacements along x and y [px].
    angles : (T,) or (T, 3) array
        Tilt angles θ, or Euler angles φ, θ, ψ [degrees].

    Returns
    -------
    (T, 2) array
        ``(Rᵀ r)`` along x and y for the displacement r of least squares [px].

    Raises
    ------
    ValueError
        If there is not one shift an angle.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.geometry import origin_shifts
    >>> moved = [[1.0, 2.0], [0.5, 2.0], [-0.5, 2.0]]  # one point at x = 1, y = 2
    >>> bool(np.allclose(origin_shifts(moved, [0.0, 60.0, 120.0]), moved))
    True
    """
    found = check_numbers(shifts, name="shifts", expected="displacements (T, 2) [px]")
    rows = rotation_matrices(angles).swapaxes(1, 2)[:, :2]
    if found.shape != (len(rows), 2):
        msg = f"shifts has shape {found.shape}; expected ({len(rows)}, 2), one row an angle"
        raise ValueError(msg)
    best = np.linalg.lstsq(rows.reshape(-1, 3), found.ravel(), rcond=None)[0]
    return rows @ best


def _as_euler(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pure tilts θ to (0, θ, 0), for angles that are checked already."""
    if angles.ndim == 2:
        return angles
    return np.stack([np.zeros_like(angles), angles, np.zeros_like(angles)], axis=1)


def _matrices(euler: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation matrices of (T, 3) Euler angles that are checked already."""
    phi, theta, psi = np.deg2rad(euler).T
    cp, sp, ct, st, cs, ss = np.cos(phi), np.sin(phi), np.cos(theta), np.sin(theta), np.cos(psi), np.sin(psi)
    x = np.stack([cp * ct, sp * ct, -st], axis=1)  # columns of R: the detector's axes in the object
    y = np.stack([cp * st * ss - sp * cs, sp * st * ss + cp * cs, ct * ss], axis=1)
    beam = np.stack([cp * st * cs + sp * ss, sp * st * cs - cp * ss, ct * cs], axis=1)
    return np.stack([x, y, beam], axis=2)


def _see(positions: NDArray[np.float64], euler: NDArray[np.float64], *, depth: bool = False) -> NDArray[np.float64]:
    """Detector coordinates of positions at angles that are both checked already."""
    axes = _matrices(euler).swapaxes(1, 2)
    return np.einsum("nk,tck->tnc", positions, axes if depth else axes[:, :2])


def _euler_axes(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 3, 3) axes, as columns, about which φ, θ and ψ turn the object."""
    phi, theta, _psi = np.deg2rad(angles).T
    zero, one = np.zeros_like(phi), np.ones_like(phi)
    about_z = np.stack([zero, zero, one], axis=1)
    about_y = np.stack([-np.sin(phi), np.cos(phi), zero], axis=1)
    about_x = np.stack([np.cos(theta) * np.cos(phi), np.cos(theta) * np.sin(phi), -np.sin(theta)], axis=1)
    return np.stack([about_z, about_y, about_x], axis=2)


def _nearest_euler(matrices: NDArray[np.float64], near: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of the Euler angles that mean the same rotation, return those nearest to others."""
    first = euler_angles(matrices)
    second = first * [1.0, -1.0, 1.0] + 180.0
    both = np.stack([first, second])
    both = near + (both - near + 180.0) % 360.0 - 180.0
    best = np.abs(both - near).sum(axis=2).argmin(axis=0)
    return both[best, np.arange(len(near))]


def _vector_matrices(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 3, 3) rotations about rotation vectors (T, 3) [rad], by Rodrigues' formula."""
    x, y, z = vectors.T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    return np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / (2 * np.pi)) ** 2 * (cross @ cross)


def _rotation_vectors(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, 3) rotation vectors of rotations, as long as their angle [rad]: the inverse of `_vector_matrices`."""
    skew = 0.5 * np.stack([matrices[:, k, j] - matrices[:, j, k] for j, k in ((1, 2), (2, 0), (0, 1))], axis=1)
    sine, cosine = np.linalg.norm(skew, axis=1), 0.5 * (np.trace(matrices, axis1=1, axis2=2) - 1.0)
    angle = np.arctan2(sine, cosine)
    # Beyond a quarter turn the axis stands more firmly in the symmetric part, n nᵀ (1 − cos) + I cos.
    square = 0.5 * (matrices + matrices.swapaxes(1, 2)) - cosine[:, None, None] * np.eye(3)
    rows = square[np.arange(len(square)), np.diagonal(square, axis1=1, axis2=2).argmax(axis=1)]
    rows = rows * np.where((rows * skew).sum(axis=1) < 0, -1.0, 1.0)[:, None]
    axis = np.where((cosine < 0)[:, None], rows, skew)
    length = np.linalg.norm(axis, axis=1)
    return axis * (angle / np.where(length > 0, length, 1.0))[:, None]


def _mean_rotation(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) rotation with the least sum of squared distances ‖R − Rₜ‖ from all of them."""
    left, _, right = np.linalg.svd(matrices.sum(axis=0))
    return left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
