"""Clusters: pieces of networks to look at, each whole even where it crosses the faces of a box."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.checks import check_box, check_choice, check_positions

from .motifs import Bipyramids, skeletons
from .networks import Network, _make_network, icosahedral_filling, sharing


def largest_cluster(
    motif: Bipyramids, positions: ArrayLike, box: ArrayLike | None = None, *, by: str = "edge"
) -> Network | None:
    """Return the bipyramid with the most neighbours of one kind, and these neighbours.

    Parameters
    ----------
    motif : Bipyramids
        Bipyramids of one kind.
    positions : (N, 3) array
        Atom positions [Å].
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].
    by : {"vertex", "edge"}
        What the skeletons of neighbours have in common.

    Returns
    -------
    Network or None
        Its first member is the bipyramid itself, the lowest one if several have as many neighbours.
        None if no two bipyramids share what is asked for.

    References
    ----------
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Fig. 5d, e.
    """
    check_choice("by", by, ("vertex", "edge"))
    found = sharing(motif)
    counts, pairs = (found.vertex, found.vertex_pairs) if by == "vertex" else (found.edge, found.edge_pairs)
    if len(pairs) == 0:
        return None
    middle = int(counts.argmax())
    others = pairs[(pairs == middle).any(axis=1)]
    members = np.concatenate([[middle], others[others != middle]])
    return _make_network(motif, members, check_positions(positions), check_box(box))


def network_skeletons(
    network: Network,
    motif: Bipyramids,
    positions: ArrayLike,
    tetrahedra: ArrayLike,
    box: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Skeletons of the bipyramids of a network, in one piece.

    Parameters
    ----------
    network : Network
        With positions.
    motif : Bipyramids
        The bipyramids in which it was found.
    positions : (N, 3) array
        Atom positions [Å].
    tetrahedra : (M, 4) int array
        Atoms of each tetrahedron.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].

    Returns
    -------
    (size, n, 3) float64 array
        Corners [Å], one skeleton for each of ``network.members``.

    Raises
    ------
    ValueError
        If the network was found without positions.
    """
    if network.positions is None:
        raise ValueError("network has no positions; pass positions=… to find_networks")
    points = check_positions(positions)
    chosen = motif[network.members]
    corners = skeletons(chosen, points, tetrahedra, box)
    anchor = np.asarray(tetrahedra)[chosen.tetrahedra[:, 0], 0]  # the atom at which skeletons() starts
    return corners + (network.positions[np.searchsorted(network.atoms, anchor)] - points[anchor])[:, None]


def partial_icosahedra(
    network: Network, motif: Bipyramids, *, least: int = 4
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tell around which atoms the bipyramids of a network begin to fill an icosahedron.

    Parameters
    ----------
    network : Network
        Pentagonal bipyramids joined by edges.
    motif : Bipyramids
        The bipyramids in which it was found.
    least : int
        Fewest bipyramids around an atom that count, of the twelve of a whole icosahedron.

    Returns
    -------
    centres : (C,) int64 array
        The atoms, the one with the most bipyramids first.
    group : (size,) int64 array
        For each member of the network the place of its atom in `centres`, -1 if it has none. A
        bipyramid between two such atoms goes to the first one.
    """
    if int(least) != least or least < 1:
        raise ValueError(f"least={least!r}; expected a positive whole number of bipyramids")
    caps = motif.caps[network.members]
    filling = icosahedral_filling(motif[network.members], int(caps.max()) + 1)
    centres = np.flatnonzero(filling >= least)
    centres = centres[np.argsort(-filling[centres], kind="stable")]
    rank = np.full(len(filling), len(centres))
    rank[centres] = np.arange(len(centres))
    group = rank[caps].min(axis=1)
    return centres, np.where(group < len(centres), group, -1)
