"""Kernels of the Voronoi tessellation: one convex cell an atom, cut plane by plane.

A cell is a simple polyhedron (three edges meet in every vertex) held as half-edges. Seen from outside, the
edges that leave vertex v are numbered counter-clockwise: `link[3 v + k]` is the vertex at the other end of
edge k, `face[3 v + k]` the face on its left. Where more than three planes meet in a point, as in perfect
crystals, several vertices lie in one place, joined by edges of no length.

Arrays that belong together travel as tuples:

- ``cell = (x, y, z, norm, link, face, side, gone)``: vertices, their |v|², half-edges, and scratch of `_cut`;
- ``near = (dx, dy, dz, key, order)``: atoms found near the central one, their d², and the order by distance;
- ``planes = (px, py, pz, distance)``: the neighbour behind each face; faces 0 to 5 are the walls of the block
  that the cell is cut from;
- `grid`: the atoms, sorted into cells (`helpers.geometry._cells.Grid`).
"""

from __future__ import annotations

import numpy as np

from ..geometry._pair_kernels import sort_by_key
from ..geometry.boxes import _shift
from ..kernels import kernel

FULL, BROKEN, COINCIDENT = -1, -2, -3  # scratch too small; rounding broke a cut; two atoms at one place
WIDEST = 32  # faces with more edges than this are counted as having this many
_ON_PLANE = 1e-10  # a vertex this near a plane [Å] lies on it and stays
_SAME_PLACE = 1e-6  # atoms nearer than this coincide [Å]

# A block about the origin: corner v has the signs of the bits of v; faces 0-5 are -x, +x, -y, +y, -z, +z.
_BLOCK_LINK = np.array([4, 2, 1, 3, 5, 0, 6, 3, 0, 2, 7, 1, 5, 6, 0, 7, 4, 1, 4, 7, 2, 6, 5, 3], dtype=np.int32)
_BLOCK_FACE = np.array([0, 4, 2, 1, 2, 4, 3, 4, 0, 3, 1, 4, 5, 0, 2, 5, 2, 1, 5, 3, 0, 5, 1, 3], dtype=np.int32)


@kernel(inner=True)
def _start(cell, half):
    """Make the cell a block of half-widths `half`; return its number of vertices."""
    x, y, z, norm, link, face, _, _ = cell
    for v in range(8):
        x[v] = half[0] if v & 1 else -half[0]
        y[v] = half[1] if v & 2 else -half[1]
        z[v] = half[2] if v & 4 else -half[2]
        norm[v] = x[v] * x[v] + y[v] * y[v] + z[v] * z[v]
    for e in range(24):
        link[e], face[e] = _BLOCK_LINK[e], _BLOCK_FACE[e]
    return np.int64(8)


@kernel
def _slot(link, u, v):
    """Return the half-edge from u to v, or -1."""
    for back in range(3 * u, 3 * u + 3):
        if link[back] == v:
            return back
    return -1


