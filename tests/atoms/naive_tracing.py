"""Tracing by its definition: the upsampled volume as an array, the quartic by a least-squares solver."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates


def upsample(volume, order):
    """Volume at thirds of a voxel, without the first two samples of each axis; zero outside."""
    axes = [np.arange(3 * (n - 1) + 1) / 3 for n in volume.shape]
    fine = map_coordinates(volume.astype(float), np.meshgrid(*axes, indexing="ij"), order=order, mode="mirror")
    fine[:2], fine[:, :2], fine[:, :, :2] = 0, 0, 0
    return fine


def maxima(fine, threshold=0.0):
    """Samples strictly above their six neighbours, as a sorted list."""
    padded = np.pad(fine, 1)
    found = fine > threshold
    for axis in range(3):
        for step in (-1, 1):
            found &= fine > np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
    return sorted(map(tuple, np.argwhere(found).tolist()))


def walk(fine, start, needed=7, longest=15):
    """One maximum's walk: offset [samples] and flag."""
    cube = np.pad(fine, 3)[tuple(slice(s, s + 7) for s in start)]
    grid = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = (grid**2).sum(axis=1) <= 12.25
    grid, values = grid[inside], cube.ravel()[inside]
    orders = np.array([(i, j, k) for i in range(5) for j in range(5 - i) for k in range(5 - i - j)])
    place, unclipped = np.zeros(3), 0
    for _ in range(longest):
        away = grid - place
        weight = np.exp(-(away**2).sum(axis=1) / 9)
        terms = np.prod(away[:, None, :] ** orders, axis=2) * weight[:, None]
        c = dict(zip(map(tuple, orders.tolist()), np.linalg.lstsq(terms, values * weight, rcond=None)[0], strict=True))
        hessian = [
            [2 * c[2, 0, 0], c[1, 1, 0], c[1, 0, 1]],
            [c[1, 1, 0], 2 * c[0, 2, 0], c[0, 1, 1]],
            [c[1, 0, 1], c[0, 1, 1], 2 * c[0, 0, 2]],
        ]
        if np.linalg.det(hessian) >= 0:
            return place, -1
        step = np.linalg.solve(hessian, [-c[1, 0, 0], -c[0, 1, 0], -c[0, 0, 1]])
        place = place + np.clip(step, -0.5, 0.5)
        if np.abs(place).max() > 3:
            return place, -2
        unclipped = unclipped + 1 if np.abs(step).max() < 0.5 else 0
        if unclipped == needed:
            return place, 0
    return place, -4
