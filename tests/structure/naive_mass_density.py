"""Slow, obvious density: scipy's interpolation and one point at a time."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import LinearNDInterpolator


def interpolate(positions, values, axes):
    """Interpolate linearly between atoms, NaN outside their hull."""
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return LinearNDInterpolator(positions, values)(points)


def fill(positions, tetrahedra, axes):
    """Mark the points that lie in any tetrahedron, by the signs of four volumes."""
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    inside = np.zeros(points.shape[:3], dtype=bool)
    for corners in positions[np.asarray(tetrahedra)]:
        signs = []
        for k in range(4):
            a, b, c = np.delete(corners, k, axis=0)
            normal = np.cross(b - a, c - a)
            signs.append(((points - a) @ normal) * ((corners[k] - a) @ normal) >= 0)
        inside |= np.all(signs, axis=0)
    return inside


def smooth(values, axes, width):
    """Normalised convolution with a Gaussian, as a sum over all pairs of points."""
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    flat = values.ravel()
    known = np.isfinite(flat)
    squares = ((points[known, None] - points[None, known]) ** 2).sum(axis=2)
    weights = np.exp(-squares / (2 * width**2))
    result = np.full(len(flat), np.nan)
    result[known] = weights @ flat[known] / weights.sum(axis=1)
    return result.reshape(values.shape)


def area(polygon):
    """Area of a convex polygon in the plane, by triangles from its first corner."""
    u, v = polygon[1:-1] - polygon[0], polygon[2:] - polygon[0]
    return abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]).sum() / 2
