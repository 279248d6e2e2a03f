"""Surfaces made of triangles, and distances from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry.boxes import _nearest, sides_of
from ..kernels import kernel, parts_of, share

_BLOCK = 6.0  # edge of the blocks of space that triangles are sorted into [Å]


def triangle_distances(
    positions: NDArray[np.float64], triangles: NDArray[np.float64], farthest: float, lengths: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return the distance of every position from the nearest triangle (M, 3, 3), `farthest` at most [Å]."""
    order, starts = _blocks(triangles)
    return distances_to_blocks(positions, triangles[order], starts, farthest, lengths)


def distances_to_blocks(
    positions: NDArray[np.float64],
    triangles: NDArray[np.float64],
    starts: NDArray[np.int64],
    farthest: float,
    lengths: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Return the distances from triangles that are sorted into blocks, each from one start to the next."""
    blocks = _surround(triangles, starts)
    distances = np.empty(len(positions))
    given = (positions, triangles, starts, *blocks, float(farthest), sides_of(lengths))
    share(_distances, parts_of(len(positions)), *given, distances)
    return distances


def _blocks(triangles: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort triangles into blocks of space; return the order and the start of every block."""
    places = np.floor(triangles.mean(axis=1) / _BLOCK).astype(np.int64)
    _, block = np.unique(places, axis=0, return_inverse=True)
    block = block.ravel()
    return np.argsort(block, kind="stable"), np.concatenate([[0], np.cumsum(np.bincount(block))])


@kernel(inner=True)
def _point(points, values, inner, outer, threshold, kind, corner):
    """Write where the surface meets the edge from an atom of a nucleus to another atom."""
    if kind == 0:
        t = 0.0
    elif kind == 2:
        t = 0.5
    else:
        low, high = min(values[outer], threshold), max(values[inner], threshold)
        t = (high - threshold) / (high - low) if high > low else 0.5
    for axis in range(3):
        corner[axis] = points[inner, axis] + t * (points[outer, axis] - points[inner, axis])


@kernel
def cut_surface(points, values, inside, mixed, threshold, kind):
    """Cut mixed tetrahedra: one triangle where one corner differs from the others, else two."""
    triangles = np.empty((2 * len(mixed), 3, 3))
    count = 0
    inner, outer = np.empty(4, np.int64), np.empty(4, np.int64)
    for row in range(len(mixed)):
        n = m = 0
        for k in range(4):
            if inside[mixed[row, k]]:
                inner[n] = mixed[row, k]
                n += 1
            else:
                outer[m] = mixed[row, k]
                m += 1
        if n == 2:
            for k in range(2):
                _point(points, values, inner[0], outer[0], threshold, kind, triangles[count, 0])
                _point(points, values, inner[1], outer[1], threshold, kind, triangles[count, 1])
                _point(points, values, inner[k], outer[1 - k], threshold, kind, triangles[count, 2])
                count += 1
        else:
            for k in range(3):
                a, b = (inner[0], outer[k]) if n == 1 else (inner[k], outer[0])
                _point(points, values, a, b, threshold, kind, triangles[count, k])
            count += 1
    return triangles[:count]


@kernel(inner=True)
def _to_segment(p, a, b):
    """Squared distance of p from the segment a-b, which may have no length."""
    along = square = 0.0
    for axis in range(3):
        e = b[axis] - a[axis]
        along += e * (p[axis] - a[axis])
        square += e * e
    t = min(max(along / square, 0.0), 1.0) if square > 0 else 0.0
    distance = 0.0
    for axis in range(3):
        e = p[axis] - a[axis] - t * (b[axis] - a[axis])
        distance += e * e
    return distance


@kernel
def _to_triangle(p, a, b, c):
    """Squared distance of p from the triangle a-b-c, which may be flat."""
    nearest = min(_to_segment(p, a, b), _to_segment(p, b, c), _to_segment(p, c, a))
    uu = uv = vv = up = vp = pp = 0.0
    for axis in range(3):
        u, v, w = b[axis] - a[axis], c[axis] - a[axis], p[axis] - a[axis]
        uu += u * u
        uv += u * v
        vv += v * v
        up += u * w
        vp += v * w
        pp += w * w
    area = uu * vv - uv * uv
    if area > 1e-12 * uu * vv:
        s, t = (vv * up - uv * vp) / area, (uu * vp - uv * up) / area
        if s >= 0 and t >= 0 and s + t <= 1:
            nearest = min(nearest, max(pp - s * up - t * vp, 0.0))
    return nearest


@kernel(inner=True)
def _gap(position, target, sides, p):
    """Distance between two points; `p` becomes the image of the first that is nearest to the second."""
    square = 0.0
    for axis in range(3):
        d = _nearest(position[axis] - target[axis], sides[axis])
        p[axis] = target[axis] + d
        square += d * d
    return np.sqrt(square)


@kernel(inner=True)
def _apart(a, b):
    """Distance between two points."""
    square = 0.0
    for axis in range(3):
        square += (a[axis] - b[axis]) ** 2
    return np.sqrt(square)


@kernel
def _surround(triangles, starts):
    """Middles and radii of triangles and of blocks: the spheres that hold them."""
    count, blocks = len(triangles), len(starts) - 1
    middles, radii = np.empty((count, 3)), np.zeros(count)
    centres, reaches = np.zeros((blocks, 3)), np.zeros(blocks)
    for b in range(blocks):
        for m in range(starts[b], starts[b + 1]):
            for axis in range(3):
                middles[m, axis] = (triangles[m, 0, axis] + triangles[m, 1, axis] + triangles[m, 2, axis]) / 3
                centres[b, axis] += middles[m, axis] / (starts[b + 1] - starts[b])
        for m in range(starts[b], starts[b + 1]):
            away = _apart(middles[m], centres[b])
            for k in range(3):
                radii[m] = max(radii[m], _apart(triangles[m, k], middles[m]))
            reaches[b] = max(reaches[b], away + radii[m])
    return middles, radii, centres, reaches


@kernel
def _distances(part, parts, positions, triangles, starts, middles, radii, centres, reaches, farthest, sides, distances):
    """Distance of some atoms from the nearest triangle, at most `farthest`; far blocks are passed over."""
    blocks = len(starts) - 1
    p = np.empty(3)
    for i in range(len(positions) * part // parts, len(positions) * (part + 1) // parts):
        best = farthest
        for b in range(blocks):
            if _gap(positions[i], centres[b], sides, p) > best + reaches[b]:
                continue
            for m in range(starts[b], starts[b + 1]):
                if _gap(positions[i], middles[m], sides, p) <= best + radii[m]:
                    square = _to_triangle(p, triangles[m, 0], triangles[m, 1], triangles[m, 2])
                    best = min(best, np.sqrt(square))
        distances[i] = best
