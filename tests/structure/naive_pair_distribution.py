"""Pair distribution of a finite sample from points on spheres."""

from __future__ import annotations

import numpy as np
from scipy.spatial import Delaunay
from scipy.spatial.distance import pdist


def count_pairs(positions, step, bins):
    """Ordered pairs in each shell."""
    return 2 * np.bincount((pdist(positions) / step).astype(int), minlength=bins)[:bins]


def inside_fraction(positions, radius, r, points=400, centres=None):
    """Part of the sphere of each radius about the atoms that lies in the alpha shape, by evenly spread points.

    About the `centres`, where these are others.
    """
    centres = positions if centres is None else centres
    shape = Delaunay(positions)
    corners = positions[shape.simplices]
    fits = np.array([_circumradius(four) <= radius for four in corners])
    k = np.arange(points) + 0.5
    height, turn = 1 - 2 * k / points, np.pi * (1 + np.sqrt(5)) * k
    flat = np.sqrt(1 - height**2)
    sphere = np.column_stack([flat * np.cos(turn), flat * np.sin(turn), height])
    fractions = []
    for distance in r:
        simplex = shape.find_simplex((centres[:, None, :] + distance * sphere).reshape(-1, 3))
        fractions.append(((simplex >= 0) & fits[simplex]).mean())
    return np.array(fractions)


def _circumradius(corners):
    edges = corners[1:] - corners[0]
    if abs(np.linalg.det(edges)) < 1e-9:
        return np.inf
    return np.linalg.norm(np.linalg.solve(edges, (edges**2).sum(axis=1) / 2))
