"""Kernels that find rings of tetrahedra around their common edge.

The star of an atom lists the tetrahedra of which it is not the last corner: the row of each and its three other atoms,
16 bytes in all. Every edge is looked up in the star of its first atom alone, so that one atom after the other is read
in order and nothing is looked up elsewhere, in whatever order the atoms lie in space. What is found there is written
down in short, and read once more in the order of the lowest tetrahedra.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel, parts_of, share

FOLDS = (4, 5, 6, 7, 8)  # rings that count as closed

_LEAST, _MOST = FOLDS[0], FOLDS[-1]
_BLOCK = 8192  # tetrahedra whose rings one thread writes in one go
_PARTS = 4  # of the stars, so that what a thread fills is near enough to stay in the cache


class Stars(NamedTuple):
    """The tetrahedra around atoms.

    starts (A + 1,): where each star begins; table (S, 4): tetrahedron and its three other atoms; edges (A + 1,): edges
    of tetrahedra that lead from earlier atoms to later ones; widest: most tetrahedra in one.
    """

    starts: NDArray[np.int64]
    table: NDArray[np.int32]
    edges: NDArray[np.int64]
    widest: int


class Rings(NamedTuple):
    """Closed rings, each in the row of its lowest tetrahedron and at the place of its edge there.

    lengths (M, 6): how many tetrahedra, 0 where there is no ring; places (M, 6): where in `records` the others are,
    n - 1 tetrahedra, then n - 2 atoms, as one goes round; in_ring (M,): which tetrahedra are in any.
    """

    lengths: NDArray[np.int8]
    places: NDArray[np.integer]
    records: NDArray[np.int32]
    in_ring: NDArray[np.bool_]


def make_stars(rows: NDArray[np.int64]) -> Stars:
    """List the tetrahedra around every atom."""
    starts, edges = np.zeros((2, int(rows[:, 3].max()) + 2), np.int64)
    _count_stars(rows, starts, edges)
    table = np.empty((starts[-1], 4), np.int32)  # by numpy, which asks for large pages, and kernels do not
    share(_fill_stars, _PARTS, rows, starts, starts[:-1].copy(), table)
    return Stars(starts, table, edges, int(np.diff(starts).max()))


def find_rings(stars: Stars, count: int) -> tuple[Rings, NDArray[np.int32], int]:
    """Find the closed rings of `count` tetrahedra, and what lies across their faces.

    Returns the rings; the tetrahedron across the face opposite to each corner (M, 4), -1 if there is none; and the last
    tetrahedron that is the third at some face, or -1.
    """
    room = 13 * int(stars.edges[-1]) // 8  # a ring of n has n of the edges and 2 n - 3 <= 13 n / 8 numbers
    rings = Rings(
        np.zeros((count, 6), np.int8),
        np.empty((count, 6), np.int32 if room < 2**31 else np.int64),
        np.empty(room, np.int32),
        np.zeros(count, np.bool_),
    )
    parts = parts_of(len(stars.starts) - 1)
    facing, overfull = np.full((count, 4), -1, np.int32), np.full(parts, -1, np.int64)
    share(_measure_rings, parts, *stars, *rings, facing, overfull)
    return rings, facing, int(overfull.max())


def write_rings(
    rows: NDArray[np.int64], rings: Rings
) -> dict[int, tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Return tetrahedra (K, n), caps (K, 2) and atoms (K, n) of the rings of every n."""
    counts = _count_rings(rings.lengths)
    first = np.cumsum(counts, axis=0) - counts
    found = {}
    for n in FOLDS:
        count = int(counts[:, n].sum())
        found[n] = np.empty((count, n), np.int64), np.empty((count, 2), np.int64), np.empty((count, n), np.int64)
        if count:
            ring = (rings.lengths, rings.places, rings.records)
            share(_write_rings, len(first), rows, *ring, n, first[:, n].copy(), *found[n])
    return found


@kernel
def _count_stars(rows, starts, edges):
    """Where every star begins, and how many edges to later atoms there are before."""
    for t in range(len(rows)):
        for corner in range(3):
            starts[rows[t, corner] + 1] += 1
            edges[rows[t, corner] + 1] += 3 - corner
    for a in range(len(starts) - 1):
        starts[a + 1] += starts[a]
        edges[a + 1] += edges[a]


@kernel
def _fill_stars(part, parts, rows, starts, ends, table):
    """Tetrahedra of some stars, in the order of their rows, all of which are read."""
    atoms = len(starts) - 1
    low, high = atoms * part // parts, atoms * (part + 1) // parts
    for t in range(len(rows)):
        for corner in range(3):
            a = rows[t, corner]
            if a < low or a >= high:
                continue
            s = ends[a]
            ends[a] += 1
            table[s, 0] = t
            table[s, 1] = rows[t, 1 if corner == 0 else 0]
            table[s, 2] = rows[t, 1 if corner == 2 else 2]
            table[s, 3] = rows[t, 3]


