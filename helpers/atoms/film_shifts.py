"""Films: one set of image shifts that areas of a film agree on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm.auto import tqdm

from ..arrays import TiltSeries
from ..checks import check_count
from ..digits import counted
from .film_area import AreaFit, fit_area
from .refinement import refine

Source = TiltSeries | AreaFit | Callable[[], TiltSeries]

_STEPS = 20  # of the fit that frees the shifts


@dataclass(frozen=True, eq=False)
class FilmShifts:
    """Shifts that the areas of a film have in common.

    Attributes
    ----------
    shifts : (T, 2) array
        Displacement of the film in every image, along x and y [px]; what one displacement of all atoms explains is
        left out.
    uncertainty : (T, 2) array
        Of the shifts, from how much the areas differ [px].
    areas : (A, T, 2) array
        What each area found by itself in the last round [px].
    numbers : tuple of int
        The areas.
    angles : (T,) array
        Tilt angles [degrees].
    """

    shifts: NDArray[np.float64]
    uncertainty: NDArray[np.float64]
    areas: NDArray[np.float64] = field(repr=False)
    numbers: tuple[int, ...]
    angles: NDArray[np.float64] = field(repr=False)

    @property
    def agreement(self) -> NDArray[np.float64]:
        """(2,) mean correlation between two areas' own shifts, along x and y."""
        pairs = list(combinations(self.areas, 2))
        both = [[np.corrcoef(a[:, k], b[:, k])[0, 1] for a, b in pairs] for k in (0, 1)]
        return np.array(both).mean(axis=1)

    def undo(self, tilt_series: TiltSeries) -> TiltSeries:
        """Return the images of an area of the film, moved back by the shifts; rows beyond an edge repeat it."""
        return _moved(tilt_series, -self.shifts)


def find_film_shifts(
    areas: Mapping[int, Source], element: str, *, rounds: int = 1, progress: bool = True, **options: Any
) -> FilmShifts:
    """Find how the images of a film are displaced, from areas of it that do not overlap.

    Parameters
    ----------
    areas : mapping
        Tilt series of two areas or more by their number, functions that return them, or what `fit_area` made of them.
        Areas that share part of their images share its noise, and then agree on more than the shifts.
    element : str
        Chemical symbol.
    rounds : int
        How often the areas are located; each round starts from images moved back by what the rounds before found.
    progress : bool
        Show a bar.
    **options
        Handed to `locate_area`.

    Returns
    -------
    FilmShifts

    Raises
    ------
    ValueError
        If there are fewer than two areas, or they have not the same tilt angles and pixel size.

    Notes
    -----
    Each area is located, and its atoms are refined once more with a free shift of every image. An area can err: a
    missing atom, or a neighbour beyond the edge, draws images to one side, and the more so the thicker the film
    looks. Two areas that do not overlap share no such error, but they share the shift of the image. So the common shift
    is the mean over areas, and the scatter between them says how far to trust it: its variance is taken to grow as
    1 / cos² of the tilt angle, and each shift s is drawn towards zero, s τ² / (τ² + variance), with τ² what the mean
    square of all shifts exceeds that variance by. Tilt angles stay as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import ndimage
    >>> from helpers import TiltSeries
    >>> from helpers.atoms import find_film_shifts, simulate_images
    >>> angles = np.arange(-60, 61, 10.0)
    >>> planted = np.where(np.arange(13) % 2, 0.3, -0.3)
    >>> areas = {}
    >>> for number, atoms in {1: [[-1.5, 0, 0], [1.5, 1.0, 0.5]], 2: [[0, 0, 0.5], [2.5, -1, 0]]}.items():
    ...     images = simulate_images(atoms, angles, (31, 25), 0.4, "Ta", 1.0, 6.0)
    ...     images = [ndimage.shift(image, (s, 0)) for image, s in zip(images, planted)]
    ...     areas[number] = TiltSeries(np.stack(images), angles, 0.4)
    >>> found = find_film_shifts(areas, "Ta", prior=0.0, progress=False)
    >>> bool(np.abs(found.shifts[:, 0] - planted).max() < 0.15), bool(np.abs(found.shifts[:, 1]).max() < 0.01)
    (True, True)
    """
    if len(areas) < 2:
        msg = f"got {counted(len(areas), 'area')}; expected at least two, for what they agree on"
        raise ValueError(msg)
    numbers = tuple(sorted(areas))
    bar = tqdm(total=check_count("rounds", rounds) * len(areas), disable=not progress, desc="shifts", unit="area")
    first, _ = _open(areas[numbers[0]])
    angles, total = first.euler[:, 1], np.zeros((len(first), 2))
    for _ in range(rounds):
        own = []
        for number in numbers:
            series, made = _open(areas[number])
            _check_alike(series, first, number)
            if made is None or total.any():
                made = fit_area(_moved(series, -total), element, **options)
            own.append(_own_shifts(made, element, options.get("background", "none")))
            bar.update()
        common, error = combine_shifts(np.stack(own), angles)
        total = total + common
    bar.close()
    return FilmShifts(total, error, np.stack(own), numbers, angles)


def combine_shifts(areas: ArrayLike, angles: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the common part of shifts (A, T, 2), drawn towards zero as their scatter asks, and its uncertainty."""
    own = np.asarray(areas, dtype=float)
    growth = 1 / np.maximum(np.cos(np.deg2rad(np.asarray(angles, dtype=float))), 0.05)[:, None] ** 2
    mean = own.mean(axis=0)
    scatter = own.var(axis=0, ddof=1) / len(own)
    variance = growth * (scatter / growth).mean(axis=0)
    signal = np.maximum((mean**2 - variance).mean(axis=0), 0.0)
    kept = signal / np.maximum(signal + variance, 1e-30)
    return mean * kept, np.sqrt(variance * kept)


def _open(source: Source) -> tuple[TiltSeries, AreaFit | None]:
    """Return the images of an area, and its fit if that is what was given."""
    if isinstance(source, AreaFit):
        return source.series, source
    return (source() if callable(source) else source), None


def _own_shifts(made: AreaFit, element: str, background: str) -> NDArray[np.float64]:
    """Shifts that the atoms of one area ask for [px]."""
    known = made.fit
    fit = refine(
        known.positions,
        made.series,
        element,
        H=known.H,
        B=known.B,
        noise=known.noise,
        per_atom="H",
        background=background,
        outer=made.outer,
        prior=known.prior,
        shifts=True,
        iterations=_STEPS,
    )
    return fit.shifts


def _check_alike(series: TiltSeries, reference: TiltSeries, number: int) -> None:
    if series.pixel_size != reference.pixel_size or not np.array_equal(series.euler, reference.euler):
        msg = f"area {number} has other tilt angles or pixels than the first one; expected areas of one film"
        raise ValueError(msg)


def _moved(series: TiltSeries, shifts: NDArray[np.float64]) -> TiltSeries:
    """Images displaced by shifts [px]."""
    from scipy import ndimage  # here, for it is slow to import

    if not shifts.any():
        return series
    pairs = zip(series.images, shifts, strict=True)
    images = np.stack([ndimage.shift(image, shift, order=3, mode="nearest") for image, shift in pairs])
    return TiltSeries(images.astype(np.float32), series.angles, series.pixel_size)
