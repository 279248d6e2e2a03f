"""What a tilt leaves alone: the centre of mass across the axis, the common line along it, and the free origin."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import check_angles
from .registration import check_images


def centre_of_mass(images: ArrayLike) -> NDArray[np.float64]:
    """Return the centre of mass of images, from the centre n // 2.

    Parameters
    ----------
    images : (T, X, Y) array
        Images without background.

    Returns
    -------
    (T, 2) array
        Along x and y [px].

    Raises
    ------
    ValueError
        If an image sums to zero or less, so that it has no centre of mass.
    """
    stack = check_images(images, ndim=(3,)).astype(np.float64)
    mass = stack.sum(axis=(1, 2))
    empty = np.flatnonzero(mass <= 0)
    if empty.size:
        raise ValueError(
            f"image {empty[0]} sums to {mass[empty[0]]:.3g}, so it has no centre of mass; "
            "was too much background subtracted?"
        )
    x, y = (np.arange(n) - n // 2 for n in stack.shape[1:])
    return np.stack([stack.sum(axis=2) @ x, stack.sum(axis=1) @ y], axis=1) / mass[:, None]


def common_line(images: ArrayLike, start: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return displacements along the tilt axis y that bring the images' sums over x into register.

    Parameters
    ----------
    images : (T, X, Y) array
        Images without background.
    start : (T,) array, optional
        Displacements to start from [px].

    Returns
    -------
    (T,) array
        Displacements along y [px], with a mean of that of `start`, or of zero.
    """
    profiles = check_images(images, ndim=(3,)).sum(axis=1, dtype=np.float64)
    profiles /= np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), 1e-30)
    size = profiles.shape[1]
    spectra = np.fft.rfft(profiles, 2 * size, axis=1)  # padded with the zero that surrounds the sample
    spectra[:, 0] = 0
    k = np.fft.rfftfreq(2 * size)
    begin = np.zeros(len(profiles)) if start is None else np.asarray(start, dtype=float)
    shifts = begin.copy()
    for _ in range(20):
        aligned = spectra * np.exp(2j * np.pi * k * shifts[:, None])
        total = aligned.sum(axis=0)
        others = total - aligned  # an image is not compared with itself
        step = np.array([_line_peak(np.conj(o) * a, 2 * size) for o, a in zip(others, aligned, strict=True)])
        step -= step.mean()
        shifts = shifts + step
        if np.abs(step).max() < 1e-3:
            break
    return shifts - shifts.mean() + begin.mean()


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

    Examples
    --------
    >>> moved = [[1.0, 2.0], [0.5, 2.0], [-0.5, 2.0]]  # one point at x = 1, y = 2
    >>> bool(np.allclose(origin_shifts(moved, [0.0, 60.0, 120.0]), moved))
    True
    """
    found = np.asarray(shifts, dtype=float)
    euler = check_angles(angles)
    if euler.ndim == 1:
        euler = np.stack([np.zeros_like(euler), euler, np.zeros_like(euler)], axis=1)
    if found.shape != (len(euler), 2):
        raise ValueError(f"shifts has shape {found.shape}; expected ({len(euler)}, 2), one row an angle")
    rows = _detector_axes(euler)
    best = np.linalg.lstsq(rows.reshape(-1, 3), found.ravel(), rcond=None)[0]
    return rows @ best


def _line_peak(cross: NDArray, size: int) -> float:
    """Return the displacement at which a cross-spectrum of two lines is most in phase [px]."""
    correlation = np.fft.irfft(cross, size)
    peak = float((int(correlation.argmax()) + size // 2) % size - size // 2)
    wave = 2j * np.pi * np.fft.rfftfreq(size)
    shift = peak
    for _ in range(20):
        phased = cross * np.exp(wave * shift)
        slope, bend = (wave * phased).real.sum(), (wave**2 * phased).real.sum()
        if bend >= 0:
            return peak
        step = float(np.clip(-slope / bend, -0.5, 0.5))
        shift += step
        if abs(step) < 1e-5:
            break
    return shift if abs(shift - peak) < 1.5 else peak


def _detector_axes(euler: NDArray) -> NDArray[np.float64]:
    """Return the first two rows of Rᵀ for each tilt, (T, 2, 3), with R = Rz(φ) Ry(θ) Rx(ψ)."""
    phi, theta, psi = np.deg2rad(euler).T
    cp, sp, ct, st, cs, ss = np.cos(phi), np.sin(phi), np.cos(theta), np.sin(theta), np.cos(psi), np.sin(psi)
    first = np.stack([cp * ct, sp * ct, -st], axis=1)
    second = np.stack([cp * st * ss - sp * cs, sp * st * ss + cp * cs, ct * ss], axis=1)
    return np.stack([first, second], axis=1)
