"""The largest distance between two of many points, without looking at most of them."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ..geometry.boxes import bounds
from ..kernels import kernel

_CELLS = 12  # along each axis, in which the outermost points are looked for
_SWEEPS = 4  # from point to farthest point


def longest_distance(points: NDArray[np.float64]) -> float:
    """Largest distance between two points; only corners of the convex hull matter."""
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.distance import pdist

    points = _outermost(points)
    if len(points) > 100:
        with suppress(QhullError):  # all in one plane
            points = points[ConvexHull(points).vertices]
    return float(pdist(points).max())


def _outermost(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return those of the points that can be one of the two farthest apart; few of many.

    Points are sorted into cells. From a point to the farthest one and so on, a distance is found that the largest is
    not below; of cells that have no other as far away, no point is needed.
    """
    low, high = bounds(points)
    width = np.maximum(high - low, 1e-9) / _CELLS * (1 + 1e-9)
    reached, here = 0.0, points[0]
    for _ in range(_SWEEPS):
        farthest, square = _farthest(points, here)
        reached, here = max(reached, float(square)), points[farthest]
    occupied = np.zeros(_CELLS**3, np.bool_)
    _occupy(points, low, width, occupied)
    kept = _far_cells(np.flatnonzero(occupied), width, reached * (1 - 1e-9))
    return points[_choose(points, low, width, kept)]


@kernel
def _farthest(points, start):
    """Point farthest from a place, and the square of its distance."""
    best, where = -1.0, 0
    x, y, z = start[0], start[1], start[2]
    for i in range(len(points)):
        square = (points[i, 0] - x) ** 2 + (points[i, 1] - y) ** 2 + (points[i, 2] - z) ** 2
        if square > best:
            best, where = square, i
    return where, best


@kernel
def _cell(points, i, low, width):
    """Cell of a point."""
    cell = np.int64(0)
    for axis in range(3):
        place = np.int64((points[i, axis] - low[axis]) / width[axis])
        cell = cell * _CELLS + (place if place < _CELLS else _CELLS - 1)
    return cell


@kernel
def _occupy(points, low, width, occupied):
    """Tell which cells hold points."""
    for i in range(len(points)):
        occupied[_cell(points, i, low, width)] = True


@kernel
def _far_cells(cells, width, least):
    """Tell which cells may hold a point as far from another one as the root of `least`."""
    kept = np.zeros(_CELLS**3, np.bool_)
    places = np.empty((len(cells), 3), np.int64)
    count = 0
    for cell in cells:
        square, rest = 0.0, cell
        for axis in (2, 1, 0):
            place = rest % _CELLS
            rest //= _CELLS
            places[count, axis] = place
            square += (max(place + 1, _CELLS - place) * width[axis]) ** 2
        if square >= least:  # else not even a corner of the grid is far enough
            count += 1
    for a in range(count):
        for b in range(a + 1):
            square = 0.0
            for axis in range(3):
                square += ((abs(places[a, axis] - places[b, axis]) + 1) * width[axis]) ** 2
            if square >= least:
                for c in (a, b):
                    kept[(places[c, 0] * _CELLS + places[c, 1]) * _CELLS + places[c, 2]] = True
    return kept


@kernel
def _choose(points, low, width, kept):
    """Points in the cells that are kept, as a mask."""
    chosen = np.empty(len(points), np.bool_)
    for i in range(len(points)):
        chosen[i] = kept[_cell(points, i, low, width)]
    return chosen
