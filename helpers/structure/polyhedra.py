"""Polyhedra: how distorted the shell of neighbours is that a Voronoi cell names."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from helpers.checks import check_box, check_mask, check_positions

from .voronoi import ICOSAHEDRAL, Voronoi, voronoi

_SLACK = 1e-9  # a point this far beyond a plane, relative to its distance, still lies on it


def polyhedron_distortion(
    positions: ArrayLike,
    atoms: ArrayLike,
    cells: Voronoi,
    cutoff: float | None = None,
    box: ArrayLike | None = None,
    *,
    minimum_area: float = 0.01,
) -> NDArray[np.float64]:
    """Largest distortion among the tetrahedra that make up the polyhedron around an atom.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    atoms : (K,) int array
        Central atoms, with closed cells.
    cells : Voronoi
        The tessellation of these positions.
    cutoff : float, optional
        Neighbours beyond this distance [Å] are dropped too, as in `voronoi`.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].
    minimum_area : float
        Neighbours whose face is smaller than this share of the cell's surface are dropped.

    Returns
    -------
    (K,) float64 array
        Each vertex of the regulated cell belongs to a tetrahedron of the atom and the three neighbours
        whose faces meet there; given is the largest of their distortions (`tetrahedron_distortion`). An
        icosahedron has 20 of them.

    Raises
    ------
    ValueError
        If a cell is not closed, or `cells` belong to other atoms.
    """
    positions = check_positions(positions)
    rows = np.atleast_1d(np.asarray(atoms))
    if len(cells) != len(positions):
        raise ValueError(f"cells hold {len(cells)} atoms but positions {len(positions)}; tessellate these positions")
    if len(rows) == 0:
        return np.empty(0)
    if not cells.closed[rows].all():
        first = int(rows[~cells.closed[rows]][0])
        raise ValueError(f"the cell of atom {first} is not closed; leave out such atoms (cells.closed)")
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    # a face needs a neighbour no farther than twice the farthest vertex; few cells are wide, so each has its own reach
    reach = 2 * cells.radii[rows] * (1 + 1e-9)
    lengths = check_box(box, cutoff=float(reach.max()))
    inside = positions if lengths is None else np.mod(positions, lengths) % lengths  # twice: -1e-20 gives the edge
    near = cKDTree(inside, boxsize=lengths).query_ball_point(inside[rows], reach, workers=-1, return_sorted=True)
    offsets = np.concatenate([[0], np.cumsum([len(found) for found in near])])
    indices = np.concatenate([np.asarray(found, dtype=np.int64) for found in near])
    sides = np.zeros(3) if lengths is None else lengths
    limit = np.inf if cutoff is None else float(cutoff)
    return _worst(positions, sides, rows, offsets, indices, limit, minimum_area)


def distorted_icosahedra(
    positions: ArrayLike,
    among: ArrayLike | None = None,
    cutoff: float | None = None,
    box: ArrayLike | None = None,
    *,
    minimum_area: float = 0.01,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the atoms whose Voronoi cell counts as a distorted icosahedron, and how distorted each is.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    among : (N,) bool array, optional
        Which atoms to look at; all by default. Open cells never count.
    cutoff : float, optional
        Neighbours beyond this distance [Å] are dropped, as in `voronoi`.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].
    minimum_area : float
        Neighbours whose face is smaller than this share of the cell's surface are dropped.

    Returns
    -------
    atoms : (K,) int64 array
        Atoms with one of the indices `ICOSAHEDRAL`, ascending.
    distortion : (K,) float64 array
        Largest distortion of a tetrahedron around each (`polyhedron_distortion`). Those with
        ``distortion <= delta`` are the icosahedra of tetrahedra that `find_tetrahedra` would accept.

    Raises
    ------
    ValueError
        If `among` is not a mask over the atoms.

    References
    ----------
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Supplementary Fig. 13.
    """
    positions = check_positions(positions)
    mask = check_mask(among, len(positions), name="among")
    cells = voronoi(positions, cutoff, box, minimum_area=minimum_area)
    named = (cells.indices[:, None, :] == np.array(ICOSAHEDRAL)).all(axis=2).any(axis=1)
    atoms = np.flatnonzero(named & cells.closed & mask)
    return atoms, polyhedron_distortion(positions, atoms, cells, cutoff, box, minimum_area=minimum_area)


