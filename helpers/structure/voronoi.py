"""Voronoi cells: the space nearer to one atom than to any other, and the polyhedron its neighbours make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_number, check_positive, check_whole
from ..digits import counted
from ..geometry._cells import Grid, make_grid
from ..geometry.boxes import bounds, sides_of
from ..geometry.crowding import free_axes, look_over
from ..kernels import parts_of, share
from . import _voronoi_kernels as _kernels
from ._voronoi_cells import BROKEN, COINCIDENT, FULL

if TYPE_CHECKING:
    from ase import Atoms

_NEAR = 40  # atoms expected in the first look round an atom


@dataclass(frozen=True, eq=False)
class Voronoi:
    """Voronoi cells of a sample, one row an atom.

    Attributes
    ----------
    faces : (N, K) int array
        Number of faces with 3, 4, 5, … edges, of the regulated cell; all 0 where the cell is not closed.
    volumes : (N,) array
        Volume of the unregulated cell [Å³]; NaN where that is not closed.
    surfaces : (N,) array
        Surface of the unregulated cell [Å²]; NaN where that is not closed.
    radii : (N,) array
        Distance from the atom to the farthest vertex of the unregulated cell [Å]; infinite where atoms do
        not enclose it.
    closed : (N,) bool array
        Whether all vertices of the cell, before and after regulation, lie within `max_radius`. Dropping
        neighbours by distance may open a cell; its volume, which is that before regulation, stays.
    distortion : (N,) array
        Every vertex of the regulated cell belongs to a tetrahedron of the atom and the three neighbours whose
        faces meet there, of which an icosahedron has 20: the largest of their distortions
        (`tetrahedron_distortion`); NaN where the cell is not closed.
    """

    faces: NDArray[np.int64]
    volumes: NDArray[np.float64]
    surfaces: NDArray[np.float64]
    radii: NDArray[np.float64]
    closed: NDArray[np.bool_]
    distortion: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self.volumes)

    @property
    def indices(self) -> NDArray[np.int64]:
        """(N, 4) Voronoi indices: numbers of faces with three, four, five and six edges."""
        return self.faces[:, :4]

    @property
    def coordination(self) -> NDArray[np.int64]:
        """(N,) coordination numbers: how many faces each regulated cell has."""
        return self.faces.sum(axis=1)


def voronoi(
    positions: Atoms | ArrayLike,
    cutoff: float | None = None,
    box: ArrayLike | None = None,
    *,
    minimum_area: float = 0.01,
    rebuild: bool = True,
    rounds: int = 1,
    max_radius: float | None = 6.0,
    minimum_edge: float = 1e-3,
) -> Voronoi:
    """Tessellate a sample and index the cell of every atom.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å]. Every atom gets a cell; to report on some, index the result.
    cutoff : float, optional
        Neighbours beyond this distance [Å] are dropped too, for instance beyond the first valley of the
        pair distribution. Default: no limit.
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; None for a finite sample.
    minimum_area : float
        Neighbours whose face is smaller than this share of the cell's surface are dropped. The paper
        uses 0.01; 0 keeps all.
    rebuild : bool
        Whether the cell is cut anew from the neighbours that remain, so that their faces close the gaps.
        If not, the remaining faces are counted with the edges they had.
    rounds : int
        How often neighbours may be dropped. A rebuilt cell can have a face just below `minimum_area`
        again; more rounds drop that too, until nothing changes.
    max_radius : float or None
        A cell is closed if all its vertices lie this near to the atom [Å]. None: no limit, every
        cell that atoms enclose is closed; a finite sample then costs time quadratic in its surface. For a slab or
        a wire in a box with vacuum None means half its thickness and 10 Å, at least.
    minimum_edge : float
        Edges no longer than this [Å] are not counted, and a face needs three that are: where more
        than three faces meet in a point, as in perfect crystals, they meet in a point and not in
        edges a rounding error long.

    Returns
    -------
    Voronoi
        Index, coordination, volume, and whether the cell is closed.

    Raises
    ------
    ValueError
        If positions are not finite (N, 3), two atoms coincide, the box is too small for them, or an option is out of
        range.

    Warns
    -----
    VacuumWarning
        If the box is not full of atoms: where it is empty the sample is taken to end, with open cells at its surface.
    ClosePairsWarning
        If atoms lie nearer to one another than atoms can.

    Notes
    -----
    The volume is that of the unregulated cell. Cells at the surface of a finite sample are open: their
    volume is NaN and their faces are not counted. Leave them out of statistics:
    ``result.indices[result.closed]``.

    Each cell starts as a cube and is cut by the bisecting planes of its neighbours, nearest first, until
    the next neighbour is more than twice as far away as the farthest vertex, and no atom beyond
    ``2 * max_radius`` is needed to tell whether a cell is closed. Cells do not depend on one another:
    the work is shared by all threads and grows with the number of atoms.

    Regulation is done once by default, in the paper's words for the area and with the cell rebuilt; on
    the published models a second round changes the mean coordination by less than 0.005.

    References
    ----------
    J. L. Finney, Proc. R. Soc. Lond. A 319, 479 (1970); H. W. Sheng et al., Nature 439, 419 (2006);
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Methods, "The Voronoi tessellation". On cutting cells:
    C. H. Rycroft, Chaos 19, 041111 (2009); N. Ray et al., ACM Trans. Graph. 37, 265 (2018).

    Examples
    --------
    The face-centred cubic crystal has twelve neighbours, each behind a rhombus.

    >>> import numpy as np
    >>> from helpers.structure import voronoi
    >>> cell = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    >>> corners = np.stack(np.meshgrid(*3 * [np.arange(0, 6, 2)]), axis=-1).reshape(-1, 1, 3)
    >>> crystal = voronoi(1.5 * (cell + corners).reshape(-1, 3), box=9.0)
    >>> crystal.indices[0].tolist(), round(float(crystal.volumes.sum()), 6)
    ([0, 12, 0, 0], 729.0)
    """
    positions, lengths = as_positions(positions, box)
    positions, lengths = look_over(positions, lengths)
    limit = np.inf if cutoff is None else check_positive("cutoff", cutoff)
    minimum_area, minimum_edge = check_number("minimum_area", minimum_area), check_number("minimum_edge", minimum_edge)
    if not 0 <= minimum_area < 1:
        msg = f"minimum_area={minimum_area!r}; expected a share of the surface, from 0 to below 1"
        raise ValueError(msg)
    rounds = check_whole("rounds", rounds)
    if rounds < 1:
        msg = f"rounds={rounds!r}; expected at least 1 (minimum_area=0 drops nothing)"
        raise ValueError(msg)
    if minimum_edge < 0:
        msg = f"minimum_edge={minimum_edge!r}; expected 0 or a length [Å]"
        raise ValueError(msg)
    if max_radius is None and lengths is not None:
        ends = lengths[free_axes(positions, lengths)]
        max_radius = float(ends.min()) / 4 if len(ends) else None  # less than half of the vacuum
    grid, half, reach, search = _prepare(positions, lengths, max_radius)
    farthest = np.inf if max_radius is None else float(max_radius)

    count, size = len(positions), 256
    while True:
        values = [np.full(count, np.nan) for _ in range(5)]
        faces, state = np.zeros((count, _kernels.WIDEST - 2), np.uint16), np.empty(count, np.int8)
        settings = (limit, float(minimum_area), min(int(rounds), 2**31 - 1) if rebuild else 0, float(minimum_edge))
        share(
            _kernels._tessellate, parts_of(count), grid, half, reach, search, *settings, size, (faces, *values, state)
        )
        if not (state == FULL).any():
            break
        size *= 4
    _refuse(state, grid.order)
    place = np.empty(count, np.int64)
    place[grid.order] = np.arange(count)
    volumes, surfaces, radii, rebuilt, distortion = (v[place] for v in values)
    enclosed = np.isfinite(radii) & (radii <= farthest)
    closed = enclosed & np.isfinite(rebuilt) & (rebuilt <= farthest)
    volumes[~enclosed] = surfaces[~enclosed] = np.nan
    distortion[~closed] = np.nan
    faces = faces[place]
    faces[~closed] = 0
    widest = max(4, np.flatnonzero(faces.max(axis=0, initial=0)).max(initial=0) + 1)
    return Voronoi(faces[:, :widest].astype(np.int64), volumes, surfaces, radii, closed, distortion)


def _prepare(
    positions: NDArray[np.float64], lengths: NDArray[np.float64] | None, max_radius: float | None
) -> tuple[Grid, NDArray[np.float64], float, float]:
    """Sort atoms into a grid; return it, the block to cut from, first and last search radius."""
    low, high = bounds(positions)
    extent = high - low if lengths is None else lengths
    density = len(positions) / np.prod(np.maximum(extent, 1.0))
    for _ in range(2):  # the second time with the density of the part of space that holds atoms
        reach = float((3 * _NEAR / (4 * np.pi * density)) ** (1 / 3))
        grid = make_grid(positions, reach / 2, lengths)
        density = len(positions) / (np.count_nonzero(np.diff(grid.starts)) * np.prod(np.maximum(grid.width, 1.0)))
    if max_radius is None:
        half = np.full(3, 10 * np.linalg.norm(extent) + 1e-5) if lengths is None else lengths
        return grid, half, reach, float(np.linalg.norm(extent)) + 1e-6
    half = np.minimum(sides_of(lengths), check_positive("max_radius", max_radius))
    return grid, half, min(reach, 2 * float(max_radius)), 2 * float(max_radius)


def _refuse(state: NDArray[np.int8], order: NDArray[Any]) -> None:
    """Raise for cells that could not be made."""
    same = np.sort(order[state == COINCIDENT])
    if len(same):
        msg = (
            f"{counted(len(same), 'atom', 'lie')} where another one does, the first is atom {same[0]}; remove "
            "one of each"
        )
        raise ValueError(msg)
    broken = np.sort(order[state == BROKEN])
    if len(broken):
        msg = f"no cell could be cut for atom {broken[0]}; its surroundings are degenerate beyond rounding"
        raise ValueError(msg)
