"""Space that tetrahedra fill: marked on a grid, or cut by a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_members, check_number, check_whole
from ..geometry.boxes import nearest_image, wrap
from ..geometry.delaunay import interpolate
from .mass_density import DensityGrid

if TYPE_CHECKING:
    from ase import Atoms

# edges that cross a plane, in order round the cut, where one, two or three corners (the first ones) lie above it
_CROSSED = {1: ((0, 1), (0, 2), (0, 3)), 2: ((0, 2), (0, 3), (1, 3), (1, 2)), 3: ((0, 3), (1, 3), (2, 3))}


def fill_tetrahedra(
    positions: Atoms | ArrayLike, tetrahedra: ArrayLike, grid: DensityGrid, *, box: ArrayLike | None = None
) -> NDArray[np.bool_]:
    """Mark the grid points that lie inside tetrahedra.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    tetrahedra : (M, 4) int array
        Atoms of each tetrahedron.
    grid : DensityGrid
        The grid.
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; None for a finite sample.

    Returns
    -------
    (X, Y, Z) bool array
        True inside, and on the faces.

    Raises
    ------
    ValueError
        If tetrahedra are not (M, 4) or name atoms that do not exist.
    """
    positions, lengths = as_positions(positions, box)
    rows = check_members(tetrahedra, len(positions), 4, name="tetrahedra")
    if len(rows) == 0:
        return np.zeros(grid.values.shape, dtype=bool)
    corners = positions[rows]
    if lengths is not None:  # whole tetrahedra, first corner in the box, and all images that reach into it
        corners = corners - lengths * np.round((corners - corners[:, :1]) / lengths)
        corners -= lengths * np.floor(corners[:, :1] / lengths)
        shifts = np.stack(np.meshgrid(*3 * [[-1, 0, 1]], indexing="ij"), axis=-1).reshape(-1, 1, 1, 3) * lengths
        corners = (corners + shifts).reshape(-1, 4, 3)
        touches = (corners.max(axis=1) >= 0).all(axis=1) & (corners.min(axis=1) <= lengths).all(axis=1)
        corners = corners[touches]
    points = corners.reshape(-1, 3)
    simplices = np.arange(len(points)).reshape(-1, 4)
    shape = grid.values.shape
    return ~np.isnan(interpolate(points, np.zeros(len(points)), simplices, grid.origin, grid.spacing, shape))


def slice_tetrahedra(
    positions: Atoms | ArrayLike, tetrahedra: ArrayLike, level: float, *, axis: int = 2, box: ArrayLike | None = None
) -> list[NDArray[np.float64]]:
    """Cut tetrahedra with a plane, to draw them over a slice.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    tetrahedra : (M, 4) int array
        Atoms of each tetrahedron.
    level : float
        Position of the plane [Å].
    axis : int
        Axis that the plane is perpendicular to.
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; tetrahedra lie at the image whose middle is in the box.

    Returns
    -------
    list of (3, 2) or (4, 2) arrays
        Corners of each cut, in order, along the two other axes [Å].

    Raises
    ------
    ValueError
        If tetrahedra are not (M, 4), name atoms that do not exist, or there is no such axis.

    Examples
    --------
    >>> from helpers.structure import slice_tetrahedra
    >>> corners = [[0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 2]]
    >>> slice_tetrahedra(corners, [[0, 1, 2, 3]], 1.0)[0].tolist()
    [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    positions, lengths = as_positions(positions, box)
    rows = check_members(tetrahedra, len(positions), 4, name="tetrahedra")
    level = check_number("level", level)
    axis = check_whole("axis", axis)
    if axis > 2:
        msg = f"axis={axis!r}; expected 0, 1 or 2"
        raise ValueError(msg)
    corners = positions[rows]
    if lengths is not None:
        corners = corners[:, :1] + nearest_image(corners - corners[:, :1], lengths)
        middle = corners.mean(axis=1)
        corners = corners + (wrap(middle, lengths) - middle)[:, None]
    heights = corners[:, :, axis] - level
    order = np.argsort(-heights, axis=1)
    corners = np.take_along_axis(corners, order[:, :, None], axis=1)
    heights = np.take_along_axis(heights, order, axis=1)
    above = (heights > 0).sum(axis=1)
    across = np.delete(np.arange(3), axis)
    cuts: list[NDArray[np.float64]] = []
    for count, edges in _CROSSED.items():
        use = above == count
        upper, lower = np.array(edges).T
        share = heights[use][:, upper] / (heights[use][:, upper] - heights[use][:, lower])
        points = corners[use][:, upper] + share[:, :, None] * (corners[use][:, lower] - corners[use][:, upper])
        cuts += list(points[:, :, across])
    return cuts
