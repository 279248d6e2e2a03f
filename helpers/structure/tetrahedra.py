"""Tetrahedra: four atoms in mutual contact around an empty sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_box, check_count, check_members, check_positive
from ..digits import counted
from ..geometry.boxes import sides_of
from ..geometry.crowding import keep_apart, warn_of_close_pairs
from ..geometry.neighbours import Neighbours, resolve_neighbours
from ._tetrahedron_kernels import distortions, search

if TYPE_CHECKING:
    from ase import Atoms

_COINCIDENT = 1e-6  # atoms nearer than this share a place [Å]


def find_tetrahedra(
    positions: Atoms | ArrayLike,
    cutoff: float,
    delta: float = 0.255,
    box: ArrayLike | None = None,
    *,
    neighbours: Neighbours | None = None,
    max_radius: float = 4.0,
    tolerance: float = 1e-9,
    most_neighbours: int = 200,
) -> NDArray[np.int64]:
    r"""Find the Delaunay tetrahedra whose six edges are bonds of nearly the same length.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    cutoff : float
        Longest edge [Å]: the first valley of the pair distribution.
    delta : float
        Largest distortion :math:`\delta = e_\max / e_\mathrm{avg} - 1` of the edge lengths.
    box : (3,) array, float or None
        Edge lengths of an orthogonal periodic box [Å]; None for a finite sample.
    neighbours : Neighbours, optional
        Neighbour list with at least this cutoff, if it is known already.
    max_radius : float
        Largest circumradius [Å]; wider tetrahedra bridge open space (the alpha of an alpha shape).
    tolerance : float
        Width, relative to the size of the tetrahedron, of the band in which an atom counts as lying
        on the circumsphere. The default is far above rounding and far below any real distance; raise
        it to 1e-5 for a crystal whose coordinates were rounded.
    most_neighbours : int
        More neighbours of an atom than this are refused: the time grows with their fourth power. Atoms of a metal
        have 12 to 20 up to the first valley.

    Returns
    -------
    (M, 4) int64 array
        Atoms of each tetrahedron, ascending in each row; rows sorted. Empty, (0, 4), if there is none.

    Raises
    ------
    ValueError
        If there are fewer than four atoms, atoms coincide or all lie in one plane, a coordinate is not
        finite, `cutoff`, `delta` or `max_radius` is not positive, the box is smaller than twice the
        cutoff, or an atom has more than `most_neighbours`.

    Warns
    -----
    ClosePairsWarning
        If atoms lie nearer to one another than atoms can.

    Notes
    -----
    No tessellation is built. Every four atoms that are neighbours of one another (a clique of the
    neighbour graph) and pass `delta` are a candidate; a candidate is accepted if no other atom lies in
    or on its circumsphere. All tests are local, so the cost grows with the number of atoms, each atom
    is searched on its own, and a periodic box needs no images.

    An atom counts as *in or on* the sphere of centre c and radius R if
    :math:`|p - c|^2 \le R^2 + t\,L^5 / 6V`, with the longest edge L, the volume V and the tolerance t.
    The last term bounds the rounding error of the left side, which grows as the tetrahedron gets
    flat; a tetrahedron with :math:`6V \le t L^3` is flat and rejected. Where five or more atoms
    lie on one sphere, as around the octahedral holes of fcc and hcp or the cubes of a simple
    cubic crystal, the Delaunay tessellation is not unique and none of the tetrahedra that share that
    sphere is accepted: the hole stays open. What is accepted is what *every* Delaunay tessellation of
    the atoms contains, hence no two tetrahedra overlap, and the result does not depend on
    the order of the atoms nor on how they are turned. The bcc crystal has no such spheres and is
    filled. For atoms in general position the result equals that of any Delaunay code.

    References
    ----------
    A. S. Clarke and J. D. Wiley, Phys. Rev. B 35, 7350 (1987), for the distortion;
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Methods, "Polytetrahedral packing analysis".

    Examples
    --------
    >>> from helpers.structure import find_tetrahedra
    >>> corners = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    >>> find_tetrahedra(corners, cutoff=3.0).tolist()
    [[0, 1, 2, 3]]
    """
    positions, lengths = as_positions(positions, box, minimum=4)
    cutoff = check_positive("cutoff", cutoff)
    delta = check_positive("delta", delta)
    max_radius = check_positive("max_radius", max_radius)
    tolerance = check_positive("tolerance", tolerance)
    check_box(lengths, cutoff=cutoff)
    found = resolve_neighbours(positions, cutoff=cutoff, box=lengths, neighbours=neighbours)
    if lengths is None:
        lengths = found.box
    _refuse_coincident(found)
    _refuse_crowds(found, check_count("most_neighbours", most_neighbours))
    if not keep_apart(found):
        warn_of_close_pairs(positions, lengths)
    if lengths is None:
        _refuse_coplanar(positions, tolerance)
    return search(positions, found, cutoff, delta, max_radius, tolerance, sides_of(lengths))


def tetrahedron_distortion(
    positions: Atoms | ArrayLike, tetrahedra: ArrayLike, *, box: ArrayLike | None = None
) -> NDArray[np.float64]:
    r"""Distortion :math:`\delta = e_\max / e_\mathrm{avg} - 1` of every tetrahedron.

    To study many values of delta, search once with the largest and keep the tetrahedra with
    ``tetrahedron_distortion(...) <= delta``: the result is the same as that of a search for each.

    Parameters
    ----------
    positions : Atoms or (N, 3) array
        A model with its box, or atom positions [Å].
    tetrahedra : (M, 4) int array
        Atoms of each tetrahedron.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].

    Returns
    -------
    (M,) float64 array
        Zero for a regular tetrahedron.

    Examples
    --------
    >>> from helpers.structure import tetrahedron_distortion
    >>> corners = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    >>> tetrahedron_distortion(corners, [[0, 1, 2, 3]]).round(12).tolist()
    [0.0]
    """
    positions, lengths = as_positions(positions, box)
    tetrahedra = check_members(tetrahedra, len(positions), 4, name="tetrahedra")
    values = distortions(positions, tetrahedra, sides_of(lengths))
    lost = np.flatnonzero(np.isnan(values))
    if lost.size:
        msg = f"row {lost[0]} of tetrahedra has its four atoms in one place; expected four different atoms"
        raise ValueError(msg)
    return values


def _refuse_coincident(found: Neighbours) -> None:
    if found.shortest < _COINCIDENT:
        pairs = found.closer_than(_COINCIDENT)
        msg = (
            f"{counted(len(pairs), 'pair of atoms', 'coincide')}, the first are atoms {pairs[0, 0]} and {pairs[0, 1]}; "
            "remove the duplicates"
        )
        raise ValueError(msg)


def _refuse_crowds(found: Neighbours, most: int) -> None:
    crowded = int(found.counts.max())
    if crowded > most:
        candidates = float((found.counts.astype(float) ** 3).sum() / 24)
        msg = (
            f"atom {found.counts.argmax()} has {counted(crowded, 'neighbour')} within cutoff={found.cutoff:g} "
            "Å, so that up to "
            f"{candidates:.1g} groups of four would be looked at; lower the cutoff, remove what was traced twice, or "
            f"raise most_neighbours={most}"
        )
        raise ValueError(msg)


def _refuse_coplanar(positions: NDArray[np.float64], tolerance: float) -> None:
    widest, _, flattest = np.linalg.svd(np.cov(positions.T), compute_uv=False).tolist()
    if flattest <= tolerance * (tolerance * widest) or flattest <= 1e-15 * widest:
        msg = "all atoms lie in one plane; tetrahedra need a third dimension"
        raise ValueError(msg)
