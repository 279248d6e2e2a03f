"""Kernels that meet every pair of near atoms: a grid of cells read in long runs.

Atoms are sorted into the cells of a grid; atoms of neighbouring cells along z then follow each other in
memory. All atoms near one atom are therefore a few runs of slots, and their distances are computed run by
run with vector instructions (slices rather than index ranges: an index that might be negative forbids them).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from ..checks import FARTHEST
from ..kernels import kernel, parts_of, share
from .boxes import _wrapped, sides_of

_CELLS_PER_ATOM = 4  # the grid may not outgrow the atoms, however far they lie apart
_CHUNK = 256  # atoms that a thread takes at a time where it counts for itself
_ROOM = 512  # near atoms for which a thread has room at first
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
    extent = np.maximum(np.ptp(positions, axis=0), cutoff) if box is None else box
    reach = int(np.clip(np.cbrt(len(positions) / 8 * np.prod(cutoff / extent)).round(), 1, 4))
    cells, shape, spans, width = _place_in_cells(positions, cutoff, sides, np.array([reach, reach, 3 * reach]))
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


def _place_in_cells(
    positions: NDArray[np.float64], cutoff: float, sides: NDArray[np.float64], reach: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return each atom's cell (N, 3), the cells along each axis, how many a cutoff spans, their edges."""
    origin, extent = _bounds(positions, sides)
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
    origin = np.where(periodic, 0.0, positions.min(axis=0))
    return origin, np.where(periodic, sides, positions.max(axis=0) - origin)


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
def _runs(slot, cell_of, starts, shape, reach, width, sides, limit, first, last):
    """Write the runs of slots that hold every atom within the cutoff of a slot's cell; return their number."""
    cell = cell_of[slot]
    iz = cell % shape[2]
    iy = cell // shape[2] % shape[1]
    ix = cell // (shape[2] * shape[1])
    x0, x1 = _span(ix, reach[0], shape[0], sides[0])
    y0, y1 = _span(iy, reach[1], shape[1], sides[1])
    runs = 0
    for jx in range(x0, x1 + 1):
        gap_x = _gap(ix, jx, reach[0], shape[0], width[0], sides[0])
        for jy in range(y0, y1 + 1):
            gap_y = _gap(iy, jy, reach[1], shape[1], width[1], sides[1])
            left = limit * (1 + _SLACK) - gap_x * gap_x - gap_y * gap_y
            if left < 0:
                continue
            z0, z1 = _span(iz, min(np.int64(np.sqrt(left) / width[2]) + 1, reach[2]), shape[2], sides[2])
            column = ((jx % shape[0]) * shape[1] + jy % shape[1]) * shape[2]
            first[runs] = starts[column + max(z0, 0)]
            last[runs] = starts[column + min(z1, shape[2] - 1) + 1]
            runs += 1
            if z0 < 0:
                first[runs] = starts[column + z0 + shape[2]]
                last[runs] = starts[column + shape[2]]
                runs += 1
            elif z1 >= shape[2]:
                first[runs] = starts[column]
                last[runs] = starts[column + z1 - shape[2] + 1]
                runs += 1
    return runs


@kernel(inner=True, inline="always")  # a call for every run would take as long as its few atoms
def _squares_of_run(xs, ys, zs, x, y, z, lx, ly, lz, squares):
    """|r_i - r|² to the nearest image; the sides are infinite for a finite sample."""
    for i in range(len(xs)):
        dx = abs(xs[i] - x)
        dy = abs(ys[i] - y)
        dz = abs(zs[i] - z)
        dx = min(dx, lx - dx)
        dy = min(dy, ly - dy)
        dz = min(dz, lz - dz)
        squares[i] = dx * dx + dy * dy + dz * dz


@kernel(inner=True)
def _squares(positions, sides, slot, first, last, runs, squares):
    """Square distances from one atom to all atoms of the runs, one after the other; return their number."""
    x, y, z = positions[0, slot], positions[1, slot], positions[2, slot]
    lx, ly, lz = sides[0], sides[1], sides[2]
    k = 0
    for run in range(runs):
        a, b = first[run], last[run]
        out = squares[k : k + b - a]
        _squares_of_run(positions[0, a:b], positions[1, a:b], positions[2, a:b], x, y, z, lx, ly, lz, out)
        k += b - a
    return k


def count(cells: CellList) -> NDArray[np.int64]:
    """Count the neighbours of every atom, in the caller's order."""
    counts = np.empty(len(cells.order), np.int64)
    offsets, indices, distances = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0)
    share(_list, parts_of(len(counts)), *cells, True, counts, offsets, indices, distances)
    return counts


def fill(
    cells: CellList, offsets: NDArray[np.int64], indices: NDArray[np.int32], distances: NDArray[np.float64]
) -> None:
    """Write every atom's row of neighbours and distances, sorted by neighbour."""
    counts = np.empty(0, np.int64)
    share(_list, parts_of(len(cells.order)), *cells, False, counts, offsets, indices, distances)


def histogram(cells: CellList, step: float, bins: int) -> NDArray[np.int64]:
    """Count unordered pairs in `bins` shells of width `step`."""
    threads = min(get_num_threads(), parts_of(len(cells.order)))
    counts = np.zeros((threads, bins + 1), np.int64)  # the last bin takes all that is farther
    share(_histogram, threads, *cells, float(step), counts)
    return counts.sum(axis=0)[:bins]


