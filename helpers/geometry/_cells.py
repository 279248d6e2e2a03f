"""Atoms sorted into the cells of a grid, so that all atoms near one atom are a few runs of slots.

Atoms of neighbouring cells along z follow each other in memory.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..checks import FARTHEST
from ..kernels import kernel
from .boxes import _wrapped, bounds, sides_of

_CELLS_PER_ATOM = 4  # the grid may not outgrow the atoms, however far they lie apart
_SLACK = 1e-6  # cells are this much wider than needed, so that rounding never hides a pair


class Grid(NamedTuple):
    """Atoms sorted by the cells of a grid.

    positions (3, N): wrapped, in cell order; order, cell_of (N,): atom and cell of every slot; starts: first
    slot of every cell; shape (3,): cells along each axis; origin, width (3,): corner of the first cell, edges of
    a cell [Å]; sides (3,): of the box.
    """

    positions: NDArray[np.float64]
    order: NDArray[np.int32]
    cell_of: NDArray[np.int64]
    starts: NDArray[np.int64]
    shape: NDArray[np.int64]
    origin: NDArray[np.float64]
    width: NDArray[np.float64]
    sides: NDArray[np.float64]


class CellList(NamedTuple):
    """A grid for one cutoff; the first arguments of every kernel here.

    As in `Grid`, but cells in which no atom lies may be left out; reach (3,): how many cells the cutoff spans;
    limit: its square.
    """

    positions: NDArray[np.float64]
    order: NDArray[np.int32]
    cell_of: NDArray[np.int64]
    starts: NDArray[np.int64]
    shape: NDArray[np.int64]
    reach: NDArray[np.int64]
    width: NDArray[np.float64]
    sides: NDArray[np.float64]
    limit: float


def make_grid(positions: NDArray[np.float64], edge: float, box: NDArray[np.float64] | None) -> Grid:
    """Sort atoms into cells with edges of at least `edge` [Å], wider where too many cells would be empty."""
    sides = sides_of(box)
    origin, extent = _bounds(positions, sides)
    edges = np.full(3, edge)
    while _product(_divide(extent, edges, sides)[0]) > _most_cells(positions):
        edges *= 1.26
    count, width = _divide(extent, edges, sides)
    shape = count.astype(np.int64)
    cells = _cells(positions, origin, width, sides, count)
    places, order, cell_of, starts = _sort_by_cell(positions, sides, cells, shape)
    return Grid(places, order, cell_of, starts, shape, origin, width, sides)


def build(positions: NDArray[np.float64], cutoff: float, box: NDArray[np.float64] | None) -> CellList:
    """Sort atoms into cells, one to four of which span the cutoff: finer ones where an atom has more neighbours."""
    cutoff = min(cutoff, 4 * FARTHEST)  # beyond every position, and its square a number
    sides = sides_of(box)
    origin, extent = _bounds(positions, sides)
    filled = np.maximum(extent, cutoff) if box is None else box
    reach = int(np.clip(np.cbrt(len(positions) / 8 * np.prod(cutoff / filled)).round(), 1, 4))
    cells, shape, spans, width = _place_in_cells(positions, cutoff, sides, np.full(3, reach), origin, extent)
    places, order, cell_of, starts = _sort_by_cell(positions, sides, cells, shape)
    return CellList(places, order, cell_of, starts, shape, spans, width, sides, cutoff**2)


def expected_pairs(cells: CellList) -> float:
    """Estimate how many ordered pairs lie within the cutoff, from how full the cells are; rather too many than too few.

    Were atoms spread evenly in and around their cell, one of n in a cell would have n V / v others in a sphere of
    volume V about it, v the volume of a cell.
    """
    filled = np.diff(cells.starts).astype(np.float64)
    sphere = 4 / 3 * np.pi * float(np.prod(np.sqrt(cells.limit) / cells.width))
    count = float(cells.positions.shape[1])
    return min(float((filled**2).sum()) * sphere, count * (count - 1))


def most_in_reach(cells: CellList) -> int:
    """Return how many atoms may lie in the cells within reach of one; no fewer than there are."""
    around = np.prod(np.minimum(2 * cells.reach + 1, cells.shape))
    return min(int(np.diff(cells.starts).max()) * int(around), len(cells.order))


def _place_in_cells(
    positions: NDArray[np.float64],
    cutoff: float,
    sides: NDArray[np.float64],
    reach: NDArray[np.int64],
    origin: NDArray[np.float64],
    extent: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return each atom's cell (N, 3), the cells along each axis, how many a cutoff spans, their edges."""
    edges = cutoff * (1 + _SLACK) / reach
    count, width = _divide(extent, edges, sides)
    if _product(count) > _most_cells(positions):  # try without the slabs in which no atom lies
        cells = _cells(positions, origin, width, sides, count)
        ranks = [np.unique(cells[:, axis], return_inverse=True) for axis in range(3)]
        occupied = np.array([len(values) for values, _ in ranks])
        if _product(occupied) <= _most_cells(positions):
            cells = np.column_stack([rank.ravel() for _, rank in ranks]).astype(np.float64)
            return cells, occupied.astype(np.int64), reach, width
    while _product(count) > _most_cells(positions):
        edges = np.where(reach > 1, cutoff * (1 + _SLACK), 1.26 * edges)
        reach = np.ones_like(reach)
        count, width = _divide(extent, edges, sides)
    return _cells(positions, origin, width, sides, count), count.astype(np.int64), reach, width