@njit(parallel=True, cache=True)
def _worst(positions, sides, atoms, offsets, indices, cutoff, minimum_area):
    worst = np.empty(len(atoms))
    for row in prange(len(atoms)):
        i = atoms[row]
        shell = np.empty((offsets[row + 1] - offsets[row], 3))
        size = 0
        for place in range(offsets[row], offsets[row + 1]):
            if indices[place] == i:
                continue
            for axis in range(3):
                x = positions[indices[place], axis] - positions[i, axis]
                if sides[axis] > 0:
                    x -= sides[axis] * np.round(x / sides[axis])
                shell[size, axis] = x
            size += 1
        corners = _vertices(shell, size)
        areas = _areas(shell, size, corners)
        kept = 0
        for m in range(size):
            length = np.sqrt(shell[m, 0] ** 2 + shell[m, 1] ** 2 + shell[m, 2] ** 2)
            if areas[m] > 0 and areas[m] >= minimum_area * areas.sum() and length <= cutoff:
                shell[kept] = shell[m]
                kept += 1
        corners = _vertices(shell, kept)
        worst[row] = 0.0
        for c in range(len(corners)):
            a, b, d = int(corners[c, 0]), int(corners[c, 1]), int(corners[c, 2])
            worst[row] = max(worst[row], _tetrahedron(shell[a], shell[b], shell[d]))
    return worst


@njit(cache=True)
def _vertices(shell, size):
    """Points where three bisecting planes meet that no other plane cuts off: the planes, then the point."""
    found = np.empty((4 * size + 64, 6))
    count = 0
    half = np.empty(size)
    for m in range(size):
        half[m] = 0.5 * (shell[m, 0] ** 2 + shell[m, 1] ** 2 + shell[m, 2] ** 2)
    for a in range(size):
        for b in range(a + 1, size):
            # cross product of the two normals
            nx = shell[a, 1] * shell[b, 2] - shell[a, 2] * shell[b, 1]
            ny = shell[a, 2] * shell[b, 0] - shell[a, 0] * shell[b, 2]
            nz = shell[a, 0] * shell[b, 1] - shell[a, 1] * shell[b, 0]
            # the line of both planes: base + t n; every other plane cuts off one end
            square = nx * nx + ny * ny + nz * nz
            if square <= 1e-12 * half[a] * half[b]:
                continue
            ax, ay, az = shell[a]
            bx, by, bz = shell[b]
            px = (half[a] * (by * nz - bz * ny) + half[b] * (ny * az - nz * ay)) / square
            py = (half[a] * (bz * nx - bx * nz) + half[b] * (nz * ax - nx * az)) / square
            pz = (half[a] * (bx * ny - by * nx) + half[b] * (nx * ay - ny * ax)) / square
            low, high = -np.inf, np.inf
            first, last = -1, -1
            for m in range(size):
                if m in (a, b):
                    continue
                slope = nx * shell[m, 0] + ny * shell[m, 1] + nz * shell[m, 2]
                gap = half[m] - px * shell[m, 0] - py * shell[m, 1] - pz * shell[m, 2]
                if slope > 0:
                    if gap / slope < high:
                        high = gap / slope
                        last = m
                elif slope < 0:
                    if gap / slope > low:
                        low = gap / slope
                        first = m
                elif gap < 0:
                    low, high = 1.0, -1.0
                    break
            if low > high + _SLACK * (abs(low) + abs(high)):
                continue
            for m, t in ((first, low), (last, high)):
                if m > b and count < len(found):  # each vertex once, at its lowest two planes
                    found[count, 0], found[count, 1], found[count, 2] = a, b, m
                    found[count, 3], found[count, 4], found[count, 5] = px + t * nx, py + t * ny, pz + t * nz
                    count += 1
    return found[:count]


@njit(cache=True)
def _areas(shell, size, corners):
    """Area of the face on each plane: triangles from its middle to corners in order of angle."""
    areas = np.zeros(size)
    angle = np.empty(len(corners))
    points = np.empty((len(corners), 3))
    for m in range(size):
        count = 0
        for c in range(len(corners)):
            if corners[c, 0] == m or corners[c, 1] == m or corners[c, 2] == m:
                points[count] = corners[c, 3:]
                count += 1
        if count < 3:
            continue
        middle = points[0].copy()
        for c in range(1, count):
            middle += points[c]
        middle /= count
        normal = shell[m] / np.sqrt((shell[m] ** 2).sum())
        first = points[0] - middle
        second = np.cross(normal, first)
        for c in range(count):
            arm = points[c] - middle
            angle[c] = np.arctan2((arm * second).sum(), (arm * first).sum())
        order = np.argsort(angle[:count])
        for c in range(count):
            u = points[order[c]] - middle
            v = points[order[(c + 1) % count]] - middle
            areas[m] += 0.5 * abs((np.cross(u, v) * normal).sum())
    return areas


@njit(cache=True)
def _tetrahedron(u, v, w):
    """Distortion e_max / e_avg - 1 of the origin and three points."""
    edges = np.empty(6)
    edges[0] = np.sqrt((u**2).sum())
    edges[1] = np.sqrt((v**2).sum())
    edges[2] = np.sqrt((w**2).sum())
    edges[3] = np.sqrt(((u - v) ** 2).sum())
    edges[4] = np.sqrt(((u - w) ** 2).sum())
    edges[5] = np.sqrt(((v - w) ** 2).sum())
    return edges.max() / edges.mean() - 1
