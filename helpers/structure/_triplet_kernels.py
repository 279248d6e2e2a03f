"""Kernels that find triplets: rows of three tetrahedra, an open end of a chain that closes nowhere.

Few tetrahedra of a dense packing are in no ring, and only these are looked at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels import kernel, parts_of, share
from ._ring_kernels import FOLDS

_LEAST, _MOST = FOLDS[0], FOLDS[-1]
_PAIRS = np.array([(i, j) for i in range(4) for j in range(i + 1, 4)])  # of faces, in the order of their bits


def find_triplets(facing: NDArray[np.int32], in_ring: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return first, middle and last tetrahedron of each triplet, first < last, in the order of the middle ones.

    `facing` (M, 4) and `in_ring` (M,) are those of `_ring_kernels.find_rings`.
    """
    middles = np.flatnonzero(~in_ring)
    bits = np.zeros(len(middles), np.uint8)
    share(_middles, parts_of(len(middles)), facing, in_ring, middles, bits)
    return _list_triplets(middles, bits, facing)


@kernel
def _middles(part, parts, facing, in_ring, middles, bits):
    """For some tetrahedra six bits: which pairs of their four faces lead to the ends of a triplet."""
    reached = np.empty(1 + 4 * 40, np.int64)  # 1 + 4 + 12 + 36 + 108 tetrahedra at most four steps away
    label = np.empty(len(reached), np.int64)
    depth = np.empty(len(reached), np.int64)
    for row in range(len(middles) * part // parts, len(middles) * (part + 1) // parts):
        t = middles[row]
        own = -1  # whether t is part of a closed walk: not known yet
        bit = 0
        for i in range(4):
            u = np.int64(facing[t, i])
            for j in range(i + 1, 4):
                w = np.int64(facing[t, j])
                bit += 1
                if u < 0 or w < 0 or in_ring[u] or in_ring[w] or _face_each_other(facing, u, w):
                    continue
                further = _has_further(facing, u, t)
                if further and _has_further(facing, w, t):
                    continue
                end = u if further else w
                if own < 0:
                    own = _in_closed_walk(facing, t, reached, label, depth)
                if own == 0 and not (
                    _has_further(facing, end, t) and _in_closed_walk(facing, end, reached, label, depth) == 1
                ):
                    bits[row] |= np.uint8(1 << (bit - 1))


@kernel(inner=True)
def _face_each_other(facing, t, u):
    return facing[t, 0] == u or facing[t, 1] == u or facing[t, 2] == u or facing[t, 3] == u


@kernel(inner=True)
def _has_further(facing, t, known):
    """Whether t shares a face with any tetrahedron but a known one."""
    for corner in range(4):
        u = facing[t, corner]
        if u >= 0 and u != known:
            return True
    return False


@kernel(inner=True)
def _in_closed_walk(facing, t, reached, label, depth):
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
            u = facing[reached[at], corner]
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


def _list_triplets(middles: NDArray[np.int64], bits: NDArray[np.uint8], facing: NDArray[np.int32]) -> NDArray[np.int64]:
    """(first, middle, last) of each triplet, first < last."""
    some = np.flatnonzero(bits)  # few
    row, pair = np.nonzero(bits[some, None] >> np.arange(len(_PAIRS), dtype=np.uint8) & 1)
    middle = middles[some[row]]
    ends = facing[middle[:, None], _PAIRS[pair]]
    return np.column_stack([ends.min(axis=1), middle, ends.max(axis=1)]).astype(np.int64)
