"""Networks: bipyramids joined by edges of their skeletons, each whole even where it crosses the faces of a box."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import as_positions
from ..checks import check_box, check_choice
from ..geometry.boxes import nearest_image
from .motifs import Bipyramids
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
    if int(min_size) != min_size or min_size < 1:
        msg = f"min_size={min_size!r}; expected a positive whole number of bipyramids"
        raise ValueError(msg)
    lengths = check_box(box)
    if positions is not None:
        positions, lengths = as_positions(positions, box)
        if len(motif) and motif.atoms.max() >= len(positions):
            msg = (
                f"motif refers to atom {motif.atoms.max()} but positions holds {len(positions)}; "
                "pass the positions in which the motifs were found"
            )
            raise ValueError(msg)
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    pairs = sharing(motif).edge_pairs
    joined = csr_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(motif),) * 2)
    if len(motif) == 0:
        return []
    label = connected_components(joined, directed=False)[1]
    sizes = np.bincount(label)
    ends = np.cumsum(sizes)
    members = np.argsort(label, kind="stable")
    kept = [members[ends[c] - sizes[c] : ends[c]] for c in np.flatnonzero(sizes >= min_size)]
    kept.sort(key=lambda rows: (-len(rows), rows[0]))
    piece = label[pairs[:, 0]]
    by_piece = np.argsort(piece, kind="stable")
    limits = np.searchsorted(piece[by_piece], np.arange(len(sizes) + 1))
    joints = {rows[0]: pairs[by_piece[limits[c] : limits[c + 1]]] for rows in kept for c in label[rows[:1]]}
    return [_make_network(motif, rows, joints[rows[0]], positions, lengths) for rows in kept]


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
    to_others = pairs[(pairs == middle).any(axis=1)]
    members = np.concatenate([[middle], to_others[to_others != middle]])
    return _make_network(motif, members, to_others, packing.positions, packing.box)


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
    from scipy.spatial.distance import pdist

    corners = network_skeletons(network, motif, packing).reshape(-1, 3)
    places = np.asarray(network.positions)
    caps = np.isin(network.atoms, motif.caps[network.members])
    found = {}
    for what, points in {"atoms": places, "caps": places[caps], "corners": corners}.items():
        axis = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][0]
        found[f"distance_{what}"] = float(pdist(points).max())
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


def _make_network(
    motif: Bipyramids,
    members: NDArray[np.int64],
    pairs: NDArray[np.int64],
    positions: NDArray[np.float64] | None,
    lengths: NDArray[np.float64] | None,
) -> Network:
    """Network of some bipyramids, which the pairs join to one."""
    atoms = np.unique(motif.atoms[members])
    if positions is None:
        return Network(members, atoms)
    if lengths is None:
        return Network(members, atoms, positions[atoms], _longest_distance(positions[atoms]))
    order, places, windings = _unwrap(motif, members, pairs, positions, lengths)
    first = np.unique(motif.atoms[members[order]], return_index=True)[1]  # where each atom comes first
    whole = places[order].reshape(-1, 3)[first]
    return Network(members, atoms, whole, _longest_distance(places.reshape(-1, 3)), windings)


def _unwrap(
    motif: Bipyramids,
    members: NDArray[np.int64],
    pairs: NDArray[np.int64],
    positions: NDArray[np.float64],
    lengths: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Put a network in one piece, from bipyramid to bipyramid.

    Returns the order in which they were reached, the places (size, n + 2, 3) of the atoms of each, and the windings.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order

    atoms = motif.atoms[members]
    arms = nearest_image(positions[atoms] - positions[atoms[:, :1]], lengths)  # the first cap is bonded to all others
    local = np.searchsorted(members, pairs, sorter=(rank := np.argsort(members)))
    one, two = rank[local].T
    same = atoms[one][:, :, None] == atoms[two][:, None, :]
    here, there = np.divmod(
        same.reshape(len(one), atoms.shape[1] ** 2).argmax(axis=1), atoms.shape[1]
    )  # an atom that both have
    step = arms[one, here] - arms[two, there]  # from the first cap of one to that of the other
    count = len(members)
    graph = csr_array((np.ones(len(one), np.int8), (one, two)), shape=(count, count))
    order, before = breadth_first_order(graph, 0, directed=False)
    ways = np.concatenate([one * count + two, two * count + one])  # every step forth and back
    sorted_ways = np.argsort(ways)
    taken = sorted_ways[np.searchsorted(ways[sorted_ways], before[order[1:]].astype(np.int64) * count + order[1:])]
    moves = np.concatenate([step, -step])[taken]
    caps = np.zeros((count, 3))
    for member, parent, move in zip(order[1:], before[order[1:]], moves, strict=True):
        caps[member] = caps[parent] + move
    closing = np.round((caps[one] + step - caps[two]) / lengths).astype(np.int64)
    start = positions[atoms[order[0], 0]]
    return order, start + caps[:, None] + arms, _independent(np.unique(closing, axis=0))


def _independent(vectors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return as many of the whole-number vectors (K, 3) as are independent, the shortest first."""
    found: list[NDArray[np.int64]] = []
    for vector in vectors[np.argsort(np.abs(vectors).sum(axis=1), kind="stable")]:
        if np.linalg.matrix_rank(np.array([*found, vector])) > len(found):
            found.append(vector)
        if len(found) == 3:
            break
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def _longest_distance(points: NDArray[np.float64]) -> float:
    """Largest distance between two points; only corners of the convex hull matter."""
    from scipy.spatial import ConvexHull, QhullError
    from scipy.spatial.distance import pdist

    if len(points) > 100:
        with suppress(QhullError):  # all in one plane
            points = points[ConvexHull(points).vertices]
    return float(pdist(points).max())
