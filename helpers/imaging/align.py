"""Alignment of a tilt series to a common axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from ..arrays import TiltSeries
from .registration import check_contrast, check_images, find_shift, frequencies, move
from .reprojection import _merge, reproject

Marker = tuple[float, float, float]
_SINGLE_AXIS = 5.0  # largest φ and ψ that count as a tilt about y [degrees]


class Alignment(NamedTuple):
    """Aligned series and what it took.

    Attributes
    ----------
    series : TiltSeries
        The images, moved by minus the shifts.
    shifts : (T, 2) array
        Displacement of the sample in every image as it came, along x and y [px].
    """

    series: TiltSeries
    shifts: NDArray[np.float64]


def align(
    tilt_series: TiltSeries,
    *,
    film: bool = False,
    marker: Marker | None = None,
    rounds: int | None = None,
    project: Callable[[TiltSeries], ArrayLike] | None = None,
    reference: ArrayLike | None = None,
    tolerance: float = 0.05,
    iterations: int = 20,
) -> Alignment:
    """Align a tilt series, so that the tilt axis y and the beam cross at the images' centre.

    A particle is centred by its centre of mass across the tilt axis and by the common line along it, the
    sum of an image over x, which no tilt changes. A film is first aligned by cross-correlation of
    neighbouring tilts, and then by its marker in the same two ways. Then the images are moved onto the
    projections of the object that agrees best with all of them, until they stay where they are.

    Parameters
    ----------
    tilt_series : TiltSeries
        Images without background, and their angles.
    film : bool
        Whether the sample goes on beyond the field of view, so that its centre of mass means nothing.
    marker : (float, float, float), optional
        For films: a feature that stands alone at every tilt. Its x and y in the image of least tilt, and
        the half-width of a square around it [px].
    rounds : int, optional
        Most rounds of reprojection; 0 stops after centre of mass and common line, as published. Default:
        10, and 0 for films and for series that are not tilted about one axis.
    project : callable, optional
        Takes the series as aligned so far and returns projections (T, X, Y) of a reconstruction at its
        angles. By default a coarse reconstruction slice by slice.
    reference : (T, X, Y) array, optional
        Images computed from a model, to move the series onto instead of all this.
    tolerance : float
        Largest further movement at which the series counts as aligned [px].
    iterations : int
        Most repetitions of the two steps on a film's marker.

    Returns
    -------
    Alignment
        ``(series, shifts)``.

    Raises
    ------
    ValueError
        If an image is constant or empty, the marker lies outside, or shapes differ.

    Notes
    -----
    Shifts are found for the images as they came and applied once, at the end of each round, so that no
    image is resampled twice. Three numbers cannot be found from images: where the object's origin is. It
    is put where the centres of mass agree best with one point in space, and a film's at its marker's height.

    References
    ----------
    M. C. Scott et al., Nature 483, 444 (2012), doi:10.1038/nature10934 (centre of mass, common line).

    Examples
    --------
    >>> from helpers.simulation import acquire
    >>> rng = np.random.default_rng(0)
    >>> raw = acquire(rng.uniform(-8, 8, (60, 3)), np.linspace(-60, 60, 9), angle_error=0.0, seed=1)
    >>> clean = move(raw.truth.images, raw.truth.shifts)
    >>> found = align(TiltSeries(clean, raw.angles, raw.pixel_size)).shifts
    >>> bool(np.ptp(found - raw.truth.shifts) < 3)
    True
    """
    images = check_images(tilt_series.images, ndim=(3,))
    check_contrast(images)
    if tolerance <= 0 or iterations < 1 or (rounds is not None and rounds < 0):
        raise ValueError(
            f"tolerance={tolerance!r}, iterations={iterations!r}, rounds={rounds!r}; "
            "expected a positive tolerance, at least one iteration, and rounds of zero or more"
        )
    if marker is not None and not film:
        raise ValueError("a marker came for a sample that is no film; pass film=True, or leave the marker out")
    euler = np.asarray(tilt_series.euler, dtype=float)
    single_axis = float(np.abs(euler[:, [0, 2]]).max()) <= _SINGLE_AXIS
    if rounds is None:
        rounds = 10 if project is not None or (single_axis and not film) else 0
    if rounds and project is None and not single_axis:
        raise ValueError(
            f"φ and ψ reach {np.abs(euler[:, [0, 2]]).max():.1f} degrees, so these are no tilts about one axis; "
            "pass project= with a reconstruction that can take them, or rounds=0"
        )
    if reference is not None:
        return _finish(tilt_series, images, _onto(images, check_images(reference, name="reference", ndim=(3,))))
    shifts = _align_film(images, euler, marker, tolerance, iterations) if film else _align_particle(images)
    for _ in range(rounds):
        aligned = move(images, -shifts)
        if project is not None:
            model = check_images(project(replace(tilt_series, images=aligned)), name="projections", ndim=(3,))
            step = _onto(aligned, model)
        else:
            step = _reprojected(aligned, euler[:, 1])
        moved = shifts + step
        if not film:
            moved = moved + _origin(centre_of_mass(images) - moved, euler)
        change = np.abs(moved - shifts).max()
        shifts = moved
        if change < tolerance:
            break
    return _finish(tilt_series, images, shifts)


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


def _align_particle(images: NDArray) -> NDArray[np.float64]:
    shifts = centre_of_mass(images)
    shifts[:, 1] = common_line(images, shifts[:, 1])
    return shifts


def _origin(offset: NDArray, euler: NDArray) -> NDArray[np.float64]:
    """Return the displacement of every image that one displacement of the object explains best."""
    rows = _detector_axes(euler)
    best = np.linalg.lstsq(rows.reshape(-1, 3), offset.ravel(), rcond=None)[0]
    return rows @ best


def _detector_axes(euler: NDArray) -> NDArray[np.float64]:
    """Return the first two rows of Rᵀ for each tilt, (T, 2, 3), with R = Rz(φ) Ry(θ) Rx(ψ)."""
    phi, theta, psi = np.deg2rad(euler).T
    cp, sp, ct, st, cs, ss = np.cos(phi), np.sin(phi), np.cos(theta), np.sin(theta), np.cos(psi), np.sin(psi)
    first = np.stack([cp * ct, sp * ct, -st], axis=1)
    second = np.stack([cp * st * ss - sp * cs, sp * st * ss + cp * cs, ct * ss], axis=1)
    return np.stack([first, second], axis=1)


def _onto(images: NDArray, model: NDArray) -> NDArray[np.float64]:
    if model.shape != images.shape:
        raise ValueError(f"the images to align with have shape {model.shape}; expected {images.shape}")
    return np.stack([find_shift(m, i) for m, i in zip(model, images, strict=True)])


def _reprojected(images: NDArray, theta: NDArray) -> NDArray[np.float64]:
    coarse = 2 if min(images.shape[1:]) >= 48 else 1
    model = reproject(images, theta, radius=_radius(images), coarse=coarse)
    return coarse * _onto(_merge(images, coarse), model)


def _radius(images: NDArray) -> float:
    """Return how far from the axis the sample reaches in any image [px]."""
    profile = np.abs(images).sum(axis=2)
    beyond = profile > 0.02 * profile.max(axis=1, keepdims=True)
    x = np.abs(np.arange(images.shape[1]) - images.shape[1] // 2)
    return float(min((beyond * x).max() + 2, images.shape[1] // 2))


def _align_film(
    images: NDArray, euler: NDArray, marker: Marker | None, tolerance: float, iterations: int
) -> NDArray[np.float64]:
    cosine = np.cos(np.deg2rad(euler[:, 1]))
    middle = int(np.argmin(np.abs(euler[:, 1])))
    shifts = _neighbours(images, cosine, middle)
    if marker is None:
        shifts[:, 1] = common_line(images, shifts[:, 1])
        return shifts - shifts[middle]
    x, y, half = (float(value) for value in marker)
    nx, ny = images.shape[1:]
    if not (half >= 2 and half <= x <= nx - 1 - half and half <= y <= ny - 1 - half):
        raise ValueError(f"marker={marker!r} does not lie with its square inside {nx}×{ny} px")
    target = nx // 2 + (x - nx // 2) * cosine / cosine[middle]  # the marker's height is that of the axis
    for _ in range(iterations):
        before = shifts.copy()
        boxes = np.stack([_box(i, s, t, y, half) for i, s, t in zip(images, shifts, target, strict=True)])
        shifts[:, 0] += _mass_in_box(boxes)
        shifts[:, 1] = common_line(boxes) + shifts[:, 1]
        shifts[:, 1] -= shifts[middle, 1]
        if np.abs(shifts - before).max() < tolerance:
            break
    return shifts


def _neighbours(images: NDArray, cosine: NDArray, middle: int) -> NDArray[np.float64]:
    """Return displacements from cross-correlation of neighbouring tilts, each stretched to the other's tilt."""
    shifts = np.zeros((len(images), 2))
    centre = images.shape[1] // 2
    kx, ky = frequencies(images.shape[1:])
    weight = np.exp(-((np.hypot(kx[:, None], ky) / 0.15) ** 2))  # what two tilts share is coarse
    order = [range(middle + 1, len(images)), range(middle - 1, -1, -1)]
    for indices, back in zip(order, (-1, 1), strict=True):
        for i in indices:
            last = i + back
            ratio = cosine[last] / cosine[i] if abs(cosine[i]) > 1e-3 else 1.0
            known = move(images[last][None], -shifts[last][None])[0]
            stretched = ndimage.affine_transform(
                known, [ratio, 1.0], offset=[centre * (1 - ratio), 0.0], order=1, mode="nearest"
            )
            shifts[i] = find_shift(stretched, images[i], weight=weight)
    return shifts


def _box(image: NDArray, shift: NDArray, x: float, y: float, half: float) -> NDArray[np.float64]:
    """Return the square around the marker, cut where it should be."""
    side = np.arange(-int(half), int(half) + 1)
    at = np.meshgrid(x + shift[0] + side, y + shift[1] + side, indexing="ij")
    return ndimage.map_coordinates(image.astype(np.float64), at, order=1, mode="nearest")


def _mass_in_box(boxes: NDArray) -> NDArray[np.float64]:
    """Return the centre of mass along x of what stands out in each square."""
    floor = np.quantile(boxes, 0.5, axis=(1, 2), keepdims=True)
    bright = np.clip(boxes - floor - 0.25 * (boxes.max(axis=(1, 2), keepdims=True) - floor), 0, None)
    return centre_of_mass(bright)[:, 0]


def _finish(tilt_series: TiltSeries, images: NDArray, shifts: NDArray) -> Alignment:
    return Alignment(replace(tilt_series, images=move(images, -shifts)), shifts)
