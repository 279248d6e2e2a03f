"""Kernels that find triplets: rows of three tetrahedra, an open end of a chain that closes nowhere.

Few tetrahedra of a dense packing are in no ring; what shares a face with them is looked up in the stars of
`_ring_kernels`. Where they are many, all faces are listed first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel, parts_of, share
from ._ring_kernels import FOLDS, Stars, face_neighbours

_LEAST, _MOST = FOLDS[0], FOLDS[-1]
_MANY = 0.02  # share of the tetrahedra in no ring from which all faces are listed first, in 16 bytes each


def find_triplets(rows: NDArray[np.int64], stars: Stars, in_ring: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return first, middle and last tetrahedron of each triplet, first < last, in the order of the middle ones."""
    middles = np.flatnonzero(~in_ring)
    many = len(middles) > _MANY * len(rows)
    facing = face_neighbours(stars, len(rows)) if many else np.empty((0, 4), np.int32)
    bits, ends = np.zeros(len(middles), np.uint8), np.empty((len(middles), 4), np.int64)
    given = (rows, stars.starts, stars.table, facing, in_ring, middles)
    share(_middles, parts_of(len(middles)), *given, bits, ends)
    return _list_triplets(middles, bits, ends)


@kernel
def _middles(part, parts, rows, starts, star, facing, in_ring, middles, bits, ends):
    """For some tetrahedra six bits: which pairs of their four faces lead to the ends of a triplet."""
    reached = np.empty(1 + 4 * 40, np.int64)  # 1 + 4 + 12 + 36 + 108 tetrahedra at most four steps away
    label = np.empty(len(reached), np.int64)
    depth = np.empty(len(reached), np.int64)
    for row in range(len(middles) * part // parts, len(middles) * (part + 1) // parts):
        t = middles[row]
        own = -1  # whether t is part of a closed walk: not known yet
        bit = 0
        for corner in range(4):
            ends[row, corner] = _across(rows, starts, star, facing, t, corner)
        for i in range(4):
            u = ends[row, i]
            for j in range(i + 1, 4):
                w = ends[row, j]
                bit += 1
                if u < 0 or w < 0 or in_ring[u] or in_ring[w] or _face_each_other(rows, starts, star, facing, u, w):
                    continue
                further = _has_further(rows, starts, star, facing, u, t)
                if further and _has_further(rows, starts, star, facing, w, t):
                    continue
                end = u if further else w
                if own < 0:
                    own = _in_closed_walk(rows, starts, star, facing, t, reached, label, depth)
                if own == 0 and not (
                    _has_further(rows, starts, star, facing, end, t)
                    and _in_closed_walk(rows, starts, star, facing, end, reached, label, depth) == 1
                ):
                    bits[row] |= np.uint8(1 << (bit - 1))


@kernel(inner=True)
def _across(rows, starts, star, facing, t, corner):
    """Tetrahedron across the face opposite to a corner, or -1: from `facing` or, if that is empty, the star."""
    if len(facing) > 0:
        return np.int64(facing[t, corner])
    first = rows[t, 1 if corner == 0 else 0]
    second = rows[t, 1 if corner > 1 else 2]
    third = rows[t, 2 if corner == 3 else 3]
    for s in range(starts[first], starts[first + 1]):
        place = 1 if star[s, 1] == second else 2  # the others of a star are in order: second comes before third
        if star[s, place] == second and (star[s, place + 1] == third or star[s, 3] == third) and star[s, 0] != t:
            return np.int64(star[s, 0])
    return np.int64(-1)


@kernel(inner=True)
def _face_each_other(rows, starts, star, facing, t, u):
    faces = 0
    for corner in range(4):
        faces += _across(rows, starts, star, facing, t, corner) == u
    return faces > 0


@kernel(inner=True)
def _has_further(rows, starts, star, facing, t, known):
    """Whether t shares a face with any tetrahedron but a known one."""
    for corner in range(4):
        u = _across(rows, starts, star, facing, t, corner)
        if u >= 0 and u != known:
            return True
    return False


@kernel(inner=True)
def _in_closed_walk(rows, starts, star, facing, t, reached, label, depth):
    """1 if some walk through faces comes back to t after 4 … 8 tetrahedra and visits none twice, else 0.

    Breadth first to half the longest walk, each tetrahedron labelled by the face of t through which it was
    reached first. Two neighbours with different labels, d and e steps away, close a walk of d + e + 1.
    """
    reached[0] = t
    label[0] = -1
    depth[0] = 0
    count = 1
    at = 0
    while at < count and depth[at] < _MOST // 2:
        for corner in range(4):
            u = _across(rows, starts, star, facing, reached[at], corner)
            if u < 0 or u == t:
                continue
            seen = -1
            for m in range(1, count):
                if reached[m] == u:
                    seen = m
                    break
            if seen < 0:
                reached[count] = u
                label[count] = corner if at == 0 else label[at]
                depth[count] = depth[at] + 1
                count += 1
            elif at > 0 and label[seen] != label[at]:
                steps = depth[seen] + depth[at] + 1
                if _LEAST <= steps <= _MOST:
                    return 1
        at += 1
    return 0


@kernel
def _list_triplets(middles, bits, ends):
    """(first, middle, last) of each triplet, first < last."""
    count = 0
    for row in range(len(bits)):
        for bit in range(6):
            count += (bits[row] >> bit) & 1
    triplets = np.empty((count, 3), np.int64)
    k = 0
    for row in range(len(bits)):
        bit = 0
        if bits[row] == 0:
            continue
        for i in range(4):
            for j in range(i + 1, 4):
                if (bits[row] >> bit) & 1:
                    triplets[k, 0] = min(ends[row, i], ends[row, j])
                    triplets[k, 1] = middles[row]
                    triplets[k, 2] = max(ends[row, i], ends[row, j])
                    k += 1
                bit += 1
    return triplets