def _bounds(
    positions: NDArray[np.float64], sides: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corner and the extent of the space that is divided into cells: the box, or around all atoms."""
    periodic = np.isfinite(sides)
    if periodic.all():
        return np.zeros(3), sides
    low, high = bounds(positions)
    origin = np.where(periodic, 0.0, low)
    return origin, np.where(periodic, sides, high - origin)


def _divide(
    extent: NDArray[np.float64], edges: NDArray[np.float64], sides: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many cells no narrower than `edges` fit along each axis, and how wide they are.

    As floats, for there may be too many for any integer. In a box they fill it, however small it is.
    """
    count = np.maximum(np.floor(extent / edges), 1.0)
    return count, np.where(np.isfinite(sides), extent / count, np.maximum(extent / count, edges))


def _most_cells(positions: NDArray[np.float64]) -> int:
    """Return how many cells are still worth their memory."""
    return _CELLS_PER_ATOM * len(positions) + 64


def _product(count: NDArray[Any]) -> float:
    """Multiply cell counts, which may be too many for any number."""
    return math.prod(min(float(n), 1e100) for n in count)


@kernel
def _cells(positions, origin, width, sides, count):
    """Cell coordinates as floats, for those of far-flung atoms may exceed any integer."""
    cells = np.empty(positions.shape)
    for i in range(len(positions)):
        for axis in range(3):
            value = _wrapped(positions[i, axis], sides[axis])
            cell = np.floor((value - origin[axis]) / width[axis])
            cells[i, axis] = min(max(cell, 0.0), count[axis] - 1)
    return cells


@kernel
def _sort_by_cell(positions, sides, cells, shape):
    """Sort by counting: wrapped positions (3, N), their atoms and cells, first slot of every cell."""
    n = len(positions)
    starts = np.zeros(shape[0] * shape[1] * shape[2] + 1, np.int64)
    flat = np.empty(n, np.int64)
    for i in range(n):
        flat[i] = (np.int64(cells[i, 0]) * shape[1] + np.int64(cells[i, 1])) * shape[2] + np.int64(cells[i, 2])
        starts[flat[i] + 1] += 1
    for c in range(len(starts) - 1):
        starts[c + 1] += starts[c]
    place = starts[:-1].copy()
    order = np.empty(n, np.int32)
    cell_of = np.empty(n, np.int64)
    in_order = np.empty((3, n))
    for i in range(n):
        slot = place[flat[i]]
        place[flat[i]] += 1
        order[slot] = i
        cell_of[slot] = flat[i]
        for axis in range(3):
            in_order[axis, slot] = _wrapped(positions[i, axis], sides[axis])
    return in_order, order, cell_of, starts


@kernel(inner=True)
def _span(cell, reach, count, side):
    """First and last cell within reach along one axis; in a box they may lie outside 0 ... count - 1."""
    if side == np.inf:
        return max(cell - reach, 0), min(cell + reach, count - 1)
    if 2 * reach + 1 >= count:
        return 0, count - 1
    return cell - reach, cell + reach


@kernel(inner=True)
def _gap(first, second, reach, count, width, side):
    """Least distance between atoms of two cells along one axis."""
    if side < np.inf and 2 * reach + 1 >= count:
        return 0.0
    return max(abs(first - second) - 1, 0) * width


@kernel(inner=True)
def _runs(slot, cell_of, starts, shape, reach, width, sides, limit, first, last, shift):
    """Write the runs of slots that hold every atom within the cutoff of a slot's cell; return their number.

    `shift` (3, runs) tells by how much each is moved to be near, where only one of its images can be. Divisions and
    roots are few, for this is done for every cell.
    """
    cell = cell_of[slot]
    nx, ny, nz = shape[0], shape[1], shape[2]
    iz, ixy = cell % nz, cell // nz
    ix = ixy // ny
    iy = ixy - ix * ny
    x0, x1 = _span(ix, reach[0], nx, sides[0])
    y0, y1 = _span(iy, reach[1], ny, sides[1])
    z0, z1 = _span(iz, reach[2], nz, sides[2])
    runs = 0
    for x in range(x0, x1 + 1):
        gap_x = _gap(ix, x, reach[0], nx, width[0], sides[0])
        jx, sx = _within(x, nx, sides[0])
        for y in range(y0, y1 + 1):
            gap_y = _gap(iy, y, reach[1], ny, width[1], sides[1])
            left = limit * (1 + _SLACK) - gap_x * gap_x - gap_y * gap_y
            if left < 0:
                continue
            jy, sy = _within(y, ny, sides[1])
            if reach[2] > 1:
                z0, z1 = _span(iz, min(np.int64(np.sqrt(left) / width[2]) + 1, reach[2]), nz, sides[2])
            column = (jx * ny + jy) * nz
            z = z0
            while z <= z1:  # one run for each image
                jz, sz = _within(z, nz, sides[2])
                end = min(z1 - z + jz, nz - 1)
                first[runs] = starts[column + jz]
                last[runs] = starts[column + end + 1]
                shift[0, runs], shift[1, runs], shift[2, runs] = sx, sy, sz
                runs += 1
                z += end - jz + 1
    return runs


@kernel(inner=True)
def _within(cell, count, side):
    """Return the cell that one beyond the faces of the box is an image of, and by how much it is moved."""
    if cell < 0:
        return cell + count, -side
    if cell >= count:
        return cell - count, side
    return cell, 0.0
