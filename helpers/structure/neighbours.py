"""Neighbours of every atom within a cutoff, found once and handed to every analysis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray

from helpers.checks import check_box, check_positions, check_positive

_REACH = (1, 1, 3)  # cells that span one cutoff along x, y, z: long thin runs along z are read in one go
_CELLS_PER_ATOM = 4  # the grid may not outgrow the atoms, however far they lie apart
_CHUNK = 256  # atoms that a thread takes at a time
_SLACK = 1e-6  # cells are this much wider than needed, so that rounding never hides a pair


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Every pair of atoms no farther apart than `cutoff`, stored row by row.

    The neighbours of atom i are ``indices[offsets[i]:offsets[i + 1]]``, in ascending order and without
    i itself. Both directions are stored: if j is in row i, i is in row j at the same distance.

    Attributes
    ----------
    offsets : (N + 1,) int64 array
        Where each atom's row starts.
    indices : (M,) int32 array
        The neighbours, row after row.
    distances : (M,) float64 array
        Their distances [Å].
    cutoff : float
        Largest distance [Å]; a pair at exactly this distance counts.
    box : (3,) float64 array or None
        Edge lengths of the periodic box [Å]; None for a finite sample.
    """

    offsets: NDArray[np.int64]
    indices: NDArray[np.int32]
    distances: NDArray[np.float64]
    cutoff: float
    box: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        """Number of atoms."""
        return len(self.offsets) - 1

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """(N,) number of neighbours of every atom."""
        return np.diff(self.offsets)

    @property
    def pairs(self) -> NDArray[np.int32]:
        """(M, 2) atoms i and j of every stored pair, in both directions, sorted."""
        first = np.repeat(np.arange(len(self), dtype=np.int32), self.counts)
        return np.column_stack([first, self.indices])

    @property
    def shortest(self) -> float:
        """Smallest distance between two atoms [Å]; infinity if no pair is within the cutoff."""
        return float(self.distances.min()) if len(self.distances) else float("inf")

    def of(self, atom: int) -> NDArray[np.int32]:
        """Return the neighbours of one atom, in ascending order."""
        if not -len(self) <= atom < len(self):
            raise IndexError(f"atom={atom} is not among the {len(self)} atoms; expected 0 to {len(self) - 1}")
        atom %= len(self)
        return self.indices[self.offsets[atom] : self.offsets[atom + 1]]

    def closer_than(self, distance: float) -> NDArray[np.int32]:
        """Return the pairs i < j, (K, 2), whose distance is below `distance` [Å].

        Use it to find atoms that coincide, or that lie nearer than atoms can: such pairs are kept in
        the list, at the distance they have.
        """
        pairs = self.pairs[self.distances < distance]
        return pairs[pairs[:, 0] < pairs[:, 1]]

    def within(self, cutoff: float) -> Neighbours:
        """Return the same list cut down to a smaller cutoff [Å]."""
        cutoff = check_positive("cutoff", cutoff)
        if cutoff > self.cutoff:
            raise ValueError(
                f"cutoff={cutoff:g} Å exceeds that of the neighbour list ({self.cutoff:g} Å); "
                "find the neighbours again with the larger cutoff"
            )
        keep = self.distances <= cutoff
        kept_before = np.concatenate([[0], np.cumsum(keep, dtype=np.int64)])
        return Neighbours(kept_before[self.offsets], self.indices[keep], self.distances[keep], cutoff, self.box)


