"""A small random packing and its raw frames: the truth that the imaging tests find again."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.spatial import cKDTree

from helpers import TiltSeries
from helpers.imaging import origin_shifts
from helpers.simulation import RawSeries, acquire


def packing(atoms: int = 260, *, nearest: float = 2.6, density: float = 0.055, seed: int = 5) -> np.ndarray:
    """Random packing in a sphere, pushed apart until no two atoms are much nearer than `nearest` [Å]."""
    rng = np.random.default_rng(seed)
    radius = (3 * atoms / (4 * np.pi * density)) ** (1 / 3)
    points = rng.normal(size=(atoms, 3))
    points *= radius * rng.random((atoms, 1)) ** (1 / 3) / np.linalg.norm(points, axis=1, keepdims=True)
    for _ in range(100):
        pairs = cKDTree(points).query_pairs(nearest, output_type="ndarray")
        if not len(pairs):
            break
        apart = points[pairs[:, 0]] - points[pairs[:, 1]]
        length = np.linalg.norm(apart, axis=1, keepdims=True)
        push = 0.45 * (nearest - length) * apart / length
        np.add.at(points, pairs[:, 0], push)
        np.add.at(points, pairs[:, 1], -push)
        outside = np.linalg.norm(points, axis=1)
        points[outside > radius] *= (radius / outside[outside > radius])[:, None]
    return points - points.mean(axis=0)


@cache
def raw(**options: float) -> RawSeries:
    """Raw frames of the packing; cached, so never change them."""
    return acquire(packing(), np.linspace(-60, 60, 13), **{"seed": 11, "shape": 92, **options})


def without_origin(error: np.ndarray, series: TiltSeries) -> np.ndarray:
    """Take off what one displacement of the object explains: no image can tell where its origin is."""
    return error - origin_shifts(error, series.angles)