@kernel(inner=True)
def _cut(cell, count, px, py, pz, offset, slack, label):
    """Keep the part of the cell where p·v <= offset; return the number of vertices and whether any went.

    The number is FULL or BROKEN where the cut failed. The new face is called `label`. One long function, for cut up
    into small ones it takes 1.4 times as long (1.2 times with ``inline="always"``).
    """
    x, y, z, norm, link, face, side, gone = cell
    removed = 0
    for v in range(count):
        side[v] = px * x[v] + py * y[v] + pz * z[v] - offset
        removed += side[v] > slack
    if removed == 0:
        return count, False
    n = 0
    for v in range(count):
        gone[n] = v
        n += side[v] > slack

    crossings = 0
    first = -1
    for n in range(removed):
        for e in range(3 * gone[n], 3 * gone[n] + 3):
            if side[link[e]] <= slack:
                crossings += 1
                first = e
    if crossings < 3 or count + crossings > len(x):
        return (BROKEN if crossings < 3 else FULL), True

    # Walk round the cut: from each edge that leaves the removed part, along the face on its right.
    edge = first
    for n in range(crossings):
        new = count + n
        v = edge // 3
        u = link[edge]
        right = 3 * v + (edge - 3 * v + 2) % 3
        t = min(max(side[u] / (side[u] - side[v]), 0.0), 1.0)
        x[new] = x[u] + t * (x[v] - x[u])
        y[new] = y[u] + t * (y[v] - y[u])
        z[new] = z[u] + t * (z[v] - z[u])
        norm[new] = x[new] * x[new] + y[new] * y[new] + z[new] * z[new]
        link[3 * new] = u
        link[3 * new + 1] = new - 1 if n else count + crossings - 1
        link[3 * new + 2] = new + 1 if n < crossings - 1 else count
        face[3 * new] = face[edge]
        face[3 * new + 1] = label
        face[3 * new + 2] = face[right]
        for m in range(n):
            if face[3 * (count + m) + 2] == face[right]:
                return BROKEN, True
        back = _slot(link, u, v)
        if back < 0:
            return BROKEN, True
        link[back] = new
        edge = right
        for _ in range(count):
            u = link[edge]
            if side[u] <= slack:
                break
            back = _slot(link, u, edge // 3)
            if back < 0:
                return BROKEN, True
            edge = 3 * u + (back - 3 * u + 2) % 3
        if (edge == first) != (n == crossings - 1):
            return BROKEN, True

    # Move the last vertices into the places of the removed ones.
    last = count + crossings
    for n in range(removed):
        v = gone[n]
        last -= 1
        while v < last < count and side[last] > slack:
            last -= 1
        if last <= v:
            return min(v, last + 1), True
        x[v], y[v], z[v], norm[v] = x[last], y[last], z[last], norm[last]
        for k in range(3):
            u = link[3 * last + k]
            link[3 * v + k] = u
            face[3 * v + k] = face[3 * last + k]
            for m in range(3):
                if link[3 * u + m] == last:
                    link[3 * u + m] = v
    return last, True


@kernel(inner=True)
def _farthest(cell, count):
    """Return the largest |v|² of the cell's vertices."""
    norm = cell[3]
    far = 0.0
    for v in range(count):
        far = max(far, norm[v])
    return far


@kernel(inner=True)
def _measure(cell, count, planes, labels, edges, areas, shortest):
    """Find edges longer than `shortest` and area of every face; return volume, surface, whether walls show.

    An area is n·Σ a × b / 2 over the directed edges of a face, its share of the volume area × height / 3.
    """
    x, y, z, _, link, face, _, _ = cell
    px, py, pz, distance = planes
    edges[:labels] = 0
    areas[:labels] = 0.0
    for e in range(3 * count):
        v, u, f = e // 3, link[e], face[e]
        areas[f] += 0.5 * (
            px[f] * (y[v] * z[u] - z[v] * y[u])
            + py[f] * (z[v] * x[u] - x[v] * z[u])
            + pz[f] * (x[v] * y[u] - y[v] * x[u])
        )
        edges[f] += (x[v] - x[u]) ** 2 + (y[v] - y[u]) ** 2 + (z[v] - z[u]) ** 2 > shortest * shortest
    volume = surface = 0.0
    for f in range(6, labels):
        volume += areas[f] / 6.0
        areas[f] = areas[f] / distance[f]
        surface += areas[f]
    walls = False
    for f in range(6):
        walls |= edges[f] > 0
    return volume, surface, walls


@kernel(inner=True)
def _gather(grid, i, low, high, near):
    """List and sort the atoms with low < d² <= high about atom i; return how many, FULL or COINCIDENT."""
    positions, first, cells, width, origin, sides = (
        grid.positions, grid.starts, grid.shape, grid.width, grid.origin, grid.sides,
    )  # fmt: skip
    dx, dy, dz, key, order = near
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
                start = first[row + c - wrap_c * cells[2]]
                end = first[row + stop - wrap_c * cells[2]]
                c = stop
                if n + end - start > len(key):
                    return FULL
                for j in range(start, end):  # without a branch: a miss is overwritten
                    dx[n], dy[n], dz[n] = positions[0, j] - sx, positions[1, j] - sy, positions[2, j] - sz
                    key[n] = dx[n] * dx[n] + dy[n] * dy[n] + dz[n] * dz[n]
                    same += key[n] <= _SAME_PLACE * _SAME_PLACE
                    n += (key[n] > low) & (key[n] <= high)
    if same > 1:
        return COINCIDENT
    for j in range(n):
        order[j] = j
    sort_by_key(key, order, n)
    return n


@kernel(inner=True)
def _grow(grid, i, half, reach, limit, jitter, cell, near, planes):
    """Cut the cell of atom i by its neighbours, nearest first; return the number of vertices and of faces.

    An atom at distance d cuts nothing off a cell whose vertices all lie within d / 2: there the search
    stops. It starts with the atoms within `reach`, and looks farther out only if that was not enough.
    """
    dx, dy, dz, key, order = near
    px, py, pz, distance = planes
    count, labels = _start(cell, half), np.int64(6)  # not a literal, which would be a type of its own
    far = _farthest(cell, count)
    low, high = _SAME_PLACE * _SAME_PLACE, reach * reach
    while True:
        n = _gather(grid, i, low, high, near)
        if n < 0:
            return n, labels
        for j in range(n):
            if key[j] > 4 * far:
                return count, labels
            o, d = order[j], np.sqrt(key[j])
            shift = jitter * ((7919 * (j + 1)) % 1009 - 504)
            count, changed = _cut(cell, count, dx[o], dy[o], dz[o], 0.5 * key[j] + shift, _ON_PLANE * d, labels)
            if count < 0:
                return count, labels
            if changed:
                if labels == len(px):
                    return FULL, labels
                px[labels], py[labels], pz[labels], distance[labels] = dx[o], dy[o], dz[o], d
                labels += 1
                far = _farthest(cell, count)
        if high >= min(4 * far, limit * limit):
            return count, labels
        low, high = high, min(2.25 * high, limit * limit)


@kernel(inner=True)
def _grow_surely(grid, i, half, reach, limit, cell, near, planes):
    """Like `_grow`; where rounding broke a cut, shift the planes by up to 1e-6 Å and repeat."""
    count, labels, jitter = np.int64(BROKEN), np.int64(6), 0.0
    while count == BROKEN and jitter < 1e-8:
        count, labels = _grow(grid, i, half, reach, limit, jitter, cell, near, planes)
        jitter = max(4 * jitter, 1e-12)
    return count, labels


@kernel(inner=True)
def _scratch(size):
    """Allocate what the cell of one atom at a time needs."""
    cell = (
        np.empty(size), np.empty(size), np.empty(size), np.empty(size),
        np.empty(3 * size, np.int32), np.empty(3 * size, np.int32), np.empty(size), np.empty(size, np.int32),
    )  # fmt: skip
    most = 4 * size
    near = np.empty(most), np.empty(most), np.empty(most), np.empty(most), np.empty(most, np.int32)
    return cell, near, (np.zeros(size), np.zeros(size), np.zeros(size), np.ones(size))


@kernel(inner=True)
def _regulate(cell, count, planes, labels, edges, areas, surface, half, cutoff, minimum_area):
    """Rebuild the cell from the neighbours that remain; return vertices and faces, or 0 if none was dropped."""
    px, py, pz, distance = planes
    kept, shown = 0, 0
    for f in range(6, labels):
        shown += areas[f] != 0  # also slivers, which split the edges of others
        kept += edges[f] >= 3 and areas[f] >= minimum_area * surface and distance[f] <= cutoff
    if kept == shown:
        return np.int64(0), labels
    g = np.int64(6)
    for f in range(6, labels):
        if edges[f] >= 3 and areas[f] >= minimum_area * surface and distance[f] <= cutoff:
            px[g], py[g], pz[g], distance[g] = px[f], py[f], pz[f], distance[f]
            g += 1
    count, jitter = np.int64(BROKEN), 0.0
    while count == BROKEN and jitter < 1e-8:
        count = _start(cell, half)
        for f in range(6, g):
            offset = 0.5 * distance[f] ** 2 + jitter * ((7919 * (f - 5)) % 1009 - 504)
            count, _ = _cut(cell, count, px[f], py[f], pz[f], offset, _ON_PLANE * distance[f], f)
            if count < 0:
                break
        jitter = max(4 * jitter, 1e-12)
    return count, g


@kernel(inner=True)
def _length(x, y, z):
    return np.sqrt(x * x + y * y + z * z)


@kernel(inner=True)
def _worst_tetrahedron(face, count, planes, edges):
    """Largest distortion, longest over mean edge less one, of the atom and the three neighbours at a vertex."""
    px, py, pz, distance = planes
    worst = 0.0
    for v in range(count):
        f, g, h = face[3 * v], face[3 * v + 1], face[3 * v + 2]
        if edges[f] >= 3 and edges[g] >= 3 and edges[h] >= 3:
            a, b, c = distance[f], distance[g], distance[h]
            d = _length(px[f] - px[g], py[f] - py[g], pz[f] - pz[g])
            e = _length(px[f] - px[h], py[f] - py[h], pz[f] - pz[h])
            w = _length(px[g] - px[h], py[g] - py[h], pz[g] - pz[h])
            longest = max(max(a, max(b, c)), max(d, max(e, w)))
            worst = max(worst, longest / ((a + b + c + d + e + w) / 6) - 1)
    return worst


@kernel
def _tessellate(part, parts, grid, half, reach, limit, cutoff, minimum_area, rounds, shortest, size, out):
    """Grow, measure and regulate the cells of one part of the grid's atoms.

    `out` = (number of faces by edges, volume, surface, farthest vertex before and after regulation, largest
    distortion, state).
    """
    faces, volumes, surfaces, radii, rebuilt, worst, state = out
    n_atoms = len(volumes)
    cell, near, planes = _scratch(size)
    areas, edges = np.empty(size), np.empty(size, np.int32)
    for i in range(n_atoms * part // parts, n_atoms * (part + 1) // parts):
        count, labels = _grow_surely(grid, i, half, reach, limit, cell, near, planes)
        surface = 0.0
        for rebuilds in range(rounds + 1):
            if rebuilds > 0:
                new, labels = _regulate(
                    cell, count, planes, labels, edges, areas, surface, half, cutoff, minimum_area
                )  # fmt: skip
                if new == 0:
                    break
                count = new
            state[i] = min(count, 0)
            if count < 0:
                break
            volume, surface, walls = _measure(cell, count, planes, labels, edges, areas, shortest)
            rebuilt[i] = np.inf if walls else np.sqrt(_farthest(cell, count))
            if rebuilds == 0:
                volumes[i], surfaces[i], radii[i] = volume, surface, rebuilt[i]
        if rebuilt[i] != rebuilt[i]:  # the cell could not be grown
            continue
        for f in range(6, labels):
            if rounds == 0 and not (areas[f] >= minimum_area * surface and planes[3][f] <= cutoff):
                edges[f] = 0
            if edges[f] >= 3:
                faces[i, min(edges[f], WIDEST) - 3] += 1
        worst[i] = _worst_tetrahedron(cell[5], count, planes, edges)


@kernel
def _one_cell(grid, i, half, reach, limit, size):
    """Grow the cell of one atom; return vertices (V, 3), half-edges, faces and the neighbours behind them."""
    cell, near, planes = _scratch(size)
    count, labels = _grow_surely(grid, i, half, reach, limit, cell, near, planes)
    vertices, behind = np.empty((max(count, 0), 3)), np.empty((labels, 3))
    for f in range(labels):
        behind[f, 0], behind[f, 1], behind[f, 2] = planes[0][f], planes[1][f], planes[2][f]
    for v in range(count):
        vertices[v, 0], vertices[v, 1], vertices[v, 2] = cell[0][v], cell[1][v], cell[2][v]
    return count, vertices, cell[4][: 3 * max(count, 0)], cell[5][: 3 * max(count, 0)], behind