def neighbours(positions: ArrayLike, cutoff: float, box: ArrayLike | None = None) -> Neighbours:
    """Find every pair of atoms no farther apart than a cutoff.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å]. With a box they may lie anywhere: they are wrapped into it.
    cutoff : float
        Largest distance of a pair [Å]; a pair at exactly this distance counts.
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; None for a finite sample.

    Returns
    -------
    Neighbours
        The list in compressed rows, both directions of every pair, no atom its own neighbour.

    Raises
    ------
    ValueError
        If positions are not finite (N, 3), or the cutoff is not positive or exceeds half the box.

    Notes
    -----
    Atoms are sorted into cells not smaller than the cutoff allows, counted, then written: time and
    memory grow with the number of atoms and of pairs alone, also when a few atoms lie far away. In a
    box every pair is taken once, at its nearest image. Atoms at the same place are neighbours at
    distance 0; `Neighbours.shortest` and `Neighbours.closer_than` show them.

    Examples
    --------
    >>> found = neighbours([[0, 0, 0], [3, 0, 0], [9, 0, 0]], 4.0)
    >>> found.counts.tolist(), found.of(0).tolist()
    ([1, 1, 0], [1])
    >>> neighbours([[0, 0, 0], [3, 0, 0], [9, 0, 0]], 4.0, box=10.0).of(0).tolist()
    [1, 2]
    """
    positions = check_positions(positions)
    cutoff = check_positive("cutoff", cutoff)
    lengths = check_box(box, cutoff=cutoff)
    if len(positions) >= 2**31 - 1:
        raise ValueError(f"positions holds {len(positions)} atoms; expected fewer than {2**31 - 1}")
    sides = np.full(3, np.inf) if lengths is None else lengths
    cells, shape, reach = _place_in_cells(positions, cutoff, sides)
    sorted_positions, order, cell_of, starts = _sort_by_cell(positions, sides, cells, shape)
    args = (sorted_positions, sides, order, cell_of, starts, shape, reach, cutoff**2)
    offsets = np.concatenate([[0], np.cumsum(_count(*args))])
    indices = np.empty(offsets[-1], dtype=np.int32)
    distances = np.empty(offsets[-1])
    _fill(*args, offsets, indices, distances)
    return Neighbours(offsets, indices, distances, cutoff, lengths)


def resolve_neighbours(
    positions: NDArray[np.float64],
    *,
    cutoff: float | None = None,
    box: ArrayLike | None = None,
    neighbours: Neighbours | None = None,
) -> Neighbours:
    """Return the neighbour list that an analysis was given, or find it.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    cutoff : float, optional
        Largest distance [Å]. With a given list it may be smaller than the list's own.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].
    neighbours : Neighbours, optional
        A list found before; used instead of searching again.

    Raises
    ------
    ValueError
        If neither cutoff nor list is given, or the list belongs to other atoms or another box.
    """
    if neighbours is None:
        if cutoff is None:
            raise ValueError("neither cutoff nor neighbours is given; pass a cutoff [Å] or a neighbour list")
        return _find(positions, cutoff, box)
    if not isinstance(neighbours, Neighbours):
        raise TypeError(f"neighbours is a {type(neighbours).__name__}; expected the result of structure.neighbours")
    if len(neighbours) != len(positions):
        raise ValueError(
            f"neighbours lists {len(neighbours)} atoms but positions holds {len(positions)}; "
            "find the neighbours of these positions"
        )
    lengths = check_box(box)
    if lengths is not None and (neighbours.box is None or not np.array_equal(lengths, neighbours.box)):
        raise ValueError(
            f"box={lengths.tolist()} differs from the box of the neighbour list "
            f"({None if neighbours.box is None else neighbours.box.tolist()}); find the neighbours in this box"
        )
    return neighbours if cutoff is None or cutoff == neighbours.cutoff else neighbours.within(cutoff)


_find = neighbours  # `neighbours` is also the name of the option above


