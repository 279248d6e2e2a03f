"""Delaunay tetrahedra of a sample: those inside it, the shape they make up, and what is interpolated in them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numba import get_num_threads
from numpy.typing import NDArray

from ..digits import counted
from ..kernels import kernel, share
from ..memory import check_memory
from .boxes import wrap

_IMAGE_BYTES = 50  # three coordinates, twice
_ON_FACE = 1e-9  # a grid point this near a face, in units of the height above it, lies inside


def delaunay_inside(
    positions: NDArray[np.float64], lengths: NDArray[np.float64] | None, max_radius: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return points, the atom that each is (an image of), and the Delaunay tetrahedra inside the sample.

    Inside means a circumsphere of radius `max_radius` at most.
    """
    points, source = positions, np.arange(len(positions))
    if lengths is not None:  # a tetrahedron that touches the box lies within twice its circumradius of it
        points, source = with_images(wrap(positions, lengths), lengths, np.full(3, 2 * max_radius))
    simplices = _tessellate(points)
    if len(simplices) == 0:
        msg = "positions lie in one plane; expected atoms in three dimensions"
        raise ValueError(msg)
    return points, source, simplices[circumradii(points, simplices) <= max_radius]


def with_images(
    points: NDArray[np.float64], lengths: NDArray[np.float64], margin: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return points in a box and their images up to a margin (3,) beyond it [Å], and which point each is.

    Along an axis of which the margin is below zero there are no images.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.geometry.delaunay import with_images
    >>> points, source = with_images(np.array([[1.0, 2, 3], [8.0, 2, 30]]), np.full(3, 10.0), np.array([1.5, -1, -1]))
    >>> points[:, 0].tolist(), source.tolist()
    ([1.0, 11.0, 8.0], [0, 0, 1])
    """
    reach = np.where(margin < 0, 0, np.ceil(margin / lengths))
    count = len(points) * math.prod(float(2 * r + 1) for r in reach)
    check_memory(
        _IMAGE_BYTES * count,
        what=f"{count:.2g} images of {counted(len(points), 'atom')} up to {margin.max():.3g} Å beyond the box",
        instead="lower the largest radius",
    )
    shifts = np.stack(np.meshgrid(*[np.arange(-r, r + 1) for r in reach], indexing="ij"), axis=-1)
    images = (points[:, None] + lengths * shifts.reshape(1, -1, 3)).reshape(-1, 3)
    near = ((images >= -margin) & (images <= lengths + margin) | (margin < 0)).all(axis=1)
    return images[near], np.repeat(np.arange(len(points)), len(images) // len(points))[near]


def alpha_shape(positions: NDArray[np.float64], radius: float) -> tuple[NDArray[np.float64], float]:
    """Return the corners (M, 4, 3) of the Delaunay tetrahedra that make up an alpha shape, and its volume [Å³].

    A tetrahedron belongs if its circumscribed sphere is no larger than `radius` [Å].
    """
    simplices = _tessellate(positions)
    corners = positions[simplices[circumradii(positions, simplices) <= radius]]
    if len(corners) == 0:
        msg = (
            f"no four of the {counted(len(positions), 'atom')} lie on a sphere of radius {radius:g} Å or less, "
            "so the sample has no inside; give a larger radius, or the box if it is periodic"
        )
        raise ValueError(msg)
    return corners, volume_of(corners)


def volume_of(corners: NDArray[np.float64]) -> float:
    """Return the volume of tetrahedra by their corners (M, 4, 3) [Å³]."""
    return float((np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / 6).sum())


def circumradii(points: NDArray[np.float64], simplices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the radii of the spheres through the corners of tetrahedra; infinite for flat ones.

    The centre c, seen from the first corner, is as far from it as from every other one, e: |c|² = |c - e|², hence
    e·c = |e|² / 2, solved by Cramer's rule.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.geometry.delaunay import circumradii
    >>> corners = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    >>> circumradii(corners, np.array([[0, 1, 2, 3], [0, 1, 2, 2]])).round(3).tolist()
    [1.732, inf]
    """
    first = points[simplices[:, 0]]
    a, b, c = (points[simplices[:, k]] - first for k in (1, 2, 3))
    bc, ca, ab = np.cross(b, c), np.cross(c, a), np.cross(a, b)
    six_volumes = (a * bc).sum(axis=1)
    vectors = [np.sum(v * v, axis=1, keepdims=True) * w for v, w in ((a, bc), (b, ca), (c, ab))]
    with np.errstate(divide="ignore", invalid="ignore"):
        radii = np.linalg.norm(sum(vectors), axis=1) / (2 * np.abs(six_volumes))
    return np.where(np.isfinite(radii), radii, np.inf)


def _tessellate(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return all Delaunay tetrahedra (M, 4); none if the points lie in one plane."""
    from scipy.spatial import Delaunay, QhullError

    try:
        return Delaunay(points).simplices.astype(np.int64)
    except (QhullError, ValueError):  # ValueError: fewer points than corners
        return np.empty((0, 4), np.int64)


def interpolate(
    points: NDArray[np.float64],
    values: NDArray[np.float64],
    simplices: NDArray[np.int64],
    origin: NDArray[np.float64],
    spacing: NDArray[np.float64],
    shape: Sequence[int],
) -> NDArray[np.float64]:
    """Interpolate linearly in every tetrahedron: NaN outside all, infinity where no corner has a value."""
    grid = np.full(tuple(int(n) for n in shape), np.nan)
    slabs = min(4 * get_num_threads(), len(grid))
    share(_interpolate, slabs, points, values, simplices, origin, spacing, grid)
    return grid


@kernel
def _interpolate(part, parts, points, values, simplices, origin, spacing, grid):
    """Fill a slab of the grid from the tetrahedra that touch it."""
    shape = grid.shape
    start, stop = shape[0] * part // parts, shape[0] * (part + 1) // parts
    corner, low, high = np.empty((4, 3)), np.empty(3, np.int64), np.empty(3, np.int64)
    inverse, weight = np.empty((3, 3)), np.empty(4)
    for s in range(len(simplices)):
        for axis in range(3):
            least, most = np.inf, -np.inf
            for k in range(4):
                corner[k, axis] = (points[simplices[s, k], axis] - origin[axis]) / spacing[axis]
                least, most = min(least, corner[k, axis]), max(most, corner[k, axis])
            low[axis] = max(int(np.ceil(least - 1e-9)), start if axis == 0 else 0)
            high[axis] = min(int(np.floor(most + 1e-9)), (stop if axis == 0 else shape[axis]) - 1)
        if low[0] > high[0] or low[1] > high[1] or low[2] > high[2] or not _invert(corner, inverse):
            continue
        for i in range(low[0], high[0] + 1):
            for j in range(low[1], high[1] + 1):
                for k in range(low[2], high[2] + 1):
                    x, y, z = i - corner[0, 0], j - corner[0, 1], k - corner[0, 2]
                    weight[0] = 1.0
                    for m in range(3):
                        weight[m + 1] = inverse[m, 0] * x + inverse[m, 1] * y + inverse[m, 2] * z
                        weight[0] -= weight[m + 1]
                    if min(weight[0], weight[1], weight[2], weight[3]) < -_ON_FACE:
                        continue
                    total = value = 0.0
                    for m in range(4):
                        known = values[simplices[s, m]]
                        if not np.isnan(known):
                            total += max(weight[m], 0.0)
                            value += max(weight[m], 0.0) * known
                    if total > 1e-6:
                        grid[i, j, k] = value / total
                    elif np.isnan(grid[i, j, k]):
                        grid[i, j, k] = np.inf


@kernel(inner=True)
def _invert(corner, inverse):
    """Invert the matrix of edges from the first corner, so that its rows give weights; False if flat."""
    for row in range(3):  # by numbers, not by arrays, whose sums take long to compile
        one, two = 1 + (row + 1) % 3, 1 + (row + 2) % 3
        for axis in range(3):
            j, k = (axis + 1) % 3, (axis + 2) % 3
            inverse[row, axis] = (corner[one, j] - corner[0, j]) * (corner[two, k] - corner[0, k])
            inverse[row, axis] -= (corner[one, k] - corner[0, k]) * (corner[two, j] - corner[0, j])
    determinant = 0.0
    for axis in range(3):
        determinant += (corner[1, axis] - corner[0, axis]) * inverse[0, axis]
    if abs(determinant) < 1e-12:
        return False
    for row in range(3):
        for axis in range(3):
            inverse[row, axis] /= determinant
    return True
