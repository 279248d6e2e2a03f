"""Kernels that cut convex cells plane by plane and measure them.

A cell is a simple polyhedron (three edges meet in every vertex) held as half-edges. Seen from outside, the
edges that leave vertex v are numbered counter-clockwise: ``edges[LINK, 3 v + k]`` is the vertex at the other end of
edge k, ``edges[FACE, 3 v + k]`` the face on its left. Where more than three planes meet in a point, as in perfect
crystals, several vertices lie in one place, joined by edges of no length.

Few wide arrays hold all of it, handed on by name: taken out of a tuple, each would be counted at every call.

- `corners` (5, size): coordinates X, Y and Z of every vertex, their square NORM, and SIDE, scratch of `cut`;
- `edges` (3, 3 size): LINK, FACE, and GONE, scratch of `cut`;
- `planes` (4, size): coordinates X, Y, Z and distance FAR of the neighbour behind each face; faces 0 to 5 are the walls
  of the block that the cell is cut from.
"""

from __future__ import annotations

import numpy as np

from ..kernels import kernel

FULL, BROKEN, COINCIDENT = -1, -2, -3  # scratch too small; rounding broke a cut; two atoms at one place
X, Y, Z, NORM, SIDE = range(5)  # rows of `corners`
LINK, FACE, GONE = range(3)  # rows of `edges`
FAR = 3  # row of `planes`, after X, Y and Z

# A block about the origin: corner v has the signs of the bits of v; faces 0-5 are -x, +x, -y, +y, -z, +z.
_BLOCK_LINK = np.array([4, 2, 1, 3, 5, 0, 6, 3, 0, 2, 7, 1, 5, 6, 0, 7, 4, 1, 4, 7, 2, 6, 5, 3], dtype=np.int32)
_BLOCK_FACE = np.array([0, 4, 2, 1, 2, 4, 3, 4, 0, 3, 1, 4, 5, 0, 2, 5, 2, 1, 5, 3, 0, 5, 1, 3], dtype=np.int32)


@kernel(inner=True)
def start(corners, edges, half):
    """Make the cell a block of half-widths `half`; return its number of vertices."""
    for v in range(8):
        x = half[0] if v & 1 else -half[0]
        y = half[1] if v & 2 else -half[1]
        z = half[2] if v & 4 else -half[2]
        corners[X, v], corners[Y, v], corners[Z, v] = x, y, z
        corners[NORM, v] = x * x + y * y + z * z
    for e in range(24):
        edges[LINK, e], edges[FACE, e] = _BLOCK_LINK[e], _BLOCK_FACE[e]
    return np.int64(8)


@kernel
def _slot(edges, u, v):
    """Return the half-edge from u to v, or -1."""
    for back in range(3 * u, 3 * u + 3):
        if edges[LINK, back] == v:
            return back
    return -1


