"""Kernels that meet every pair of near atoms.

What lies around a cell is copied side by side, once for all atoms in it, and distances are computed with vector
instructions: in single precision where that is enough to leave most atoms out. Arrays are neither cut into slices nor
replaced in these loops, for each costs as much as the distances to ten atoms.
"""

from __future__ import annotations

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from ..kernels import kernel, parts_of, share
from ._cells import CellList, _runs, most_in_reach
from ._cells import Grid as Grid  # by this name in caches of kernels compiled before it moved
from ._cells import build as build
from ._cells import expected_pairs as expected_pairs

_CHUNK = 256  # atoms that a thread takes at a time where it counts for itself
_LANES = 32  # near atoms are made a multiple of this, so that no vector is left half empty
_FAR = 1e18  # where those are that are added [Å]; its square is a number in single precision
_ROUNDING = 1e-6  # of coordinates in single precision, of their largest: sixteen times what one rounding can do


def count(cells: CellList) -> NDArray[np.int64]:
    """Count the neighbours of every atom, in the caller's order."""
    counts = np.empty(len(cells.order), np.int64)
    _share_list(cells, True, counts, np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0))
    return counts


def fill(
    cells: CellList, offsets: NDArray[np.int64], indices: NDArray[np.int32], distances: NDArray[np.float64]
) -> None:
    """Write every atom's row of neighbours and distances, sorted by neighbour."""
    _share_list(cells, False, np.empty(0, np.int64), offsets, indices, distances)


def _share_list(
    cells: CellList,
    counting: bool,
    counts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    indices: NDArray[np.int32],
    distances: NDArray[np.float64],
) -> None:
    """Count neighbours or write their rows: one kernel, for it takes long to compile.

    Coordinates are taken from an atom in the same cell. They and their differences are no larger than the cutoff and
    two cells or, along axes where every cell is in reach, the box. Squares that differ from that of the cutoff by less
    than rounding can make are computed again.
    """
    cutoff = np.sqrt(cells.limit)
    folded = np.where(2 * cells.reach + 1 >= cells.shape, cells.sides, np.inf)  # either image may be the nearer one
    rounding = _ROUNDING * float(np.where(np.isfinite(folded), folded, cutoff + 2 * cells.width).max())
    slack = 4 * rounding * (cutoff + rounding) + _ROUNDING * cells.limit
    near = (np.float32(cells.limit - slack), np.float32(cells.limit + slack), folded.astype(np.float32))
    room = most_in_reach(cells) + _LANES
    rows = (counting, counts, offsets, indices, distances)
    share(_list, parts_of(len(cells.order)), *cells, *near, room, *rows)


def histogram(cells: CellList, step: float, bins: int) -> NDArray[np.int64]:
    """Count unordered pairs in `bins` shells of width `step`."""
    threads = min(get_num_threads(), parts_of(len(cells.order)))
    counts = np.zeros((threads, bins + 1), np.int64)  # the last bin takes all that is farther
    share(_histogram, threads, *cells, most_in_reach(cells), float(step), counts)
    return counts.sum(axis=0)[:bins]


