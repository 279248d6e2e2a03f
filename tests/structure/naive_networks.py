"""Slow, obvious second versions of sharing, networks, bond rings and bond angles."""

from __future__ import annotations

from collections import deque
from itertools import combinations

import numpy as np


def shared(motif):
    """{(first, second): number of tetrahedra in common} of the bipyramids that have any."""
    members = [set(row) for row in motif.tetrahedra.tolist()]
    common = {(i, j): len(members[i] & members[j]) for i, j in combinations(range(len(members)), 2)}
    return {pair: count for pair, count in common.items() if count}


def components(count, pairs):
    """Sets of nodes that the pairs join."""
    near = {node: set() for node in range(count)}
    for i, j in pairs:
        near[i].add(j)
        near[j].add(i)
    left, found = set(near), []
    while left:
        queue, piece = deque([left.pop()]), set()
        while queue:
            node = queue.popleft()
            piece.add(node)
            queue.extend(near[node] - piece)
        left -= piece
        found.append(frozenset(piece))
    return found


def distances(positions, box=None):
    """All distances to the nearest image."""
    apart = positions[:, None] - positions[None]
    if box is not None:
        apart -= box * np.round(apart / box)
    return np.linalg.norm(apart, axis=2)


def bond_rings(positions, cutoff, box=None):
    """{(i, j): (common neighbours, n or 0)}."""
    bonded = (distances(positions, box) <= cutoff) & ~np.eye(len(positions), dtype=bool)
    found = {}
    for i, j in np.argwhere(np.triu(bonded)).tolist():
        common = np.flatnonzero(bonded[i] & bonded[j])
        inner = bonded[np.ix_(common, common)]
        pairs = np.argwhere(np.triu(inner)).tolist()
        closed = len(common) >= 3 and (inner.sum(axis=1) == 2).all() and len(components(len(common), pairs)) == 1
        found[i, j] = (len(common), len(common) if closed else 0)
    return found


def bond_angles(positions, cutoff, box=None):
    """Every angle between two bonds [degrees]."""
    apart = positions[None] - positions[:, None]
    if box is not None:
        apart -= box * np.round(apart / box)
    length = np.linalg.norm(apart, axis=2)
    angles = []
    for i in range(len(positions)):
        near = [j for j in range(len(positions)) if j != i and length[i, j] <= cutoff]
        for j, k in combinations(near, 2):
            cosine = apart[i, j] @ apart[i, k] / (length[i, j] * length[i, k])
            angles.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    return np.array(angles)
