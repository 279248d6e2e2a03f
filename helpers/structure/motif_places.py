"""Places of motifs: where they crowd, how dense it is there, and which one is the most regular."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_box, check_mask, check_members, check_numbers, check_positive
from ..digits import counted
from ..geometry.boxes import nearest_image, wrap
from .mass_density import DensityGrid
from .packing import Packing, check_packing
from .sharing import skeletons
from .tetrahedra import tetrahedron_distortion

MAIN = (3, 4, 5, 6)


def most_regular(packing: Packing, n: int) -> NDArray[np.int64] | None:
    """Return the tetrahedra of the motif of the disordered region whose most distorted one is least distorted.

    Parameters
    ----------
    packing : Packing
        Tetrahedra and motifs.
    n : int
        3 for triplets, n for n-fold bipyramids.

    Returns
    -------
    (n, 4) int64 array or None
        Atoms of each tetrahedron, in the order of the motif; None if there is no such motif.
    """
    check_packing(packing)
    members = packing.motifs.tetrahedra(n)
    if len(members) == 0:
        return None
    distortion = tetrahedron_distortion(packing.positions, packing.tetrahedra, box=packing.box)
    return packing.tetrahedra[members[distortion[members].max(axis=1).argmin()]]


def bipyramid_atoms(packing: Packing, tetrahedra: ArrayLike) -> NDArray[np.float64]:
    """Return the positions of the atoms of one bipyramid: the two caps, then the ring in order.

    Parameters
    ----------
    packing : Packing
        The packing in which it was found.
    tetrahedra : (n, 4) int array
        Atoms of its tetrahedra in ring order, as `most_regular` gives them.

    Returns
    -------
    (n + 2, 3) float64 array
        Positions [Å], in one piece in a box.

    Raises
    ------
    ValueError
        If the tetrahedra do not make one ring around two common atoms.
    """
    check_packing(packing)
    rows = check_members(tetrahedra, len(packing.positions), 4, name="tetrahedra")
    caps = set.intersection(*(set(row) for row in rows.tolist())) if len(rows) else set()
    rings = [set(row) - caps for row in rows.tolist()]
    steps = [a & b for a, b in zip(rings, [*rings[1:], *rings[:1]], strict=True)]
    if len(caps) != 2 or len(rows) < 4 or any(len(step) != 1 for step in steps):
        msg = (
            f"the tetrahedra have {counted(len(caps), 'atom')} in common and make no ring; expected one "
            "bipyramid, in order"
        )
        raise ValueError(msg)
    return in_one_piece(packing, [*sorted(caps), *(step.pop() for step in steps)])


def in_one_piece(packing: Packing, atoms: ArrayLike) -> NDArray[np.float64]:
    """Return the positions of a few atoms near one another, in one piece where a face of the box parts them.

    Parameters
    ----------
    packing : Packing
        The packing they are part of.
    atoms : (n,) int array
        Atoms, less than half the box away from the first.

    Returns
    -------
    (n, 3) float64 array
        Positions [Å].

    Raises
    ------
    ValueError
        If there is no such atom.
    """
    check_packing(packing)
    given = check_numbers(atoms, name="atoms", dtype=None, expected="indices of atoms")
    members = check_members(given.reshape(-1, 1), len(packing.positions), 1, name="atoms").ravel()
    if len(members) == 0:
        return np.empty((0, 3))
    places = packing.positions[members]
    return places[:1] + nearest_image(places - places[:1], packing.box)


def motif_excess(packing: Packing, grid: DensityGrid, region: NDArray[np.bool_]) -> dict[int, float]:
    """Return how much denser it is at the motifs of each kind than in the whole region.

    Parameters
    ----------
    packing : Packing
        Tetrahedra and motifs.
    grid : DensityGrid
        Mass density of the same model.
    region : (X, Y, Z) bool array
        Points that the mean is taken over, from `packed_region`.

    Returns
    -------
    dict of int to float
        For n = 3 … 6 the mean density at the centres of the skeletons over that of the region, less one [%]; NaN where
        there are no motifs.
    """
    check_packing(packing)
    mean = grid.values[check_mask(region, grid.values.shape, name="region")].mean()
    found = {}
    for n in MAIN:
        places = wrap(skeletons(packing.motifs.tetrahedra(n), packing).mean(axis=1), packing.box)
        found[n] = float("nan")
        if len(places):
            found[n] = float(100 * (np.nanmean(grid.values[tuple(grid.nearest(places).T)]) / mean - 1))
    return found


def crowded_cube(packing: Packing, edge: float) -> tuple[NDArray[np.float64], dict[int, NDArray[np.float64]]]:
    """Find the cube about the centre of a motif that holds the centres of the most motifs.

    Parameters
    ----------
    packing : Packing
        Tetrahedra and motifs.
    edge : float
        Edge of the cube [Å]; in a box at most half of it.

    Returns
    -------
    centre : (3,) array
        Middle of the cube [Å]; the first atom where there are no motifs.
    skeletons : dict of int to (K, n, 3) array
        For n = 3 … 6 the skeletons whose centres lie in the cube [Å].

    Raises
    ------
    ValueError
        If the edge is not positive.
    """
    from scipy.spatial import cKDTree

    check_packing(packing)
    box, half = packing.box, check_positive("edge", edge) / 2
    check_box(box, cutoff=2 * half, name="edge")
    rings = {n: skeletons(packing.motifs.tetrahedra(n), packing) for n in MAIN}
    places = wrap(np.concatenate([r.mean(axis=1) for r in rings.values()] + [packing.positions[:1]]), box)
    crowd = cKDTree(places, boxsize=box).query_ball_point(places, half, p=np.inf, return_length=True)  # p = ∞: a cube
    centre = places[crowd.argmax()]
    found = {}
    for n, corners in rings.items():
        middle = corners.mean(axis=1)
        away = nearest_image(middle - centre, box)
        inside = (np.abs(away) < half).all(axis=1)
        found[n] = corners[inside] + (centre + away - middle)[inside][:, None]
    return centre, found
