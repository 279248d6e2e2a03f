"""Slow, obvious second versions of the tetrahedron and motif searches."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations, product

import numpy as np
from scipy.spatial import Delaunay


def shapes(corners):
    """Longest edge, distortion and circumradius of (M, 4, 3) corners."""
    i, j = np.triu_indices(4, 1)
    edges = np.linalg.norm(corners[:, i] - corners[:, j], axis=2)
    spokes = corners[:, 1:] - corners[:, :1]
    with np.errstate(all="ignore"):
        flat = np.abs(np.linalg.det(spokes)) < 1e-12
        spokes[flat] = np.eye(3) * 1e6
        centre = np.linalg.solve(2 * spokes, (spokes**2).sum(axis=2)[..., None])[..., 0]
    radius = np.where(flat, np.inf, np.linalg.norm(centre, axis=1))
    return edges.max(axis=1), edges.max(axis=1) / edges.mean(axis=1) - 1, radius


def delaunay_tetrahedra(positions, cutoff, delta, max_radius=4.0, box=None):
    """Qhull's tetrahedra, filtered; a box is replaced by explicit images all around."""
    n = len(positions)
    points = positions
    owner = np.arange(n)
    if box is not None:
        box = np.broadcast_to(box, 3)
        wrapped = positions % box
        reach = np.ceil((2 * max_radius + cutoff) / box).astype(int)
        shifts = np.array(list(product(*(range(-r, r + 1) for r in reach)))) * box
        shifts = shifts[np.argsort(np.abs(shifts).sum(axis=1), kind="stable")]  # the box itself first
        points = (wrapped[None] + shifts[:, None]).reshape(-1, 3)
        owner = np.tile(np.arange(n), len(shifts))
        margin = 2 * max_radius + 0.01  # no sphere through an atom of the box reaches farther
        near = ((points > -margin) & (points < box + margin)).all(axis=1)
        points, owner = points[near], owner[near]
    simplices = Delaunay(points).simplices
    longest, distortion, radius = shapes(points[simplices])
    keep = (longest <= cutoff) & (distortion <= delta) & (radius <= max_radius)
    if box is not None:
        keep &= (simplices < n).any(axis=1)  # with a corner in the box itself
    rows = np.unique(np.sort(owner[simplices[keep]], axis=1), axis=0)
    return rows.reshape(-1, 4)


def rings(tetrahedra):
    """{n: set of (caps, cyclic ring of tetrahedra as a frozenset of neighbouring pairs)}."""
    around = defaultdict(list)
    for t, row in enumerate(np.asarray(tetrahedra).tolist()):
        for a, b in combinations(sorted(row), 2):
            around[a, b].append((t, *(x for x in row if x not in (a, b))))
    found = defaultdict(set)
    for caps, links in around.items():
        if not 4 <= len(links) <= 8:
            continue
        degree = Counter(x for _, c, d in links for x in (c, d))
        if set(degree.values()) != {2}:
            continue
        order = [links[0]]
        while len(order) < len(links):
            step = [k for k in links if k not in order and set(k[1:]) & set(order[-1][1:])]
            if not step:
                break
            order.append(step[0])
        if len(order) == len(links):
            pairs = frozenset(frozenset((order[m - 1][0], order[m][0])) for m in range(len(order)))
            found[len(links)].add((caps, pairs))
    return found


def face_neighbours(tetrahedra):
    """Tetrahedra that share three atoms with each."""
    faces = defaultdict(list)
    for t, row in enumerate(np.asarray(tetrahedra).tolist()):
        for face in combinations(sorted(row), 3):
            faces[face].append(t)
    near = defaultdict(set)
    for members in faces.values():
        for t, u in combinations(members, 2):
            near[t].add(u)
            near[u].add(t)
    return near


def in_closed_walk(near, start, shortest=4, longest=8):
    """Whether a simple closed walk of an allowed length passes through a tetrahedron: depth first."""

    def follow(path):
        for u in near[path[-1]]:
            if u == start and len(path) >= shortest:
                return True
            if u not in path and len(path) < longest and follow([*path, u]):
                return True
        return False

    return follow([start])


def triplets(tetrahedra):
    """Set of (first, middle, last), first < last."""
    near = face_neighbours(tetrahedra)
    closed = {t: in_closed_walk(near, t) for t in list(near)}
    found = set()
    for middle in list(near):
        for first, last in combinations(sorted(near[middle]), 2):
            if last in near[first] or closed[first] or closed[middle] or closed[last]:
                continue
            if len(near[first]) == 1 or len(near[last]) == 1:
                found.add((first, middle, last))
    return found


def as_set(motif):
    """The bipyramids of a motif in the form of `rings`."""
    return {
        (tuple(caps), frozenset(frozenset((ring[m - 1], ring[m])) for m in range(len(ring))))
        for caps, ring in zip(motif.caps.tolist(), motif.tetrahedra.tolist(), strict=True)
    }