@kernel
def _list(
    part, parts, positions, order, cell_of, starts, shape, reach, width, sides, limit,
    counting, counts, offsets, indices, distances,
):  # fmt: skip
    """Count the neighbours of the atoms of one part, or write their rows: one kernel, for it takes long to compile."""
    n = len(order)
    most = 2 * (2 * reach[0] + 1) * (2 * reach[1] + 1)
    first = np.empty(most, np.int64)
    last = np.empty(most, np.int64)
    squares = np.empty(_ROOM)
    found = np.empty(_ROOM + 1, np.int32)
    runs, room = 0, _ROOM
    before = np.int64(-1)
    for s in range(n * part // parts, n * (part + 1) // parts):
        if cell_of[s] != before:
            before = cell_of[s]
            runs = _runs(s, cell_of, starts, shape, reach, width, sides, limit, first, last)
            total = 0
            for run in range(runs):
                total += last[run] - first[run]
            if total > room:
                room = 2 * total
                squares = np.empty(room)
                found = np.empty(room + 1, np.int32)
        met = _squares(positions, sides, s, first, last, runs, squares)
        if counting:
            near = -1  # the atom itself
            for square in squares[:met]:
                near += square <= limit
            counts[order[s]] = near
            continue
        hits, met = np.int64(0), 0
        for run in range(runs):
            a, b = first[run], last[run]
            hits = _keep(order[a:b], squares[met : met + b - a], order[s], limit, found, squares, hits)
            met += b - a
        a, b = offsets[order[s]], offsets[order[s] + 1]
        _write_sorted(found[:hits], squares[:hits], indices[a:b], distances[a:b])


@kernel(inner=True)
def _keep(atoms, squares, itself, limit, found, kept, hits):
    """Append the atoms of a run that are near enough, without a branch: a miss is overwritten."""
    place = np.uint64(hits)
    for i in range(len(atoms)):
        square = squares[i]
        kept[place] = square
        found[place] = atoms[i]
        place += np.uint64((square <= limit) & (atoms[i] != itself))
    return np.int64(place)


@kernel(inner=True)
def _write_sorted(found, squares, indices, distances):
    """Write one row in ascending order of its (distinct) neighbours, with square roots taken."""
    n = len(found)
    if n > 128:  # a shell sort, for the gaps 1, 4, 13 …; numba's own sorting takes a second to compile
        gap = 1
        while gap < n // 9:
            gap = 3 * gap + 1
        while gap > 0:
            for k in range(gap, n):
                neighbour, square, hole = found[k], squares[k], k
                while hole >= gap and found[hole - gap] > neighbour:
                    found[hole], squares[hole] = found[hole - gap], squares[hole - gap]
                    hole -= gap
                found[hole], squares[hole] = neighbour, square
            gap //= 3
        for k in range(n):
            indices[k] = found[k]
            distances[k] = np.sqrt(squares[k])
        return
    for k in range(n):  # a neighbour's place is the number of smaller ones: vectorised, no branch
        neighbour = found[k]
        place = np.int32(0)
        for j in range(n):
            place = np.int32(place + (np.int32(1) if found[j] < neighbour else np.int32(0)))
        indices[place] = neighbour
        distances[place] = np.sqrt(squares[k])


@kernel
def _histogram(
    thread, threads, positions, order, cell_of, starts, shape, reach, width, sides, limit, step, counts
):  # fmt: skip
    """Count unordered pairs in shells of width `step`, every thread in a row of its own."""
    n = len(order)
    most = 2 * (2 * reach[0] + 1) * (2 * reach[1] + 1)
    first = np.empty(most, np.int64)
    last = np.empty(most, np.int64)
    squares = np.empty(_ROOM)
    shells = np.empty(_ROOM, np.int32)
    runs, room = 0, _ROOM
    for chunk in range(thread, (n + _CHUNK - 1) // _CHUNK, threads):
        for s in range(_CHUNK * chunk, min(_CHUNK * chunk + _CHUNK, n)):
            if s == _CHUNK * chunk or cell_of[s] != cell_of[s - 1]:
                runs = _runs(s, cell_of, starts, shape, reach, width, sides, limit, first, last)
                longest = 0
                for run in range(runs):
                    longest = max(longest, last[run] - first[run])
                if longest > room:
                    room = 2 * longest
                    squares = np.empty(room)
                    shells = np.empty(room, np.int32)
            _add_distances(positions, sides, s, first, last, runs, squares, shells, 1 / step, counts[thread])


@kernel(inner=True)
def _add_distances(positions, sides, slot, first, last, runs, squares, shells, per_length, counts):
    """Count the distances from one slot to all later ones of the runs: every pair comes once."""
    x, y, z = positions[0, slot], positions[1, slot], positions[2, slot]
    lx, ly, lz = sides[0], sides[1], sides[2]
    for run in range(runs):
        a, b = max(first[run], slot + 1), last[run]
        if a >= b:
            continue
        out = squares[: b - a]
        _squares_of_run(positions[0, a:b], positions[1, a:b], positions[2, a:b], x, y, z, lx, ly, lz, out)
        mine = shells[: b - a]
        _to_shells(out, per_length, len(counts) - 1, mine)
        for k in range(len(mine)):
            counts[np.uint32(mine[k])] += 1


@kernel(inner=True)
def _to_shells(squares, per_length, last, shells):
    """Square distances to numbers of shells; the last holds all that is farther."""
    for k in range(len(squares)):
        shells[k] = np.int32(min(np.sqrt(squares[k]) * per_length, float(last)))