@kernel(inner=True)
def cut(corners, edges, count, px, py, pz, offset, slack, label):
    """Keep the part of the cell where p·v <= offset; return the number of vertices and whether any went.

    The number is FULL or BROKEN where the cut failed. The new face is called `label`. One long function, for cut up
    into small ones it takes 1.4 times as long (1.2 times with ``inline="always"``).
    """
    removed = 0
    for v in range(count):
        side = px * corners[X, v] + py * corners[Y, v] + pz * corners[Z, v] - offset
        corners[SIDE, v] = side
        removed += side > slack
    if removed == 0:
        return count, False
    n = 0
    for v in range(count):
        edges[GONE, n] = v
        n += corners[SIDE, v] > slack

    crossings = 0
    first = -1
    for n in range(removed):
        for e in range(3 * edges[GONE, n], 3 * edges[GONE, n] + 3):
            if corners[SIDE, edges[LINK, e]] <= slack:
                crossings += 1
                first = e
    if crossings < 3 or count + crossings > corners.shape[1]:
        return (BROKEN if crossings < 3 else FULL), True

    # Walk round the cut: from each edge that leaves the removed part, along the face on its right.
    edge = first
    for n in range(crossings):
        new = count + n
        v = edge // 3
        u = edges[LINK, edge]
        right = 3 * v + (edge - 3 * v + 2) % 3
        t = min(max(corners[SIDE, u] / (corners[SIDE, u] - corners[SIDE, v]), 0.0), 1.0)
        x = corners[X, u] + t * (corners[X, v] - corners[X, u])
        y = corners[Y, u] + t * (corners[Y, v] - corners[Y, u])
        z = corners[Z, u] + t * (corners[Z, v] - corners[Z, u])
        corners[X, new], corners[Y, new], corners[Z, new] = x, y, z
        corners[NORM, new] = x * x + y * y + z * z
        edges[LINK, 3 * new] = u
        edges[LINK, 3 * new + 1] = new - 1 if n else count + crossings - 1
        edges[LINK, 3 * new + 2] = new + 1 if n < crossings - 1 else count
        edges[FACE, 3 * new] = edges[FACE, edge]
        edges[FACE, 3 * new + 1] = label
        edges[FACE, 3 * new + 2] = edges[FACE, right]
        for m in range(n):
            if edges[FACE, 3 * (count + m) + 2] == edges[FACE, right]:
                return BROKEN, True
        back = _slot(edges, u, v)
        if back < 0:
            return BROKEN, True
        edges[LINK, back] = new
        edge = right
        for _ in range(count):
            u = edges[LINK, edge]
            if corners[SIDE, u] <= slack:
                break
            back = _slot(edges, u, edge // 3)
            if back < 0:
                return BROKEN, True
            edge = 3 * u + (back - 3 * u + 2) % 3
        if (edge == first) != (n == crossings - 1):
            return BROKEN, True

    # Move the last vertices into the places of the removed ones.
    last = count + crossings
    for n in range(removed):
        v = edges[GONE, n]
        last -= 1
        while v < last < count and corners[SIDE, last] > slack:
            last -= 1
        if last <= v:
            return min(v, last + 1), True
        for row in (X, Y, Z, NORM):
            corners[row, v] = corners[row, last]
        for k in range(3):
            u = edges[LINK, 3 * last + k]
            edges[LINK, 3 * v + k] = u
            edges[FACE, 3 * v + k] = edges[FACE, 3 * last + k]
            for m in range(3):
                if edges[LINK, 3 * u + m] == last:
                    edges[LINK, 3 * u + m] = v
    return last, True


@kernel(inner=True)
def farthest(corners, count):
    """Return the largest |v|² of the cell's vertices."""
    far = 0.0
    for v in range(count):
        far = max(far, corners[NORM, v])
    return far


@kernel(inner=True)
def measure(corners, edges, count, planes, labels, sides, areas, shortest):
    """Find edges longer than `shortest` and area of every face; return volume, surface, whether walls show.

    An area is n·Σ a × b / 2 over the directed edges of a face, its share of the volume area × height / 3.
    """
    sides[:labels] = 0
    areas[:labels] = 0.0
    for e in range(3 * count):
        v, u, f = e // 3, edges[LINK, e], edges[FACE, e]
        ax, ay, az = corners[X, v], corners[Y, v], corners[Z, v]
        bx, by, bz = corners[X, u], corners[Y, u], corners[Z, u]
        areas[f] += 0.5 * (
            planes[X, f] * (ay * bz - az * by)
            + planes[Y, f] * (az * bx - ax * bz)
            + planes[Z, f] * (ax * by - ay * bx)
        )  # fmt: skip
        sides[f] += (ax - bx) ** 2 + (ay - by) ** 2 + (az - bz) ** 2 > shortest * shortest
    volume = surface = 0.0
    for f in range(6, labels):
        volume += areas[f] / 6.0
        areas[f] = areas[f] / planes[FAR, f]
        surface += areas[f]
    walls = False
    for f in range(6):
        walls |= sides[f] > 0
    return volume, surface, walls


@kernel(inner=True)
def worst_tetrahedron(edges, count, planes, sides):
    """Largest distortion, longest over mean edge less one, of the atom and the three neighbours at a vertex."""
    worst = 0.0
    for v in range(count):
        f, g, h = edges[FACE, 3 * v], edges[FACE, 3 * v + 1], edges[FACE, 3 * v + 2]
        if sides[f] >= 3 and sides[g] >= 3 and sides[h] >= 3:
            a, b, c = planes[FAR, f], planes[FAR, g], planes[FAR, h]
            d, e, w = _between(planes, f, g), _between(planes, f, h), _between(planes, g, h)
            longest = max(max(a, max(b, c)), max(d, max(e, w)))
            worst = max(worst, longest / ((a + b + c + d + e + w) / 6) - 1)
    return worst


@kernel(inner=True)
def _between(planes, f, g):
    """Distance of the neighbours behind two faces."""
    x, y, z = planes[X, f] - planes[X, g], planes[Y, f] - planes[Y, g], planes[Z, f] - planes[Z, g]
    return np.sqrt(x * x + y * y + z * z)
