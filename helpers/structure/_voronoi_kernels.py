"""Kernels of the Voronoi tessellation: one convex cell an atom, cut from a block by the planes of its neighbours.

`corners`, `edges` and `planes` are those of `_voronoi_cells`; `near` (4, most) and `order` are the atoms found near the
central one: coordinates X, Y and Z from it, the KEY d², by which they are sorted, and where each stood before; `grid`
holds the atoms sorted into cells (`helpers.geometry._cells.Grid`).
"""

from __future__ import annotations

import numpy as np

from ..geometry._pair_kernels import sort_by_key
from ..geometry.boxes import _shift
from ..kernels import kernel
from ._voronoi_cells import (
    BROKEN,
    COINCIDENT,
    FACE,
    FAR,
    FULL,
    LINK,
    X,
    Y,
    Z,
    cut,
    farthest,
    measure,
    start,
    worst_tetrahedron,
)

KEY = 3  # row of `near`, after X, Y and Z
WIDEST = 32  # faces with more edges than this are counted as having this many
_ON_PLANE = 1e-10  # a vertex this near a plane [Å] lies on it and stays
_SAME_PLACE = 1e-6  # atoms nearer than this coincide [Å]


@kernel(inner=True)
def _gather(grid, i, low, high, near, order):
    """List and sort the atoms with low < d² <= high about atom i; return how many, FULL or COINCIDENT."""
    positions, first, cells, width, origin, sides = (
        grid.positions, grid.starts, grid.shape, grid.width, grid.origin, grid.sides,
    )  # fmt: skip
    reach = np.sqrt(high)
    x, y, z = positions[0, i], positions[1, i], positions[2, i]
    a0, a1 = int(np.floor((x - reach - origin[0]) / width[0])), int(np.floor((x + reach - origin[0]) / width[0]))
    b0, b1 = int(np.floor((y - reach - origin[1]) / width[1])), int(np.floor((y + reach - origin[1]) / width[1]))
    c0, c1 = int(np.floor((z - reach - origin[2]) / width[2])), int(np.floor((z + reach - origin[2]) / width[2]))
    if sides[0] == np.inf:
        a0, b0, c0 = max(a0, 0), max(b0, 0), max(c0, 0)
        a1, b1, c1 = min(a1, cells[0] - 1), min(b1, cells[1] - 1), min(c1, cells[2] - 1)
    n, same = np.int64(0), 0
    for a in range(a0, a1 + 1):
        wrap_a = a // cells[0]
        for b in range(b0, b1 + 1):
            wrap_b = b // cells[1]
            row = ((a - wrap_a * cells[0]) * cells[1] + b - wrap_b * cells[1]) * cells[2]
            c = c0
            while c <= c1:  # a run of grid cells along z, up to where the box wraps
                wrap_c = c // cells[2]
                stop = min(c1 + 1, (wrap_c + 1) * cells[2])
                sx, sy, sz = x - _shift(wrap_a, sides[0]), y - _shift(wrap_b, sides[1]), z - _shift(wrap_c, sides[2])
                begin = first[row + c - wrap_c * cells[2]]
                end = first[row + stop - wrap_c * cells[2]]
                c = stop
                if n + end - begin > near.shape[1]:
                    return FULL
                for j in range(begin, end):  # without a branch: a miss is overwritten
                    dx, dy, dz = positions[0, j] - sx, positions[1, j] - sy, positions[2, j] - sz
                    square = dx * dx + dy * dy + dz * dz
                    near[X, n], near[Y, n], near[Z, n], near[KEY, n] = dx, dy, dz, square
                    same += square <= _SAME_PLACE * _SAME_PLACE
                    n += (square > low) & (square <= high)
    if same > 1:
        return COINCIDENT
    for j in range(n):
        order[j] = j
    sort_by_key(near[KEY], order, n)
    return n


@kernel(inner=True)
def _grow(grid, i, half, reach, limit, jitter, corners, edges, planes, near, order):
    """Cut the cell of atom i by its neighbours, nearest first; return the number of vertices and of faces.

    An atom at distance d cuts nothing off a cell whose vertices all lie within d / 2: there the search
    stops. It starts with the atoms within `reach`, and looks farther out only if that was not enough.
    """
    count, labels = start(corners, edges, half), np.int64(6)  # not a literal, which would be a type of its own
    far = farthest(corners, count)
    low, high = _SAME_PLACE * _SAME_PLACE, reach * reach
    while True:
        n = _gather(grid, i, low, high, near, order)
        if n < 0:
            return n, labels
        for j in range(n):
            square = near[KEY, j]
            if square > 4 * far:
                return count, labels
            o, d = order[j], np.sqrt(square)
            x, y, z = near[X, o], near[Y, o], near[Z, o]
            shift = jitter * ((7919 * (j + 1)) % 1009 - 504)
            count, changed = cut(corners, edges, count, x, y, z, 0.5 * square + shift, _ON_PLANE * d, labels)
            if count < 0:
                return count, labels
            if changed:
                if labels == planes.shape[1]:
                    return FULL, labels
                planes[X, labels], planes[Y, labels], planes[Z, labels], planes[FAR, labels] = x, y, z, d
                labels += 1
                far = farthest(corners, count)
        if high >= min(4 * far, limit * limit):
            return count, labels
        low, high = high, min(2.25 * high, limit * limit)


