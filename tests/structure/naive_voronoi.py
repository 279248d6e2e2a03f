"""Slow, obvious Voronoi cells: scipy's tessellation of one atom and the others around it."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, Voronoi


def cell(around):
    """Return polygons of the cell of the origin by atom of `around`, or None if the cell is unbounded."""
    diagram = Voronoi(np.vstack([np.zeros(3), around]))
    region = diagram.regions[diagram.point_region[0]]
    if -1 in region or not region:
        return None
    return {
        int(max(pair)) - 1: diagram.vertices[corners]
        for pair, corners in zip(diagram.ridge_points, diagram.ridge_vertices, strict=True)
        if 0 in pair
    }


def area(polygon):
    """Area of a flat polygon."""
    centre = polygon.mean(axis=0)
    return 0.5 * np.linalg.norm(np.cross(polygon - centre, np.roll(polygon, -1, axis=0) - centre).sum(axis=0))


def counts(polygons, columns):
    """Number of polygons with 3, 4, 5, … corners."""
    return np.bincount([len(p) for p in polygons.values()], minlength=columns + 3)[3:]


def analyse(positions, atom, *, cutoff=np.inf, minimum_area=0.01, rebuild=True, max_radius=6.0, columns=30):
    """Return (faces by edges, volume, surface, radius) of one atom, or None where the cell is not closed."""
    around = np.delete(positions, atom, axis=0) - positions[atom]
    around = around[np.linalg.norm(around, axis=1) <= 2 * max_radius]  # others cannot tell whether it is closed
    polygons = cell(around)
    if polygons is None:
        return None
    corners = np.vstack(list(polygons.values()))
    radius = np.linalg.norm(corners, axis=1).max()
    if radius > max_radius:
        return None
    areas = {j: area(p) for j, p in polygons.items()}
    surface = sum(areas.values())
    kept = [j for j in polygons if areas[j] >= minimum_area * surface and np.linalg.norm(around[j]) <= cutoff]
    rebuilt = cell(around[kept]) if rebuild and len(kept) < len(polygons) else {j: polygons[j] for j in kept}
    closed = rebuilt is not None and np.linalg.norm(np.vstack(list(rebuilt.values())), axis=1).max() <= max_radius
    faces = counts(rebuilt, columns) if closed or not rebuild else None
    return faces, ConvexHull(corners).volume, surface, radius
