"""Alignment of a tilt series to a common axis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import scipy  # its parts load when they are first used
from numpy.typing import ArrayLike, NDArray

from ..arrays import TiltSeries
from ..checks import check_count, check_number, check_numbers, check_positive
from ..geometry.rotations import origin_shifts
from ..series import check_images, check_tilts, warn_of_axis
from .invariants import line_shifts, mass_centres
from .outliers import clean_images
from .registration import edge_window, frequencies, move, shift_between
from .reprojection import _merge, reproject
from .verdicts import doubt_ground, doubt_shifts

Marker = tuple[float, float, float]
_SINGLE_AXIS = 5.0  # largest φ and ψ that count as a tilt about y [degrees]
_ROUNDS = 10  # of reprojection, at most
_COARSE_FROM = 48  # smaller images keep their pixels, for there would be too few [px]
_OUTLINE = 0.02  # of the largest sum over y: above it lies the sample
_MARGIN = 2.0  # what the slices reach beyond the outline [px]
_SHARED = 0.15  # what two neighbouring tilts show alike is coarser than this [1/px]
_LEAST_MARKER = 2  # half-width of the smallest square with a rim around something [px]


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

    Warns
    -----
    TiltAxisWarning
        If the tilt axis of a particle seems to lie along x.
    OutlierWarning
        If single pixels stood far out of the images; they are replaced.
    DoubtWarning
        If a background seems to be left under a particle, totals differ, or shifts reach half the field.

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
    Three points turn about y, and every image has moved along y by another amount:

    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.imaging import align
    >>> x, y = np.mgrid[-20:20, -20:20]
    >>> def image(theta, moved):
    ...     c, s = np.cos(np.deg2rad(theta)), np.sin(np.deg2rad(theta))
    ...     points = [(8, -9, 2), (-5, 3, 7), (-3, 6, -9)]
    ...     return sum(np.exp(-((x - c * a + s * z) ** 2 + (y - b - moved) ** 2) / 6) for a, b, z in points)
    >>> angles, moved = [-60, -30, 0, 30, 60], np.array([1.5, -0.5, 0.0, 0.8, -1.8])
    >>> found = align(TiltSeries(np.stack([image(*pair) for pair in zip(angles, moved)]), angles, 0.4)).shifts
    >>> (found[:, 1] - found[2, 1]).round(1)
    array([ 1.5, -0.5,  0. ,  0.8, -1.8])
    """
    images = clean_images(tilt_series.images, ndim=(3,))
    tilt_series = replace(tilt_series, images=images)
    tolerance, iterations = check_positive("tolerance", tolerance), check_count("iterations", iterations)
    if rounds is not None:
        rounds = 0 if check_number("rounds", rounds, low=0) == 0 else check_count("rounds", rounds)
    if marker is not None and not film:
        msg = "a marker came for a sample that is no film; pass film=True, or leave the marker out"
        raise ValueError(msg)
    euler = np.asarray(tilt_series.euler, dtype=float)
    single_axis = float(np.abs(euler[:, [0, 2]]).max()) <= _SINGLE_AXIS
    if rounds is None:
        rounds = _ROUNDS if project is not None or (single_axis and not film) else 0
    if rounds and project is None and not single_axis:
        msg = (
            f"φ and ψ reach {np.abs(euler[:, [0, 2]]).max():.1f} degrees, so these are no tilts about one axis; "
            "pass project= with a reconstruction that can take them, or rounds=0"
        )
        raise ValueError(msg)
    if not film and single_axis:
        check_tilts(tilt_series)
        warn_of_axis(tilt_series)
    if reference is not None:
        return _finish(tilt_series, images, _onto(images, check_images(reference, name="reference", ndim=(3,))))
    shifts = _align_film(images, euler, marker, tolerance, iterations) if film else _align_particle(images)
    if not film:
        doubt_ground(images, film=", or pass film=True if the sample goes on beyond the field")
    for _ in range(rounds):
        aligned = move(images, -shifts)
        if project is not None:
            model = check_images(project(replace(tilt_series, images=aligned)), name="projections", ndim=(3,))
            step = _onto(aligned, model)
        else:
            step = _reprojected(aligned, euler[:, 1])
        moved = shifts + step
        if not film:
            moved = moved + origin_shifts(mass_centres(images) - moved, euler)
        change = np.abs(moved - shifts).max()
        shifts = moved
        if change < tolerance:
            break
    return _finish(tilt_series, images, shifts)


def _align_particle(images: NDArray[Any]) -> NDArray[np.float64]:
    shifts = mass_centres(images)
    shifts[:, 1] = line_shifts(images, shifts[:, 1])
    return shifts