@kernel(inner=True)
def _grow_surely(grid, i, half, reach, limit, corners, edges, planes, near, order):
    """Like `_grow`; where rounding broke a cut, shift the planes by up to 1e-6 Å and repeat."""
    count, labels, jitter = np.int64(BROKEN), np.int64(6), 0.0
    while count == BROKEN and jitter < 1e-8:
        count, labels = _grow(grid, i, half, reach, limit, jitter, corners, edges, planes, near, order)
        jitter = max(4 * jitter, 1e-12)
    return count, labels


@kernel(inner=True)
def _scratch(size):
    """Allocate what the cell of one atom at a time needs: corners, edges, planes, near, order."""
    planes = np.zeros((4, size))
    for f in range(6):
        planes[FAR, f] = 1.0
    return (
        np.empty((5, size)),
        np.empty((3, 3 * size), np.int32),
        planes,
        np.empty((4, 4 * size)),
        np.empty(4 * size, np.int32),
    )


@kernel(inner=True)
def _regulate(corners, edges, planes, labels, sides, areas, surface, half, cutoff, minimum_area):
    """Rebuild the cell from the neighbours that remain; return vertices and faces, or 0 if none was dropped."""
    kept, shown = 0, 0
    for f in range(6, labels):
        shown += areas[f] != 0  # also slivers, which split the edges of others
        kept += sides[f] >= 3 and areas[f] >= minimum_area * surface and planes[FAR, f] <= cutoff
    if kept == shown:
        return np.int64(0), labels
    g = np.int64(6)
    for f in range(6, labels):
        if sides[f] >= 3 and areas[f] >= minimum_area * surface and planes[FAR, f] <= cutoff:
            for row in range(4):
                planes[row, g] = planes[row, f]
            g += 1
    count, jitter = np.int64(BROKEN), 0.0
    while count == BROKEN and jitter < 1e-8:
        count = start(corners, edges, half)
        for f in range(6, g):
            d = planes[FAR, f]
            offset = 0.5 * d**2 + jitter * ((7919 * (f - 5)) % 1009 - 504)
            count, _ = cut(
                corners, edges, count, planes[X, f], planes[Y, f], planes[Z, f], offset, _ON_PLANE * d, f
            )  # fmt: skip
            if count < 0:
                break
        jitter = max(4 * jitter, 1e-12)
    return count, g


@kernel
def _tessellate(part, parts, grid, half, reach, limit, cutoff, minimum_area, rounds, shortest, size, out):
    """Grow, measure and regulate the cells of one part of the grid's atoms.

    `out` = (number of faces by edges, volume, surface, farthest vertex before and after regulation, largest
    distortion, state).
    """
    faces, volumes, surfaces, radii, rebuilt, worst, state = out
    n_atoms = len(volumes)
    corners, edges, planes, near, order = _scratch(size)
    areas, sides = np.empty(size), np.empty(size, np.int32)
    for i in range(n_atoms * part // parts, n_atoms * (part + 1) // parts):
        count, labels = _grow_surely(grid, i, half, reach, limit, corners, edges, planes, near, order)
        surface = 0.0
        for rebuilds in range(rounds + 1):
            if rebuilds > 0:
                new, labels = _regulate(
                    corners, edges, planes, labels, sides, areas, surface, half, cutoff, minimum_area
                )  # fmt: skip
                if new == 0:
                    break
                count = new
            state[i] = min(count, 0)
            if count < 0:
                break
            volume, surface, walls = measure(corners, edges, count, planes, labels, sides, areas, shortest)
            rebuilt[i] = np.inf if walls else np.sqrt(farthest(corners, count))
            if rebuilds == 0:
                volumes[i], surfaces[i], radii[i] = volume, surface, rebuilt[i]
        if rebuilt[i] != rebuilt[i]:  # the cell could not be grown
            continue
        for f in range(6, labels):
            if rounds == 0 and not (areas[f] >= minimum_area * surface and planes[FAR, f] <= cutoff):
                sides[f] = 0
            if sides[f] >= 3:
                faces[i, min(sides[f], WIDEST) - 3] += 1
        worst[i] = worst_tetrahedron(edges, count, planes, sides)


@kernel
def _one_cell(grid, i, half, reach, limit, size):
    """Grow the cell of one atom; return vertices (V, 3), half-edges, faces and the neighbours behind them."""
    corners, edges, planes, near, order = _scratch(size)
    count, labels = _grow_surely(grid, i, half, reach, limit, corners, edges, planes, near, order)
    vertices, behind = np.empty((max(count, 0), 3)), np.empty((labels, 3))
    for f in range(labels):
        behind[f, 0], behind[f, 1], behind[f, 2] = planes[X, f], planes[Y, f], planes[Z, f]
    for v in range(count):
        vertices[v, 0], vertices[v, 1], vertices[v, 2] = corners[X, v], corners[Y, v], corners[Z, v]
    ends = 3 * max(count, 0)
    return count, vertices, edges[LINK, :ends], edges[FACE, :ends], behind
