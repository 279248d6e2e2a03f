"""How a schematic lies before its viewer: upright, flat or half from above; arcs from one line to another."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...checks import check_positions
from .frames import _TO_EYE


def _arc(
    centre: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64], radius: float
) -> NDArray[np.float64]:
    """Points from one direction to another about a centre."""
    a, b = start / np.linalg.norm(start), end / np.linalg.norm(end)
    whole = np.arccos(np.clip(a @ b, -1, 1))
    side = b - (a @ b) * a
    side = side / max(float(np.linalg.norm(side)), 1e-9)
    angle = np.linspace(0, whole, 25)[:, None]
    return centre + radius * (np.cos(angle) * a + np.sin(angle) * side)


def _upright(atoms: ArrayLike) -> NDArray[np.float64]:
    """Centre a bipyramid and stand the line of its caps upright."""
    points = check_positions(atoms)
    return (points - points.mean(axis=0)) @ _turn(points[0] - points[1]).T


def _turn(up: NDArray[np.float64], towards: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Rotation that stands one direction upright, and lays another so that it leans to the right of the viewer."""
    z = up / np.linalg.norm(up)
    other = np.eye(3)[np.abs(z).argmin()] if towards is None else towards
    x = other - (other @ z) * z
    if np.linalg.norm(x) < 1e-6 * np.linalg.norm(other):
        return _turn(up)
    x = x / np.linalg.norm(x)
    right = np.cross([0.0, 0.0, 1.0], _TO_EYE)
    right = right / np.linalg.norm(right)
    away = np.cross([0.0, 0.0, 1.0], right)
    return np.stack([right, away, [0.0, 0.0, 1.0]]).T @ np.stack([x, np.cross(z, x), z])


def _typical_corner(ring: NDArray[np.float64]) -> int:
    """Corner of a ring whose angle is nearest to the mean of all."""
    before, after = np.roll(ring, 1, axis=0) - ring, np.roll(ring, -1, axis=0) - ring
    cosine = (before * after).sum(axis=1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
    angle = np.arccos(np.clip(cosine, -1, 1))
    return int(np.abs(angle - angle.mean()).argmin())


def _facing_corner(points: NDArray[np.float64]) -> tuple[int, list[int]]:
    """Corner and two others of the triangle that looks most towards the viewer, the corner in front."""
    triangles = [list(three) for three in combinations(range(len(points)), 3)]
    areas = [abs(np.cross(points[b] - points[a], points[c] - points[a]) @ _TO_EYE) for a, b, c in triangles]
    best = triangles[int(np.argmax(areas))]
    corner = max(best, key=lambda k: float(points[k] @ _TO_EYE))
    return corner, [k for k in best if k != corner]


def _seen_from_above(ring: NDArray[np.float64], corner: int) -> NDArray[np.float64]:
    """Lean a ring about its centre towards the viewer, one corner in front."""
    normal = np.linalg.svd(ring)[2][2]
    level = ring @ _turn(normal, np.cross(normal, ring[corner])).T
    up = np.array([0.0, 0.0, 1.0])
    right = np.cross(up, _TO_EYE) / np.linalg.norm(np.cross(up, _TO_EYE))
    away = np.cross(up, right)
    lean = np.stack([right, (away + up) / np.sqrt(2), (up - away) / np.sqrt(2)])
    return level @ np.stack([right, away, up]).T @ lean


def _flat(points: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lay a direction to the right of the viewer, and the next longest one of the points upright."""
    x = across / np.linalg.norm(across)
    rest = points - np.outer(points @ x, x)
    z = np.linalg.svd(rest, full_matrices=False)[2][0]
    return points @ _turn(z, x).T


def _frame(edge: NDArray[np.float64], down: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation that takes the edge to the target and the downward direction as far down as that allows."""
    low = np.array([0.0, 0.0, -1.0])
    low = low - (low @ target) * target
    low = low / np.linalg.norm(low)
    return np.stack([target, low, np.cross(target, low)]).T @ np.stack([edge, down, np.cross(edge, down)])
