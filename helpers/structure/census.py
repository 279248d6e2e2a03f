"""Census: how the motifs of the disordered part of a sample share tetrahedra and join."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import check_choice, check_number, check_numbers
from ..curves import Peak, fit_peak
from .bond_angles import FINEST
from .motifs import Motifs, disordered_tetrahedra
from .networks import Network, find_networks
from .packing import Packing, check_packing
from .sharing import Sharing, dihedral_angles, plane_angles, sharing

JOINED = (4, 5, 6)  # bipyramids whose networks are looked for
RULES = ("published", "stated", "all")


@dataclass(frozen=True, eq=False)
class Census:
    """What `take_census` found.

    Attributes
    ----------
    motifs : Motifs
        Motifs of the disordered part, by the rule that was asked for.
    shared : Sharing
        Between the pentagonal bipyramids of the disordered part.
    angles : (P,) float64 array
        Dihedral angles [degrees] between those that share an edge.
    networks : mapping from n (4, 5, 6) to list of Network
        Networks of the n-fold bipyramids of the disordered part, largest first.
    """

    motifs: Motifs
    shared: Sharing
    angles: NDArray[np.float64]
    networks: Mapping[int, list[Network]]

    @property
    def sizes(self) -> dict[int, NDArray[np.int64]]:
        """Number of bipyramids in each network of n-fold ones."""
        return {n: np.array([w.size for w in found], dtype=np.int64) for n, found in self.networks.items()}

    @property
    def lengths(self) -> dict[int, NDArray[np.float64]]:
        """Length of each network of n-fold bipyramids [Å]."""
        return {n: np.array([w.length for w in found], dtype=np.float64) for n, found in self.networks.items()}

    @property
    def angles_in_networks(self) -> NDArray[np.float64]:
        """Those of `angles` whose two bipyramids belong to a network of pentagonal ones."""
        members = np.concatenate([w.members for w in self.networks[5]] or [np.zeros(0, int)])
        return self.angles[np.isin(self.shared.edge_pairs, members).all(axis=1)]

    @property
    def dominated(self) -> bool:
        """Whether the networks of pentagonal bipyramids are more, and the largest one larger, than the others."""
        most = {n: (len(sizes), sizes.max(initial=0)) for n, sizes in self.sizes.items()}
        return all(most[5][k] > most[n][k] for n in most if n != 5 for k in (0, 1))


def take_census(packing: Packing, *, min_size: int = 5, rule: str = "published", least: int = 3) -> Census:
    """Go on from the motifs of a sample to how they join: sharing, dihedral angles, networks.

    Parameters
    ----------
    packing : Packing
        Tetrahedra and motifs, from `polytetrahedral_packing`.
    min_size : int
        Fewest bipyramids that make a network.
    rule : {"published", "stated", "all"}
        Which motifs belong to the disordered part: as in `Motifs.select`, or all of the sample.
    least : int
        Disordered atoms, of four, of a disordered tetrahedron.

    Returns
    -------
    Census
        With empty arrays and lists where there is nothing.
    """
    check_packing(packing)
    check_choice("rule", rule, RULES)
    motifs = packing.all_motifs
    if rule != "all":
        inside = disordered_tetrahedra(packing.tetrahedra, packing.disordered, least=least)
        motifs = motifs.select(inside, rule=rule)
    places, box = packing.positions, packing.box
    networks = {n: find_networks(motifs.fold[n], min_size, positions=places, box=box) for n in JOINED}
    angles = dihedral_angles(motifs.fold[5], packing)
    return Census(motifs, sharing(motifs.fold[5]), angles, networks)


def dihedral_peak(angles: ArrayLike, *, step: float = 1.0, reach: float = 15.0) -> Peak:
    """Where the distribution of dihedral angles has its maximum.

    Parameters
    ----------
    angles : (P,) array
        Angles [degrees].
    step : float
        Width of the bins [degrees].
    reach : float
        The Gaussian is fitted this far on either side of the fullest bin [degrees].

    Returns
    -------
    Peak
        In degrees, its height in counts a bin; NaN if there are too few angles.
    """
    angles = check_numbers(angles, name="angles", expected="angles [degrees]").ravel()
    step = check_number("step", step, low=FINEST, high=180)
    counts, edges = np.histogram(angles, bins=np.linspace(0, 180, round(180 / step) + 1))
    return fit_peak((edges[1:] + edges[:-1]) / 2, counts, reach=reach)


def dihedral_readings(censuses: Sequence[Census], packings: Sequence[Packing]) -> dict[str, float]:
    """Return the peak of the dihedral angle by other readings of how to find it.

    Parameters
    ----------
    censuses : sequence of Census
        One a sample; their angles are pooled.
    packings : sequence of Packing
        The packings they were taken of.

    Returns
    -------
    dict of str to float
        Angles [degrees]: with bins of 2° (``bins_2``), the fullest of these without a fit (``fullest_bin``), a fit
        within 10° (``reach_10``), the ``mean``, between ``planes`` fitted to the skeletons, of bipyramids in networks
        only (``in_networks``), and of these with bins of 2° and a fit within 10° (``in_networks_narrow``). NaN if there
        are too few.
    """
    every, joined, planes = (
        np.concatenate(parts)
        for parts in (
            [c.angles for c in censuses],
            [c.angles_in_networks for c in censuses],
            [plane_angles(c.motifs.fold[5], p) for c, p in zip(censuses, packings, strict=True)],
        )
    )
    counts = np.histogram(every, np.arange(0, 181, 2))[0]
    return {
        "bins_2": dihedral_peak(every, step=2.0).position,
        "fullest_bin": 2.0 * int(counts.argmax()) + 1 if len(every) else float("nan"),
        "reach_10": dihedral_peak(every, reach=10.0).position,
        "mean": float(every.mean()) if len(every) else float("nan"),
        "planes": dihedral_peak(planes).position,
        "in_networks": dihedral_peak(joined).position,
        "in_networks_narrow": dihedral_peak(joined, step=2.0, reach=10.0).position,
    }


@dataclass(frozen=True, eq=False)
class PooledCensus:
    """The pentagonal bipyramids of several samples taken together, and their largest network.

    Attributes
    ----------
    bipyramids : int
        How many there are.
    no_vertex_neighbour, edge_neighbour : float
        Shares of them that have no neighbour by a vertex, and at least one by an edge [%]; NaN if there are none.
    dihedral_peak : float
        Peak of the dihedral angle [degrees]; NaN if there are too few.
    largest_network, largest_atoms : int
        Bipyramids and atoms of the largest network; 0 if there is none.
    largest_length : float
        Its length [nm]; NaN if there is none.
    dominated : bool
        Whether these networks dominate in every sample, see `Census.dominated`.
    """

    bipyramids: int
    no_vertex_neighbour: float
    edge_neighbour: float
    dihedral_peak: float
    largest_network: int
    largest_atoms: int
    largest_length: float
    dominated: bool

    def numbers(self) -> dict[str, float]:
        """Return all of it as numbers by name, as `estimate` takes them."""
        return {name: float(value) for name, value in vars(self).items()}


def pool_censuses(censuses: Sequence[Census]) -> PooledCensus:
    """Pool the pentagonal bipyramids of several samples.

    Parameters
    ----------
    censuses : sequence of Census
        One a sample.

    Returns
    -------
    PooledCensus
        Every bipyramid counts once, whichever sample it is of.

    Raises
    ------
    ValueError
        If there is no census.
    """
    if len(censuses) == 0:
        msg = "censuses is empty; expected that of at least one sample"
        raise ValueError(msg)
    networks = [w for c in censuses for w in c.networks[5]]
    largest = max(networks, key=lambda w: w.size, default=None)
    vertex = np.concatenate([c.shared.vertex for c in censuses])
    edge = np.concatenate([c.shared.edge for c in censuses])
    count = len(vertex)
    return PooledCensus(
        bipyramids=count,
        no_vertex_neighbour=100 * float((vertex == 0).mean()) if count else float("nan"),
        edge_neighbour=100 * float((edge > 0).mean()) if count else float("nan"),
        dihedral_peak=dihedral_peak(np.concatenate([c.angles for c in censuses])).position,
        largest_network=largest.size if largest else 0,
        largest_atoms=len(largest.atoms) if largest else 0,
        largest_length=largest.length / 10 if largest else float("nan"),
        dominated=all(c.dominated for c in censuses),
    )
