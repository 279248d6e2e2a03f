"""Polyhedra: the cell of one atom, to be drawn, and the cells that count as distorted icosahedra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_mask, check_number
from ..digits import counted
from . import _voronoi_kernels as _kernels
from ._voronoi_cells import FULL
from .voronoi import _prepare, _refuse, voronoi
from .voronoi_indices import ICOSAHEDRAL

if TYPE_CHECKING:
    from ase import Atoms


def distorted_icosahedra(
    positions: Atoms | ArrayLike,
    among: ArrayLike | None = None,
    *,
    cutoff: float | None = None,
    box: ArrayLike | None = None,
    minimum_area: float = 0.01,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the atoms whose Voronoi cell counts as a distorted icosahedron, and how distorted each is.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
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
        Largest distortion of a tetrahedron around each (`Voronoi.distortion`). Those with
        ``distortion <= delta`` are the icosahedra of tetrahedra that `find_tetrahedra` would accept.

    Raises
    ------
    ValueError
        If `among` is not a mask over the atoms.

    References
    ----------
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Supplementary Fig. 13.
    """
    positions, lengths = as_positions(positions, box)
    mask = check_mask(among, len(positions), name="among")
    cells = voronoi(positions, cutoff, lengths, minimum_area=minimum_area)
    named = (cells.indices[:, None, :] == np.array(ICOSAHEDRAL)).all(axis=2).any(axis=1)
    atoms = np.flatnonzero(named & cells.closed & mask)
    return atoms, cells.distortion[atoms]


@dataclass(frozen=True, eq=False)
class Cell:
    """The unregulated Voronoi cell of one atom, for drawing.

    Attributes
    ----------
    vertices : (V, 3) array
        Corners, relative to the atom [Å].
    faces : list of (n,) int arrays
        Vertices of each face towards an atom, counter-clockwise as seen from outside.
    neighbours : (F, 3) array
        Position of the atom behind each face, relative to the central one [Å].
    """

    vertices: NDArray[np.float64]
    faces: list[NDArray[np.int64]]
    neighbours: NDArray[np.float64]

    @property
    def areas(self) -> NDArray[np.float64]:
        """(F,) areas of the faces [Å²]."""
        normals = self.neighbours / np.linalg.norm(self.neighbours, axis=1, keepdims=True)
        sums = [np.cross(self.vertices[f], np.roll(self.vertices[f], -1, axis=0)).sum(axis=0) for f in self.faces]
        return np.array([0.5 * s @ n for s, n in zip(sums, normals, strict=True)])


def voronoi_cell(
    positions: Atoms | ArrayLike, atom: int, *, box: ArrayLike | None = None, max_radius: float | None = 6.0
) -> Cell:
    """Return the unregulated Voronoi cell of one atom, with its vertices and faces.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    atom : int
        Which atom.
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; None for a finite sample.
    max_radius : float or None
        The cell of a surface atom is cut off at a cube of this half-width [Å], as in `voronoi`.

    Raises
    ------
    ValueError
        As `voronoi`.
    IndexError
        If there is no such atom.
    """
    positions, lengths = as_positions(positions, box)
    atom = int(check_number("atom", atom))
    if not -len(positions) <= atom < len(positions):
        msg = f"atom={atom} is not among the {counted(len(positions), 'atom')}"
        raise IndexError(msg)
    grid, half, reach, search = _prepare(positions, lengths, max_radius)
    place, size = int(np.flatnonzero(grid.order == atom % len(positions))[0]), 256
    count = FULL
    while count == FULL:
        count, vertices, link, face, behind = _kernels._one_cell(grid, place, half, reach, search, size)
        size *= 4
    _refuse(np.array([count]), np.array([atom]))
    loops: dict[int, list[int]] = {}
    for start in range(len(link)):
        if face[start] >= 6 and face[start] not in loops:
            loop: list[int] = []
            edge = start
            while not loop or edge != start:
                loop.append(edge // 3)
                back = 3 * link[edge] + int(np.flatnonzero(link[3 * link[edge] : 3 * link[edge] + 3] == edge // 3)[0])
                edge = 3 * (back // 3) + (back + 2) % 3
            loops[int(face[start])] = loop
    shown = sorted(loops)
    return Cell(vertices, [np.array(loops[f]) for f in shown], behind[shown])