@kernel
def _list(
    part, parts, positions, order, cell_of, starts, shape, reach, width, sides, limit,
    low, high, folded, room, counting, counts, offsets, indices, distances,
):  # fmt: skip
    """Count the neighbours of the atoms of one part, or write their rows.

    Pairs whose squares are up to `low` are surely near enough, those above `high` surely not.
    """
    n = len(order)
    first, last, shift = _room_for_runs(reach)
    xs, ys, zs = np.empty(room, np.float32), np.empty(room, np.float32), np.empty(room, np.float32)
    rough, slots = np.empty(room, np.float32), np.empty(room, np.int32)
    found, atoms, squares = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
    lx, ly, lz = folded[0], folded[1], folded[2]
    before, base, met = np.int64(-1), 0, np.uint64(0)
    for s in range(n * part // parts, n * (part + 1) // parts):
        if cell_of[s] != before:
            before, base = cell_of[s], s
            runs = _runs(s, cell_of, starts, shape, reach, width, sides, limit, first, last, shift)
            met = _collect(positions, s, first, last, shift, runs, xs, ys, zs, slots)
        x = np.float32(positions[0, s] - positions[0, base])
        y = np.float32(positions[1, s] - positions[1, base])
        z = np.float32(positions[2, s] - positions[2, base])
        _squares(xs, ys, zs, met, x, y, z, lx, ly, lz, rough)
        if counting:
            sure, doubtful = _tally(rough, met, low, high)
            near = np.uint64(sure - 1)  # without the atom itself
            if doubtful > 0:
                hits = _keep(rough, slots, met, high, s, found)
                near = _measure(positions, sides, s, order, limit, found, hits, atoms, squares)
            counts[order[s]] = near
            continue
        hits = _keep(rough, slots, met, high, s, found)
        hits = _measure(positions, sides, s, order, limit, found, hits, atoms, squares)
        _write_sorted(atoms, squares, hits, indices, distances, np.uint64(offsets[order[s]]))


@kernel(inner=True)
def _room_for_runs(reach):
    """First and last slot of as many runs as there may be, and by how much each is moved."""
    most = 2 * (2 * reach[0] + 1) * (2 * reach[1] + 1)
    return np.empty(most, np.int64), np.empty(most, np.int64), np.empty((3, most))


@kernel(inner=True)
def _collect(positions, base, first, last, shift, runs, xs, ys, zs, slots):
    """Copy the atoms of the runs, as seen from one; return their number, with those far away that fill the last vector.

    Numbers of slots are unsigned here and below: an index that might be negative forbids vector instructions.
    """
    x, y, z = positions[0, base], positions[1, base], positions[2, base]
    n = np.uint64(0)
    for run in range(runs):
        sx, sy, sz = shift[0, run] - x, shift[1, run] - y, shift[2, run] - z
        for j in range(np.uint64(first[run]), np.uint64(last[run])):
            xs[n] = np.float32(positions[0, j] + sx)
            ys[n] = np.float32(positions[1, j] + sy)
            zs[n] = np.float32(positions[2, j] + sz)
            slots[n] = np.int32(j)
            n += np.uint64(1)
    while n % np.uint64(_LANES) != 0:
        xs[n] = np.float32(_FAR)
        ys[n] = np.float32(_FAR)
        zs[n] = np.float32(_FAR)
        slots[n] = np.int32(base)
        n += np.uint64(1)
    return n


@kernel(inner=True, forceinline=True)
def _square(dx, dy, dz, lx, ly, lz):
    """Square of the shortest image of a vector shorter than the sides of the box, in the precision that it has."""
    dx, dy, dz = abs(dx), abs(dy), abs(dz)
    dx, dy, dz = min(dx, lx - dx), min(dy, ly - dy), min(dz, lz - dz)
    return dx * dx + dy * dy + dz * dz


@kernel(inner=True)
def _squares(xs, ys, zs, n, x, y, z, lx, ly, lz, squares):
    """|r_i - r|² to the nearest image; the sides are infinite where there is no other that may be near."""
    for i in range(n):
        squares[i] = _square(xs[i] - x, ys[i] - y, zs[i] - z, lx, ly, lz)


@kernel(inner=True)
def _tally(squares, n, low, high):
    """How many squares are no larger than `low`, and how many lie between it and `high`."""
    sure, possible = np.int32(0), np.int32(0)
    for i in range(n):
        sure += np.int32(squares[i] <= low)
        possible += np.int32(squares[i] <= high)
    return sure, possible - sure


@kernel(inner=True)
def _keep(squares, slots, n, high, itself, found):
    """List the slots whose squares are no larger than `high`, without a branch: a miss is overwritten."""
    hits = np.uint64(0)
    for i in range(n):
        found[hits] = slots[i]
        hits += np.uint64((squares[i] <= high) & (slots[i] != itself))
    return hits


@kernel(inner=True)
def _measure(positions, sides, slot, order, limit, found, hits, atoms, squares):
    """Square distances from one slot to others, of those that are near enough; return their number."""
    x, y, z = positions[0, slot], positions[1, slot], positions[2, slot]
    lx, ly, lz = sides[0], sides[1], sides[2]
    n = np.uint64(0)
    for k in range(hits):
        j = np.uint32(found[k])
        square = _square(positions[0, j] - x, positions[1, j] - y, positions[2, j] - z, lx, ly, lz)
        squares[n] = square
        atoms[n] = order[j]
        n += np.uint64(square <= limit)
    return n


@kernel(inner=True)
def _write_sorted(atoms, squares, n, indices, distances, start):
    """Write one row in ascending order of its (distinct) neighbours, with square roots taken."""
    if n > 128:
        sort_by_key(atoms, squares, np.int64(n))
        for k in range(n):
            indices[start + np.uint64(k)] = atoms[k]
            distances[start + np.uint64(k)] = np.sqrt(squares[k])
        return
    for k in range(n):  # a neighbour's place is the number of smaller ones: vectorised, no branch
        neighbour = atoms[k]
        place = np.int32(0)
        for j in range(n):
            place = np.int32(place + (np.int32(1) if atoms[j] < neighbour else np.int32(0)))
        indices[start + np.uint64(place)] = neighbour
        distances[start + np.uint64(place)] = np.sqrt(squares[k])


@kernel(inner=True)
def sort_by_key(keys, values, n):
    """Sort the first n keys, ascending, and with each its value.

    A shell sort, for the gaps 1, 4, 13 …; numba's own sorting takes a second to compile.
    """
    gap = 1
    while gap < n // 9:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            key, value, hole = keys[i], values[i], i
            while hole >= gap and keys[hole - gap] > key:
                keys[hole], values[hole] = keys[hole - gap], values[hole - gap]
                hole -= gap
            keys[hole], values[hole] = key, value
        gap //= 3


@kernel
def _histogram(
    thread, threads, positions, order, cell_of, starts, shape, reach, width, sides, limit, room, step, counts
):  # fmt: skip
    """Count unordered pairs in shells of width `step`, every thread in a row of its own."""
    n = len(order)
    first, last, shift = _room_for_runs(reach)
    xs, ys, zs, shells = np.empty(room), np.empty(room), np.empty(room), np.empty(room, np.int32)
    lx, ly, lz = sides[0], sides[1], sides[2]
    mine = np.zeros(counts.shape[1], np.int64)
    base, met = 0, np.uint64(0)
    for chunk in range(thread, (n + _CHUNK - 1) // _CHUNK, threads):
        for s in range(_CHUNK * chunk, min(_CHUNK * chunk + _CHUNK, n)):
            if s == _CHUNK * chunk or cell_of[s] != cell_of[s - 1]:
                base = s
                runs = _runs(s, cell_of, starts, shape, reach, width, sides, limit, first, last, shift)
                met = _collect_later(positions, s, first, last, runs, xs, ys, zs)
            x, y, z = positions[0, s], positions[1, s], positions[2, s]
            later = np.uint64(s + 1 - base)
            _to_shells(xs, ys, zs, later, met, x, y, z, lx, ly, lz, 1 / step, float(len(mine) - 1), shells)
            for k in range(later, met):
                mine[np.uint32(shells[k])] += 1
    for k in range(len(mine)):
        counts[thread, k] = mine[k]


@kernel(inner=True)
def _collect_later(positions, base, first, last, runs, xs, ys, zs):
    """Copy the atoms of the runs from slot `base` on, that one and what follows it first; return their number."""
    n = np.uint64(0)
    for own in (True, False):
        for run in range(runs):
            start = max(first[run], base)
            if start >= last[run] or (start == base) != own:
                continue
            for j in range(np.uint64(start), np.uint64(last[run])):
                xs[n] = positions[0, j]
                ys[n] = positions[1, j]
                zs[n] = positions[2, j]
                n += np.uint64(1)
    return n


@kernel(inner=True)
def _to_shells(xs, ys, zs, start, end, x, y, z, lx, ly, lz, per_length, last, shells):
    """Distances to the nearest images as numbers of shells; the last holds all that is farther."""
    for i in range(start, end):
        square = _square(xs[i] - x, ys[i] - y, zs[i] - z, lx, ly, lz)
        shells[i] = np.int32(min(np.sqrt(square) * per_length, last))