def _place_in_cells(
    positions: NDArray[np.float64], cutoff: float, sides: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return each atom's cell (N, 3), the cells along each axis and how many of them a cutoff spans."""
    limit = _CELLS_PER_ATOM * len(positions) + 64
    reach = np.array(_REACH)
    periodic = np.isfinite(sides)
    origin = np.where(periodic, 0.0, positions.min(axis=0))
    extent = np.where(periodic, sides, positions.max(axis=0) - origin)
    edge = cutoff * (1 + _SLACK) / reach
    for attempt in range(100):
        with np.errstate(over="ignore"):
            count = np.maximum(np.floor(extent / edge), 1) + ~periodic
            width = np.where(periodic, extent / count, edge)
            small = np.prod(count) <= limit
            if attempt == 0 or small:
                cells = _cells(positions, origin, width, sides, count)
        if small:
            break
        if attempt == 0:  # leave out the slabs in which no atom lies
            ranks = [np.unique(cells[:, axis], return_inverse=True) for axis in range(3)]
            count = np.array([len(values) for values, _ in ranks], dtype=float)
            if np.prod(count) <= limit:
                cells = np.column_stack([rank.ravel() for _, rank in ranks])
                break
            reach = np.ones(3, dtype=np.int64)
            edge = np.full(3, cutoff * (1 + _SLACK))
        else:
            edge = edge * 1.26  # twice the volume
    return cells.astype(np.int64), count.astype(np.int64), reach.astype(np.int64)


@njit(cache=True)
def _wrapped(value, side):
    """Coordinate brought into [0, side); unchanged when the side is infinite."""
    if side == np.inf:
        return value
    value -= side * np.floor(value / side)
    return value if value < side else 0.0


@njit(parallel=True, cache=True)
def _cells(positions, origin, width, sides, count):
    """Cell coordinates as floats, for far-flung atoms may exceed any integer."""
    cells = np.empty(positions.shape)
    for i in prange(len(positions)):
        for axis in range(3):
            value = _wrapped(positions[i, axis], sides[axis])
            cell = np.floor((value - origin[axis]) / width[axis])
            cells[i, axis] = min(max(cell, 0.0), count[axis] - 1)
    return cells


@njit(cache=True)
def _sort_by_cell(positions, sides, cells, shape):
    """Counting sort: wrapped positions (3, N) in cell order, their atoms and cells, first slot of every cell."""
    n = len(positions)
    starts = np.zeros(shape[0] * shape[1] * shape[2] + 1, np.int64)
    flat = np.empty(n, np.int64)
    for i in range(n):
        flat[i] = (cells[i, 0] * shape[1] + cells[i, 1]) * shape[2] + cells[i, 2]
        starts[flat[i] + 1] += 1
    for c in range(len(starts) - 1):
        starts[c + 1] += starts[c]
    place = starts[:-1].copy()
    order = np.empty(n, np.int32)
    cell_of = np.empty(n, np.int64)
    sorted_positions = np.empty((3, n))
    for i in range(n):
        slot = place[flat[i]]
        place[flat[i]] += 1
        order[slot] = i
        cell_of[slot] = flat[i]
        for axis in range(3):
            sorted_positions[axis, slot] = _wrapped(positions[i, axis], sides[axis])
    return sorted_positions, order, cell_of, starts


@njit(cache=True)
def _span(cell, reach, count, side):
    """First and last cell within reach along one axis; in a box they may lie outside 0 ... count - 1."""
    if side == np.inf:
        return max(cell - reach, 0), min(cell + reach, count - 1)
    if 2 * reach + 1 >= count:
        return 0, count - 1
    return cell - reach, cell + reach


@njit(cache=True)
def _runs(slot, cell_of, starts, shape, reach, sides, first, last):
    """Write the runs of slots that hold every atom within reach of a slot's cell; return their number."""
    cell = cell_of[slot]
    iz = cell % shape[2]
    iy = cell // shape[2] % shape[1]
    ix = cell // (shape[2] * shape[1])
    x0, x1 = _span(ix, reach[0], shape[0], sides[0])
    y0, y1 = _span(iy, reach[1], shape[1], sides[1])
    z0, z1 = _span(iz, reach[2], shape[2], sides[2])
    runs = 0
    for jx in range(x0, x1 + 1):
        for jy in range(y0, y1 + 1):
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


@njit(cache=True)
def _square_distances(xs, ys, zs, x, y, z, lx, ly, lz, squares):
    """|r_i - r|² to the nearest image; the sides are infinite for a finite sample. Vectorised by LLVM."""
    for i in range(len(xs)):
        dx = abs(xs[i] - x)
        dy = abs(ys[i] - y)
        dz = abs(zs[i] - z)
        dx = min(dx, lx - dx)
        dy = min(dy, ly - dy)
        dz = min(dz, lz - dz)
        squares[i] = dx * dx + dy * dy + dz * dz


@njit(cache=True)
def _candidates(positions, sides, slot, first, last, runs, squares):
    """Square distances from one atom to every atom in the runs, one after the other."""
    x, y, z = positions[0, slot], positions[1, slot], positions[2, slot]
    done = 0
    for run in range(runs):
        a, b = first[run], last[run]
        _square_distances(
            positions[0, a:b],
            positions[1, a:b],
            positions[2, a:b],
            x,
            y,
            z,
            sides[0],
            sides[1],
            sides[2],
            squares[done : done + b - a],
        )
        done += b - a


@njit(cache=True)
def _total(first, last, runs):
    """Number of atoms in the runs."""
    total = 0
    for run in range(runs):
        total += last[run] - first[run]
    return total


@njit(parallel=True, cache=True)
def _count(positions, sides, order, cell_of, starts, shape, reach, limit):
    """Number of neighbours of every atom, in the caller's order."""
    n = len(order)
    counts = np.empty(n, np.int64)
    most = 2 * (2 * reach[0] + 1) * (2 * reach[1] + 1)
    for chunk in prange((n + _CHUNK - 1) // _CHUNK):
        first = np.empty(most, np.int64)
        last = np.empty(most, np.int64)
        squares = np.empty(256)
        runs, total = 0, 0
        for s in range(_CHUNK * chunk, min(_CHUNK * chunk + _CHUNK, n)):
            if s == _CHUNK * chunk or cell_of[s] != cell_of[s - 1]:
                runs = _runs(s, cell_of, starts, shape, reach, sides, first, last)
                total = _total(first, last, runs)
                if total > len(squares):
                    squares = np.empty(2 * total)
            _candidates(positions, sides, s, first, last, runs, squares)
            found = -1  # the atom itself
            for square in squares[:total]:
                found += square <= limit
            counts[order[s]] = found
    return counts


@njit(parallel=True, cache=True)
def _fill(positions, sides, order, cell_of, starts, shape, reach, limit, offsets, indices, distances):
    """Write every atom's row of neighbours and distances, sorted by neighbour."""
    n = len(order)
    most = 2 * (2 * reach[0] + 1) * (2 * reach[1] + 1)
    for chunk in prange((n + _CHUNK - 1) // _CHUNK):
        first = np.empty(most, np.int64)
        last = np.empty(most, np.int64)
        squares = np.empty(256)
        found = np.empty(257, np.int32)
        runs, total = 0, 0
        for s in range(_CHUNK * chunk, min(_CHUNK * chunk + _CHUNK, n)):
            if s == _CHUNK * chunk or cell_of[s] != cell_of[s - 1]:
                runs = _runs(s, cell_of, starts, shape, reach, sides, first, last)
                total = _total(first, last, runs)
                if total > len(squares):
                    squares = np.empty(2 * total)
                    found = np.empty(2 * total + 1, np.int32)
            _candidates(positions, sides, s, first, last, runs, squares)
            hits, k = 0, 0
            for run in range(runs):
                for t in range(first[run], last[run]):  # without a branch: a miss is overwritten
                    square = squares[k]
                    squares[hits] = square
                    found[hits] = order[t]
                    hits += (square <= limit) & (t != s)
                    k += 1
            a, b = offsets[order[s]], offsets[order[s] + 1]
            _write_sorted(found[:hits], squares[:hits], indices[a:b], distances[a:b])


@njit(cache=True)
def _write_sorted(found, squares, indices, distances):
    """Write one row in ascending order of its (distinct) neighbours, with square roots taken."""
    if len(found) > 128:
        rank = np.argsort(found)
        for k in range(len(found)):
            indices[k] = found[rank[k]]
            distances[k] = np.sqrt(squares[rank[k]])
        return
    for k in range(len(found)):  # a neighbour's place is the number of smaller ones: vectorised, no branch
        neighbour = found[k]
        place = np.int32(0)
        for j in range(len(found)):
            place = np.int32(place + (np.int32(1) if found[j] < neighbour else np.int32(0)))
        indices[place] = neighbour
        distances[place] = np.sqrt(squares[k])
