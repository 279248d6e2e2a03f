"""Areas of a film: where they lie, and the tilt series of each cut out of that of the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..arrays import TiltSeries
from ..checks import check_number, check_numbers
from ..digits import counted
from ..geometry.rotations import detector_coordinates
from ..readers import read_areas
from ._layout import _check_shape

_MOST_AREAS = 1000  # in a row of a film


@dataclass(frozen=True, eq=False)
class FilmLayout:
    """Where the areas of a film lie.

    Parameters
    ----------
    centres : (A, 3) array
        Voxel of the film at the centre of each area, counted from 0.
    halves : (A, 3) array
        Voxels from the centre to the last voxel of an area, so that it is 2 × half + 1 wide.
    shape : (int, int, int)
        Voxels of the film along x, y and z.
    numbers : tuple of int, optional
        Name of each area; 1 … A by default.

    Raises
    ------
    ValueError
        If centres and halves differ in number, an area reaches beyond the film, or two bear one number.

    Examples
    --------
    >>> from helpers.tomography import FilmLayout
    >>> plan = FilmLayout([[30, 30, 15], [60, 30, 15]], [[20, 30, 15], [20, 30, 15]], (91, 61, 31))
    >>> plan.size(2), plan.box(2)[0], plan.neighbours()
    ((41, 61, 31), slice(40, 81, None), [(1, 2)])
    """

    centres: NDArray[np.int64]
    halves: NDArray[np.int64]
    shape: tuple[int, int, int]
    numbers: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        centres, halves = (
            check_numbers(a, name=name, expected="whole numbers of voxels (A, 3)")
            for a, name in ((self.centres, "centres"), (self.halves, "halves"))
        )
        if centres.ndim != 2 or centres.shape[1] != 3 or halves.shape != centres.shape:
            msg = f"centres have shape {centres.shape}, halves {halves.shape}; expected (A, 3) both"
            raise ValueError(msg)
        if not (np.abs(centres) < 2**53).all() or not ((halves >= 0) & (halves < 2**53)).all():
            msg = "centres or halves lie beyond any film; expected voxels of the film"
            raise ValueError(msg)
        centres, halves = centres.astype(np.int64), halves.astype(np.int64)
        object.__setattr__(self, "shape", _check_shape("shape", self.shape, 3))
        bad = np.flatnonzero(((centres - halves < 0) | (centres + halves >= np.array(self.shape))).any(axis=1))
        if bad.size:
            msg = f"area {bad[0] + 1} reaches beyond the film of shape {self.shape}; enlarge shape="
            raise ValueError(msg)
        numbers = self.numbers or tuple(range(1, len(centres) + 1))
        if len(numbers) != len(centres) or len(set(numbers)) != len(numbers):
            msg = (
                f"{counted(len(numbers), 'number')} for {counted(len(centres), 'area')}; expected one each, "
                "all different"
            )
            raise ValueError(msg)
        object.__setattr__(self, "centres", centres)
        object.__setattr__(self, "halves", halves)
        object.__setattr__(self, "numbers", tuple(int(n) for n in numbers))

    def box(self, number: int) -> tuple[slice, slice, slice]:
        """Slices of the film that an area covers."""
        row = self._row(number)
        x, y, z = (slice(int(c - h), int(c + h + 1)) for c, h in zip(self.centres[row], self.halves[row], strict=True))
        return x, y, z

    def size(self, number: int) -> tuple[int, int, int]:
        """Voxels of an area along x, y and z."""
        x, y, z = (2 * int(h) + 1 for h in self.halves[self._row(number)])
        return x, y, z

    def select(self, numbers: Iterable[int]) -> FilmLayout:
        """Layout of some of the areas alone, in the same order and under the same numbers."""
        chosen = set(numbers)
        rows = [k for k, n in enumerate(self.numbers) if n in chosen]
        kept = tuple(self.numbers[k] for k in rows)
        if unknown := chosen.difference(kept):
            msg = f"the layout has no areas {sorted(unknown)}; it has {self.numbers[0]} to {self.numbers[-1]}"
            raise ValueError(msg)
        return FilmLayout(self.centres[rows], self.halves[rows], self.shape, kept)

    def neighbours(self) -> list[tuple[int, int]]:
        """Pairs of areas that follow each other along x in the same row, or meet along y."""
        pairs = []
        rows = {y: [n for n in self.numbers if self.centres[self._row(n)][1] == y] for y in set(self.centres[:, 1])}
        for row in rows.values():
            row.sort(key=lambda n: self.centres[self._row(n)][0])
            pairs += list(pairwise(row))
        heights = sorted(rows)
        for below, above in pairwise(heights):
            for number in rows[below]:
                nearest = min(
                    rows[above], key=lambda n: abs(self.centres[self._row(n)][0] - self.centres[self._row(number)][0])
                )
                pairs.append((number, nearest))
        return pairs

    def _row(self, number: int) -> int:
        if number not in self.numbers:
            msg = f"no area {number}; the layout has {self.numbers[0]} to {self.numbers[-1]}"
            raise ValueError(msg)
        return self.numbers.index(number)


def read_layout(path: str | Path, shape: tuple[int, int, int]) -> FilmLayout:
    """Read the published layout of a film.

    Parameters
    ----------
    path : path
        MATLAB file with ``CropCen`` and ``CropHalf``.
    shape : (int, int, int)
        Voxels of the film along x, y and z.

    Returns
    -------
    FilmLayout
        Areas numbered from 1 in the order of the file.

    Raises
    ------
    ValueError
        If the file holds no areas, or they reach beyond the film.

    Notes
    -----
    ``helpers.readers.read_areas`` returns the bare numbers.
    """
    return FilmLayout(*read_areas(path), shape)


def tile_film(
    shape: tuple[int, int, int],
    size: tuple[int, int],
    *,
    overlap: float = 0.5,
    origin: tuple[int, int] = (0, 0),
) -> FilmLayout:
    """Cover a film with equal areas that overlap.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels of the film along x, y and z.
    size : (int, int)
        Voxels of an area along x and y; even numbers are lowered by one, so that an area has a middle.
    overlap : float
        Least share of an area that it has in common with the next one, 0 … 0.9.
    origin : (int, int)
        Voxels left free at both ends along x and y.

    Returns
    -------
    FilmLayout
        Areas in rows along x, numbered from 1; the outer ones end with the film.

    Raises
    ------
    ValueError
        If an area is larger than the film, or the overlap is out of range.

    Examples
    --------
    >>> from helpers.tomography import tile_film
    >>> tile_film((101, 61, 31), (61, 61)).centres.tolist()
    [[30, 30, 15], [50, 30, 15], [70, 30, 15]]
    """
    overlap = check_number("overlap", overlap, low=0, high=0.9)
    shape = _check_shape("shape", shape, 3)
    free = check_numbers(origin, name="origin", expected="two numbers of voxels")
    if free.shape != (2,) or not ((free >= 0) & (free < 2**53) & (free == np.floor(free))).all():
        msg = f"origin={origin!r}; expected two whole numbers of voxels, zero or more"
        raise ValueError(msg)
    origin = (int(free[0]), int(free[1]))
    size = _check_shape("size", size, 2)
    rows: list[NDArray[np.int64]] = []
    halves = []
    for axis in (0, 1):
        length = shape[axis] - 2 * origin[axis]
        half = (size[axis] - 1) // 2
        if 2 * half + 1 > length:
            msg = f"areas of {2 * half + 1} voxels do not fit into {length}; lower size or origin"
            raise ValueError(msg)
        between = length - (2 * half + 1)
        count = 1 + int(np.ceil(between / ((2 * half + 1) * (1 - overlap)) - 1e-9))
        if count > _MOST_AREAS:
            msg = (
                f"areas of {2 * half + 1} voxels make {count:,} in a row; expected {_MOST_AREAS} at most: enlarge size"
            )
            raise ValueError(msg)
        rows.append(origin[axis] + half + np.round(np.linspace(0, between, count)).astype(np.int64))
        halves.append(half)
    depth = (shape[2] - 1) // 2
    centres = np.array([(x, y, shape[2] // 2) for y in rows[1] for x in rows[0]])
    return FilmLayout(centres, np.tile([*halves, depth], (len(centres), 1)), shape)


def cut_area(tilt_series: TiltSeries, layout: FilmLayout, number: int) -> TiltSeries:
    """Cut the tilt series of one area out of that of the film.

    Parameters
    ----------
    tilt_series : TiltSeries
        Aligned images of the film, whose middle (index n // 2) shows the middle of the film.
    layout : FilmLayout
        Where the areas lie.
    number : int
        The area.

    Returns
    -------
    TiltSeries
        Images as large as the area, whose middle shows the middle of the area at every tilt.

    Raises
    ------
    ValueError
        If the images do not show the whole area at every tilt.

    Notes
    -----
    A point r from the middle of the film appears at the x and y of Rᵀ r: an area moves towards the tilt
    axis as cos θ. Images are read between pixels by cubic splines.

    See Also
    --------
    reconstruct_film : takes the areas one by one.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers import TiltSeries
    >>> from helpers.tomography import cut_area, tile_film
    >>> series = TiltSeries(np.arange(54.0).reshape(1, 9, 6), [0.0], 1.0)
    >>> cut_area(series, tile_film((9, 5, 3), (3, 5)), 1).images[0].tolist() == series.images[0, :3, 1:].tolist()
    True
    """
    from scipy import ndimage  # here, for it is slow to import

    away = layout.centres[layout._row(number)] - np.array([n // 2 for n in layout.shape])
    where = detector_coordinates(away[None, :], tilt_series.euler)[:, 0]
    width, height, _ = layout.size(number)
    images = np.empty((len(tilt_series), width, height), np.float32)
    field = tilt_series.images.shape[1:]
    for t, (image, (u, v)) in enumerate(zip(tilt_series.images, where, strict=True)):
        x = field[0] // 2 + u + np.arange(width) - width // 2
        y = field[1] // 2 + v + np.arange(height) - height // 2
        if min(x[0], y[0]) < -0.5 or x[-1] > field[0] - 0.5 or y[-1] > field[1] - 0.5:
            theta = tilt_series.euler[t, 1]
            msg = (
                f"area {number} reaches beyond the image at tilt {t} ({theta:.1f}°); "
                "use smaller areas or leave more of the film free"
            )
            raise ValueError(msg)
        coordinates = np.meshgrid(x, y, indexing="ij")
        images[t] = ndimage.map_coordinates(image, coordinates, order=3, mode="nearest")
    return TiltSeries(images, tilt_series.angles, tilt_series.pixel_size)