def _onto(images: NDArray[Any], model: NDArray[Any]) -> NDArray[np.float64]:
    if model.shape != images.shape:
        msg = f"the images to align with have shape {model.shape}; expected {images.shape}"
        raise ValueError(msg)
    taper = edge_window(images.shape[1:])
    return np.stack([shift_between(m, i, taper) for m, i in zip(model, images, strict=True)])


def _reprojected(images: NDArray[Any], theta: NDArray[Any]) -> NDArray[np.float64]:
    coarse = 2 if min(images.shape[1:]) >= _COARSE_FROM else 1
    model = reproject(images, theta, radius=_radius(images), coarse=coarse)
    return coarse * _onto(_merge(images, coarse), model)


def _radius(images: NDArray[Any]) -> float:
    """Return how far from the axis the sample reaches in any image [px]."""
    profile = np.abs(images).sum(axis=2)
    beyond = profile > _OUTLINE * profile.max(axis=1, keepdims=True)
    x = np.abs(np.arange(images.shape[1]) - images.shape[1] // 2)
    return float(min((beyond * x).max() + _MARGIN, images.shape[1] // 2))


def _align_film(
    images: NDArray[Any], euler: NDArray[Any], marker: Marker | None, tolerance: float, iterations: int
) -> NDArray[np.float64]:
    cosine = np.cos(np.deg2rad(euler[:, 1]))
    middle = int(np.argmin(np.abs(euler[:, 1])))
    shifts = _neighbours(images, cosine, middle)
    if marker is None:
        shifts[:, 1] = line_shifts(images, shifts[:, 1])
        return shifts - shifts[middle]
    place = check_numbers(marker, name="marker", expected="x, y and half-width [px]")
    if place.shape != (3,):
        msg = f"marker has shape {place.shape}; expected x, y and half-width [px]"
        raise ValueError(msg)
    x, y, half = place.tolist()
    nx, ny = images.shape[1:]
    if not (half >= _LEAST_MARKER and half <= x <= nx - 1 - half and half <= y <= ny - 1 - half):
        msg = f"marker={marker!r} does not lie with its square inside {nx}×{ny} px"
        raise ValueError(msg)
    target = nx // 2 + (x - nx // 2) * cosine / cosine[middle]  # the marker's height is that of the axis
    for _ in range(iterations):
        before = shifts.copy()
        boxes = np.stack([_box(i, s, t, y, half) for i, s, t in zip(images, shifts, target, strict=True)])
        shifts[:, 0] += _mass_in_box(boxes)
        shifts[:, 1] = line_shifts(boxes.astype(np.float32)) + shifts[:, 1]
        shifts[:, 1] -= shifts[middle, 1]
        if np.abs(shifts - before).max() < tolerance:
            break
    return shifts


def _neighbours(images: NDArray[Any], cosine: NDArray[Any], middle: int) -> NDArray[np.float64]:
    """Return displacements from cross-correlation of neighbouring tilts, each stretched to the other's tilt."""
    shifts = np.zeros((len(images), 2))
    centre, taper = images.shape[1] // 2, edge_window(images.shape[1:])
    kx, ky = frequencies(images.shape[1:])
    weight = np.exp(-((np.hypot(kx[:, None], ky) / _SHARED) ** 2))
    order = [range(middle + 1, len(images)), range(middle - 1, -1, -1)]
    for indices, back in zip(order, (-1, 1), strict=True):
        for i in indices:
            last = i + back
            ratio = cosine[last] / cosine[i] if abs(cosine[i]) > 1e-3 else 1.0
            known = move(images[last][None], -shifts[last][None])[0]
            stretched = scipy.ndimage.affine_transform(
                known, [ratio, 1.0], offset=[centre * (1 - ratio), 0.0], order=1, mode="nearest"
            )
            shifts[i] = shift_between(stretched, images[i], taper, weight)
    return shifts


def _box(image: NDArray[Any], shift: NDArray[Any], x: float, y: float, half: float) -> NDArray[np.float64]:
    """Return the square around the marker, cut where it should be."""
    side = np.arange(-int(half), int(half) + 1)
    at = np.meshgrid(x + shift[0] + side, y + shift[1] + side, indexing="ij")
    return scipy.ndimage.map_coordinates(image.astype(np.float64), at, order=1, mode="nearest")


def _mass_in_box(boxes: NDArray[Any]) -> NDArray[np.float64]:
    """Return the centre of mass along x of what rises above the rim of each square."""
    rim = np.ones(boxes.shape[1:], bool)
    rim[1:-1, 1:-1] = False
    floor = np.median(boxes[:, rim], axis=1)
    return mass_centres(np.clip(boxes - floor[:, None, None], 0, None).astype(np.float32))[:, 0]


def _finish(tilt_series: TiltSeries, images: NDArray[Any], shifts: NDArray[Any]) -> Alignment:
    doubt_shifts(shifts, images.shape[1:], stacklevel=4)
    return Alignment(replace(tilt_series, images=move(images, -shifts)), shifts)
