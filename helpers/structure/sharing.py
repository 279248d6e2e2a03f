"""Sharing: how bipyramids have tetrahedra in common, at which angles, and fill icosahedra."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_members, check_numbers
from ..geometry.boxes import nearest_image
from ._sharing_kernels import find_pairs
from .motifs import Bipyramids, check_bipyramids
from .packing import Packing, check_packing


@dataclass(frozen=True, eq=False)
class Sharing:
    """Which bipyramids of one kind have tetrahedra in common.

    Attributes
    ----------
    vertex, edge : (K,) int64 array
        For each bipyramid the number of others whose skeleton shares exactly one vertex with it (one
        tetrahedron, four atoms), or an edge (two tetrahedra, five atoms).
    vertex_pairs, edge_pairs : (P, 2) int64 array
        The pairs themselves, first < second, sorted.
    """

    vertex: NDArray[np.int64]
    edge: NDArray[np.int64]
    vertex_pairs: NDArray[np.int64]
    edge_pairs: NDArray[np.int64]


def sharing(motif: Bipyramids) -> Sharing:
    """Count the neighbours with which each bipyramid shares a vertex or an edge of its skeleton.

    Parameters
    ----------
    motif : Bipyramids
        Bipyramids of one kind; those of the disordered region, say, if only these may be neighbours.

    Returns
    -------
    Sharing

    Notes
    -----
    The corners of a skeleton are tetrahedra. Two capping pairs that are opposite edges of one tetrahedron
    have only this tetrahedron in common (vertex); two that lie in one face have the two tetrahedra at this
    face in common (edge). There is no third case.

    Examples
    --------
    Two rings of four that have two of their tetrahedra in common.

    >>> import numpy as np
    >>> from helpers.structure import Bipyramids, sharing
    >>> rings = Bipyramids(np.array([[0, 1, 2, 3], [2, 3, 4, 5]]), np.array([[0, 1], [0, 2]]), np.zeros((2, 4), int))
    >>> sharing(rings).edge.tolist(), sharing(rings).vertex.tolist()
    ([1, 1], [0, 0])
    """
    check_bipyramids(motif)
    if len(motif) == 0:
        none = np.empty((0, 2), np.int64)
        return Sharing(np.zeros(0, np.int64), np.zeros(0, np.int64), none, none)
    return Sharing(*find_pairs(motif.tetrahedra))


def skeletons(motif: Bipyramids | ArrayLike, packing: Packing) -> NDArray[np.float64]:
    """Centroids of the tetrahedra of each motif: the corners of its n-fold skeleton.

    Parameters
    ----------
    motif : Bipyramids or (K, n) int array
        Bipyramids, or rows of tetrahedra such as triplets.
    packing : Packing
        The packing in which they were found.

    Returns
    -------
    (K, n, 3) float64 array
        Corners in order [Å]; in a box each skeleton is in one piece.

    Raises
    ------
    ValueError
        If the motif names tetrahedra that the packing does not have.
    """
    check_packing(packing)
    rows = packing.tetrahedra
    members = (
        motif.tetrahedra
        if isinstance(motif, Bipyramids)
        else check_numbers(motif, name="motif", dtype=None, expected="rows of tetrahedra")
    )
    if len(members) == 0:
        return np.empty((0, members.shape[1] if members.ndim == 2 else 3, 3))
    members = check_members(members, len(rows), members.shape[1], name="motif")
    anchor = packing.positions[rows[members[:, 0], 0]][:, None, None]
    return (anchor + nearest_image(packing.positions[rows[members]] - anchor, packing.box)).mean(axis=2)


def icosahedral_filling(motif: Bipyramids, packing: Packing) -> NDArray[np.int64]:
    """Count the pentagonal bipyramids that each atom caps: how much of an icosahedron surrounds it.

    Parameters
    ----------
    motif : Bipyramids
        Five-fold bipyramids.
    packing : Packing
        The packing in which they were found.

    Returns
    -------
    (N,) int64 array
        0 … 12 for a partial icosahedron; an atom with 12, and no ring of another size, is at the centre
        of an icosahedron of 20 tetrahedra (`find_icosahedra`).
    """
    _check_atoms(motif, packing)
    return np.bincount(motif.caps.ravel(), minlength=len(packing.positions))


def find_icosahedra(motif: Bipyramids, packing: Packing) -> NDArray[np.int64]:
    """Atoms at the centre of an icosahedron: 20 tetrahedra that make 12 pentagonal bipyramids, no other.

    Parameters
    ----------
    motif : Bipyramids
        Five-fold bipyramids.
    packing : Packing
        The packing in which they were found; all its tetrahedra count.

    Returns
    -------
    (K,) int64 array
        The central atoms, ascending.

    Notes
    -----
    The outer faces of the tetrahedra around an atom form a closed surface of F triangles and V corners
    with F = 2 V - 4. If 12 corners have five triangles each and there are 20 triangles, there is no other.
    With more triangles the atom is one of the Frank-Kasper centres of 14, 15 or 16 neighbours.
    """
    filling = icosahedral_filling(motif, packing)
    around = np.bincount(packing.tetrahedra.ravel(), minlength=len(packing.positions))
    return np.flatnonzero((filling == 12) & (around == 20))


def dihedral_angles(motif: Bipyramids, packing: Packing) -> NDArray[np.float64]:
    """Angles between skeletons that share an edge [degrees].

    Parameters
    ----------
    motif : Bipyramids
        Bipyramids of one kind.
    packing : Packing
        The packing in which they were found.

    Returns
    -------
    (P,) float64 array
        One angle for each row of ``sharing(motif).edge_pairs``, 0 … 180 degrees: between the two half
        planes that start at the common edge and hold the centre of either skeleton. Two faces of a
        regular dodecahedron make 116.57 degrees.
    """
    pairs = sharing(motif).edge_pairs
    corners, lengths = skeletons(motif, packing), packing.box
    if len(pairs) == 0:
        return np.empty(0)
    first, second = motif.tetrahedra[pairs[:, 0]], motif.tetrahedra[pairs[:, 1]]
    common = (first[:, :, None] == second[:, None, :]).any(axis=2)  # two true values in each row
    places = np.nonzero(common)[1].reshape(-1, 2)
    row = np.arange(len(pairs))
    start = corners[pairs[:, 0], places[:, 0]]
    axis = corners[pairs[:, 0], places[:, 1]] - start
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    arms = []
    for side in (0, 1):
        piece = corners[pairs[:, side]]
        if lengths is not None:  # bring the piece to the image that holds the common edge
            place = np.nonzero(second == first[row, places[:, 0]][:, None])[1] if side else places[:, 0]
            shift = piece[row, place] - start
            piece = piece - (lengths * np.round(shift / lengths))[:, None]
        arm = piece.mean(axis=1) - start
        arm -= (arm * axis).sum(axis=1, keepdims=True) * axis
        arms.append(arm / np.linalg.norm(arm, axis=1, keepdims=True))
    return np.degrees(np.arccos(np.clip((arms[0] * arms[1]).sum(axis=1), -1, 1)))


def plane_angles(motif: Bipyramids, packing: Packing) -> NDArray[np.float64]:
    """Angles between the mean planes of skeletons that share an edge [degrees].

    Parameters
    ----------
    motif : Bipyramids
        Bipyramids of one kind.
    packing : Packing
        The packing in which they were found.

    Returns
    -------
    (P,) float64 array
        One angle for each row of ``sharing(motif).edge_pairs``, 90 … 180 degrees: the obtuse one between the
        least-squares planes of either skeleton. Another reading of the angle than `dihedral_angles`, which looks at
        the common edge.
    """
    pairs = sharing(motif).edge_pairs
    if len(pairs) == 0:
        return np.empty(0)
    corners = skeletons(motif, packing)
    spread = corners - corners.mean(axis=1, keepdims=True)
    normals = np.linalg.svd(spread, full_matrices=False)[2][:, 2]
    cosine = np.abs((normals[pairs[:, 0]] * normals[pairs[:, 1]]).sum(axis=1))
    return 180 - np.degrees(np.arccos(np.minimum(cosine, 1)))


def _check_atoms(motif: Bipyramids, packing: Packing) -> None:
    """Refuse bipyramids of other atoms than those of the packing."""
    check_packing(packing)
    check_bipyramids(motif)
    if motif.highest_atom >= len(packing.positions):
        msg = (
            f"motif refers to atom {motif.highest_atom} but the packing holds {len(packing.positions)}; "
            "pass the packing in which it was found"
        )
        raise ValueError(msg)
