"""Networks: bipyramids joined by edges of their skeletons, each whole even where it crosses the faces of a box."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_box, check_choice
from ._farthest_points import longest_distance
from ._network_kernels import Pieces, place_atoms, trace_pieces, unpack
from ._sharing_kernels import find_links
from .motifs import Bipyramids, check_bipyramids
from .packing import Packing
from .sharing import _check_atoms, sharing, skeletons

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, eq=False)
class Network:
    """Bipyramids joined by shared skeleton edges.

    Attributes
    ----------
    members : (size,) int64 array
        Rows of the bipyramids in their motif.
    atoms : (A,) int64 array
        All atoms of the network, ascending.
    positions : (A, 3) float64 array or None
        Where the atoms are [Å], in one piece even if the network crosses the faces of a box; None unless
        positions were given.
    length : float
        Largest distance between two of its atoms [Å]; NaN unless positions were given. For a network
        that percolates it is that of the piece in `positions`.
    windings : (D, 3) int64 array
        Independent numbers of boxes, along each axis, after which the network meets its own image if one follows its
        skeletons from edge to edge; none for a network that ends. One row is a thread through the box, three are a
        network that spans it in every direction.
    """

    members: NDArray[np.int64]
    atoms: NDArray[np.int64]
    positions: NDArray[np.float64] | None = field(default=None, repr=False)
    length: float = float("nan")
    windings: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 3), np.int64), repr=False)

    @property
    def size(self) -> int:
        """Number of bipyramids."""
        return len(self.members)

    @property
    def percolates(self) -> bool:
        """Whether the network meets its own periodic image, and so has no end."""
        return len(self.windings) > 0

    @property
    def spans(self) -> bool:
        """Whether it has no end in any direction: it fills space, as its periodic images go on."""
        return len(self.windings) == 3


def find_networks(
    motif: Bipyramids,
    min_size: int = 5,
    *,
    positions: Atoms | ArrayLike | None = None,
    box: ArrayLike | None = None,
) -> list[Network]:
    """Join bipyramids whose skeletons share an edge into networks.

    Parameters
    ----------
    motif : Bipyramids
        Bipyramids of one kind.
    min_size : int
        Fewest bipyramids that make a network.
    positions : Atoms or (N, 3) array, optional
        A model with its box, or atom positions [Å]; with them the networks have a length.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].

    Returns
    -------
    list of Network
        Largest first; of the same size, the one with the lowest member first.

    Raises
    ------
    ValueError
        If `min_size` is not positive, or the motif refers to atoms beyond `positions`.

    References
    ----------
    Y. Yuan et al., Nat. Mater. 21, 95 (2022), Methods, "PBNs".
    """
    check_bipyramids(motif)
    if int(min_size) != min_size or min_size < 1:
        msg = f"min_size={min_size!r}; expected a positive whole number of bipyramids"
        raise ValueError(msg)
    lengths = check_box(box)
    if positions is not None:
        positions, lengths = as_positions(positions, box)
        if motif.highest_atom >= len(positions):
            msg = (
                f"motif refers to atom {motif.highest_atom} but positions holds {len(positions)}; "
                "pass the positions in which the motifs were found"
            )
            raise ValueError(msg)
    if len(motif) == 0:
        return []
    pieces = trace_pieces(motif.caps, motif.ring, *find_links(motif.tetrahedra), positions, lengths)
    sizes = np.diff(pieces.starts)
    kept = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes >= min_size)]  # as given, by lowest member
    return _make_networks(motif, pieces, kept, positions, lengths)


def largest_cluster(motif: Bipyramids, packing: Packing, *, by: str = "edge") -> Network | None:
    """Return the bipyramid with the most neighbours of one kind, and these neighbours.

    Parameters
    ----------
    motif : Bipyramids
        Bipyramids of one kind.
    packing : Packing
        The packing in which they were found.
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
    _check_atoms(motif, packing)
    found = sharing(motif)
    counts, pairs = (found.vertex, found.vertex_pairs) if by == "vertex" else (found.edge, found.edge_pairs)
    if len(pairs) == 0:
        return None
    middle = int(counts.argmax())
    others = pairs[(pairs == middle).any(axis=1)]
    others = others[others != middle]
    members = np.concatenate([[middle], others])
    count = len(others)
    local = np.arange(1, count + 1)  # later ones first, as find_links has them
    links = np.concatenate([local[others > middle], local[others < middle], np.zeros(count, np.int64)]).astype(np.int32)
    starts = np.concatenate([[0], count + np.arange(count + 1)])
    chosen = motif[members]
    pieces = trace_pieces(chosen.caps, chosen.ring, starts, links, packing.positions, packing.box)
    (network,) = _make_networks(chosen, pieces, np.zeros(1, np.int64), packing.positions, packing.box)
    return replace(network, members=members)