@kernel
def _measure_rings(
    part, parts, starts, star, before, widest, lengths, places, records, in_ring, facing, all_overfull
):  # fmt: skip
    """Rings around the edges from some atoms to later ones."""
    start, stop = (len(starts) - 1) * part // parts, (len(starts) - 1) * (part + 1) // parts
    ends = np.empty(3 * widest, np.int32)  # the second atoms of the edges from one atom
    head = np.empty(3 * widest, np.int32)
    tail = np.empty(3 * widest, np.int32)
    after = np.empty(3 * widest, np.int32)  # of the tetrahedra at one edge, the next; 3 s + corner, counted from 0
    members = np.empty((3, widest), np.int32)
    links = np.empty((2, widest), np.int32)
    overfull = -1
    free = 13 * before[start] // 8
    for a in range(start, stop):
        low, size, edges = starts[a], starts[a + 1] - starts[a], 0
        for m in range(size):
            for corner in range(3):
                b = star[low + m, corner + 1]
                if b < a:
                    continue
                edge = 0
                while edge < edges and ends[edge] != b:
                    edge += 1
                if edge == edges:
                    ends[edge] = b
                    head[edge] = 3 * m + corner
                    edges += 1
                else:
                    after[tail[edge]] = 3 * m + corner
                tail[edge] = 3 * m + corner
                after[3 * m + corner] = -1
        for edge in range(edges):
            if head[edge] == tail[edge]:  # one tetrahedron alone shares no face here
                continue
            b = ends[edge]
            n = 0
            place = head[edge]
            while place >= 0:
                m, corner = place // 3, place % 3
                members[0, n] = star[low + m, 0]
                members[1, n] = star[low + m, 2 if corner == 0 else 1]
                members[2, n] = star[low + m, 2 if corner == 2 else 3]
                n += 1
                place = after[place]
            overfull = max(overfull, _link(members, n, links))
            _mark_faces(a, b, members, n, links, facing)
            if n >= _LEAST:
                free = _mark_rings(a, b, members, n, links, lengths, places, records, in_ring, free)
    all_overfull[part] = overfull


@kernel(inner=True)
def _link(members, n, links):
    """Join the tetrahedra around an edge that share a face; return the last that is the third at one, or -1.

    A column of `members` holds a tetrahedron and its two atoms beyond the edge; `links` tells the column of
    the tetrahedron with which it shares either atom, or -1.
    """
    overfull = -1
    for m in range(n):
        links[0, m] = -1
        links[1, m] = -1
        for k in range(m):
            for side in range(2):
                atom = members[side + 1, m]
                other = 0 if members[1, k] == atom else 1
                if members[other + 1, k] == atom:
                    if links[other, k] >= 0:
                        overfull = max(overfull, members[0, m])
                    links[other, k] = m
                    links[side, m] = k
    return overfull


@kernel(inner=True)
def _mark_rings(a, b, members, n, links, lengths, places, records, in_ring, free):
    """Write down every ring around the edge from a to b, in `records` from `free` on; return what is free then."""
    walk = np.empty(_MOST, np.int32)
    atoms = np.empty(_MOST, np.int32)
    for first in range(n):
        here, side, steps = first, 1, 0  # a walk leaves through the face that holds atom `side`
        while steps < _MOST:
            walk[steps] = members[0, here]
            atoms[steps] = members[2 - side, here]
            ahead = links[side, here]
            steps += 1
            if ahead <= first:  # closed, open, or round a ring that an earlier one began
                break
            side = 1 if members[1, ahead] == members[side + 1, here] else 0
            here = ahead
        if ahead != first or steps < _LEAST:
            continue
        t, c, d = members[0, first], members[1, first], members[2, first]
        back = int(a < c) + int(b < c)
        front = int(a < d) + int(b < d) + 1
        edge = front - 1 if back == 0 else back + front
        lengths[t, edge] = steps
        places[t, edge] = free
        for m in range(steps):
            in_ring[walk[m]] = True
        for m in range(1, steps):
            records[free] = walk[m]
            free += 1
        for m in range(2, steps):
            records[free] = atoms[m]
            free += 1
    return free


@kernel(inner=True)
def _mark_faces(a, b, members, n, links, facing):
    """Write down what lies across the faces whose first two atoms are a and b."""
    for m in range(n):
        for side in range(2):
            c, d = members[side + 1, m], members[2 - side, m]
            if c > b and links[side, m] >= 0:
                facing[members[0, m], int(a < d) + int(b < d) + int(c < d)] = members[0, links[side, m]]


@kernel
def _count_rings(lengths):
    """Rings of every length in each block of tetrahedra."""
    counts = np.zeros(((len(lengths) + _BLOCK - 1) // _BLOCK, _MOST + 1), np.int64)
    for t in range(len(lengths)):
        for edge in range(6):
            counts[t // _BLOCK, lengths[t, edge]] += 1
    return counts


@kernel
def _write_rings(part, parts, rows, lengths, places, records, n, first, tetrahedra, caps, ring):
    """Write the rings of n of one block of tetrahedra, in their order.

    A ring starts with its lowest atom and goes on to the lower of that one's neighbours.
    """
    walk = np.empty(_MOST, np.int64)
    atoms = np.empty(_MOST, np.int64)
    k, start = first[part], part * _BLOCK
    for t in range(start, min(len(rows), start + _BLOCK)):
        for edge in range(6):
            if lengths[t, edge] != n:
                continue
            back = 0 if edge < 3 else (1 if edge < 5 else 2)
            front = edge + 1 if edge < 3 else (edge - 1 if edge < 5 else 3)
            place = places[t, edge]
            walk[0], atoms[0], atoms[1] = t, rows[t, back], rows[t, front]
            for m in range(1, n):
                walk[m] = records[place + m - 1]
            for m in range(2, n):
                atoms[m] = records[place + n - 3 + m]
            caps[k, 0] = rows[t, 0 if back > 0 else (1 if front > 1 else 2)]
            caps[k, 1] = rows[t, 3 if front < 3 else (2 if back < 2 else 1)]
            lowest = 0
            for m in range(1, n):
                if atoms[m] < atoms[lowest]:
                    lowest = m
            forwards = atoms[(lowest + 1) % n] < atoms[(lowest - 1) % n]
            for m in range(n):
                if forwards:
                    ring[k, m] = atoms[(lowest + m) % n]
                    tetrahedra[k, m] = walk[(lowest + m) % n]
                else:
                    ring[k, m] = atoms[(lowest - m) % n]
                    tetrahedra[k, m] = walk[(lowest - m - 1) % n]
            k += 1
