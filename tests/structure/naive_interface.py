"""Slow, obvious distances from triangles, and the surface of a nucleus one tetrahedron at a time."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.spatial import Delaunay


def to_triangle(point, corners, steps=60):
    """Smallest distance from a dense set of points of a triangle."""
    weights = np.array([(i, j, steps - i - j) for i in range(steps + 1) for j in range(steps + 1 - i)]) / steps
    return np.linalg.norm(weights @ corners - point, axis=1).min()


def circumradius(corners):
    """Radius of the sphere through four points."""
    edges = corners[1:] - corners[0]
    return np.linalg.norm(np.linalg.solve(2 * edges, (edges**2).sum(axis=1)))


def faces_of_nuclei(positions, nuclei, max_radius=4.0):
    """Return the corners that atoms of nuclei span in mixed tetrahedra, as triangles, edges and points."""
    found = []
    for tetrahedron in Delaunay(positions).simplices:
        corners = [atom for atom in tetrahedron if nuclei[atom]]
        if 0 < len(corners) < 4 and circumradius(positions[tetrahedron]) <= max_radius:
            found.append(positions[list(itertools.islice(itertools.cycle(corners), 3))])
    return found