def network_skeletons(network: Network, motif: Bipyramids, packing: Packing) -> NDArray[np.float64]:
    """Skeletons of the bipyramids of a network, in one piece.

    Parameters
    ----------
    network : Network
        With positions.
    motif : Bipyramids
        The bipyramids in which it was found.
    packing : Packing
        The packing in which they were found.

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
        msg = "network has no positions; pass positions=… to find_networks"
        raise ValueError(msg)
    check_bipyramids(motif)
    chosen = motif[network.members]
    corners = skeletons(chosen, packing)
    anchor = packing.tetrahedra[chosen.tetrahedra[:, 0], 0]  # the atom at which skeletons() starts
    return corners + (network.positions[np.searchsorted(network.atoms, anchor)] - packing.positions[anchor])[:, None]


def network_lengths(network: Network, motif: Bipyramids, packing: Packing) -> dict[str, float]:
    """Return how long a network is by different readings of the word.

    Parameters
    ----------
    network : Network
        With positions.
    motif : Bipyramids
        The bipyramids in which it was found.
    packing : Packing
        The packing in which they were found.

    Returns
    -------
    dict of str to float
        The largest distance between two points (``distance_…``) and the extent of all along their first principal axis
        (``extent_…``) [Å], where the points are the ``atoms``, the capping atoms (``caps``), or the ``corners`` of the
        skeletons.

    Raises
    ------
    ValueError
        If the network was found without positions.
    """
    corners = network_skeletons(network, motif, packing).reshape(-1, 3)
    places = np.asarray(network.positions)
    caps = np.isin(network.atoms, motif.caps[network.members])
    found = {}
    for what, points in {"atoms": places, "caps": places[caps], "corners": corners}.items():
        axis = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][0]
        found[f"distance_{what}"] = longest_distance(points)
        found[f"extent_{what}"] = float(np.ptp(points @ axis))
    return found


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
    check_bipyramids(motif)
    if int(least) != least or least < 1:
        msg = f"least={least!r}; expected a positive whole number of bipyramids"
        raise ValueError(msg)
    caps = motif.caps[network.members]
    filling = np.bincount(caps.ravel())  # by atom
    centres = np.flatnonzero(filling >= least)
    centres = centres[np.argsort(-filling[centres], kind="stable")]
    rank = np.full(len(filling), len(centres))
    rank[centres] = np.arange(len(centres))
    group = rank[caps].min(axis=1)
    return centres, np.where(group < len(centres), group, -1)


def _make_networks(
    motif: Bipyramids,
    pieces: Pieces,
    kept: NDArray[np.int64],
    positions: NDArray[np.float64] | None,
    lengths: NDArray[np.float64] | None,
) -> list[Network]:
    """Make networks of those pieces of a motif that are kept."""
    places = np.zeros((motif.highest_atom + 1, 3)) if positions is None else positions
    seen = np.full((len(places), 2), -1, np.int64)
    networks = []
    for number, piece in enumerate(kept):
        order = pieces.order[pieces.starts[piece] : pieces.starts[piece + 1]]
        found = place_atoms(motif.caps, motif.ring, order, pieces, seen, places, lengths, 2 * number)
        members = np.sort(order).astype(np.int64)
        if positions is None:
            networks.append(Network(members, found.atoms))
            continue
        length = longest_distance(np.concatenate([found.places, found.extra]))
        windings = _independent(np.unique(unpack(pieces.closings.get(int(piece), np.empty(0, np.int64))), axis=0))
        networks.append(Network(members, found.atoms, found.places, length, windings))
    return networks


def _independent(vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return as many of the whole-number vectors (K, 3) as are independent, the shortest first."""
    found: list[NDArray[np.int64]] = []
    for vector in vectors[np.argsort(np.abs(vectors).sum(axis=1), kind="stable")]:
        if np.linalg.matrix_rank(np.array([*found, vector])) > len(found):
            found.append(vector)
        if len(found) == 3:
            break
    return np.array(found, dtype=np.int64).reshape(-1, 3)
