"""Census: how the motifs of the disordered part of a sample share tetrahedra and join, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from helpers.checks import check_choice, check_positions

from .bond_order import bond_order
from .motifs import Motifs, disordered_tetrahedra, find_motifs
from .networks import Network, Sharing, dihedral_angles, find_networks, sharing
from .nuclei import find_nuclei
from .peaks import Peak, fit_peak
from .tetrahedra import find_tetrahedra

JOINED = (4, 5, 6)  # bipyramids whose networks are looked for
RULES = ("published", "stated", "all")


@dataclass(frozen=True, eq=False)
class Census:
    """What `take_census` found.

    Attributes
    ----------
    nuclei : (N,) bool array
        Atoms of crystal nuclei.
    tetrahedra : (M, 4) int64 array
        All accepted tetrahedra.
    whole, motifs : Motifs
        Motifs of the whole sample, and those of its disordered part.
    shared : Sharing
        Between the pentagonal bipyramids of the disordered part.
    angles : (P,) float64 array
        Dihedral angles [degrees] between those that share an edge.
    networks : mapping from n (4, 5, 6) to list of Network
        Networks of the n-fold bipyramids of the disordered part, largest first.
    """

    nuclei: NDArray[np.bool_]
    tetrahedra: NDArray[np.int64]
    whole: Motifs
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
    def dominated(self) -> bool:
        """Whether the networks of pentagonal bipyramids are more, and the largest one larger, than the others."""
        most = {n: (len(sizes), sizes.max(initial=0)) for n, sizes in self.sizes.items()}
        return all(most[5][k] > most[n][k] for n in most if n != 5 for k in (0, 1))


def take_census(
    positions: ArrayLike,
    cutoff: float,
    delta: float = 0.255,
    box: ArrayLike | None = None,
    *,
    min_size: int = 5,
    rule: str = "published",
    least: int = 3,
) -> Census:
    """Go from atoms to networks: bond order, nuclei, tetrahedra, motifs, sharing, dihedral angles, networks.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    cutoff : float
        First valley of the pair distribution [Å].
    delta : float
        Largest distortion of a tetrahedron.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å].
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
    check_choice("rule", rule, RULES)
    positions = check_positions(positions)
    nuclei = find_nuclei(positions, bond_order(positions, cutoff, box).normalised, box=box)
    rows = find_tetrahedra(positions, cutoff, delta, box)
    return _join(positions, box, nuclei, rows, find_motifs(rows), min_size, rule, least)


def retake_census(
    census: Census,
    positions: ArrayLike,
    box: ArrayLike | None = None,
    *,
    min_size: int = 5,
    rule: str = "published",
    least: int = 3,
) -> Census:
    """Take the census again by another rule, without a new search for tetrahedra.

    Parameters
    ----------
    census : Census
        Of the same positions.
    positions, box, min_size, rule, least
        As in `take_census`.

    Returns
    -------
    Census
    """
    check_choice("rule", rule, RULES)
    positions = check_positions(positions)
    if len(positions) != len(census.nuclei):
        raise ValueError(f"positions holds {len(positions)} atoms but the census {len(census.nuclei)}; pass the same")
    return _join(positions, box, census.nuclei, census.tetrahedra, census.whole, min_size, rule, least)


def _join(
    positions: NDArray[np.float64],
    box: ArrayLike | None,
    nuclei: NDArray[np.bool_],
    rows: NDArray[np.int64],
    whole: Motifs,
    min_size: int,
    rule: str,
    least: int,
) -> Census:
    motifs = whole
    if rule != "all":
        motifs = whole.select(disordered_tetrahedra(rows, ~nuclei, least=least), rule=rule)
    five = motifs.fold[5]
    networks = {n: find_networks(motifs.fold[n], min_size, positions=positions, box=box) for n in JOINED}
    angles = dihedral_angles(five, positions, rows, box)
    return Census(nuclei, rows, whole, motifs, sharing(five), angles, networks)


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
    counts, edges = np.histogram(angles, bins=np.linspace(0, 180, round(180 / step) + 1))
    return fit_peak((edges[1:] + edges[:-1]) / 2, counts, reach=reach)


def pool_censuses(censuses: Sequence[Census]) -> dict[str, float]:
    """Pool the pentagonal bipyramids of several samples.

    Parameters
    ----------
    censuses : sequence of Census
        One a sample.

    Returns
    -------
    dict of str to float
        The number of bipyramids, the shares without vertex neighbour and with an edge neighbour [%], the peak
        of the dihedral angle [degrees]; of the largest network the number of bipyramids and of atoms and
        the length [nm]; 1 if in every sample these networks dominate (`Census.dominated`), else 0. NaN
        where there is nothing to pool.
    """
    networks = [w for c in censuses for w in c.networks[5]]
    largest = max(networks, key=lambda w: w.size, default=None)
    vertex = np.concatenate([c.shared.vertex for c in censuses])
    edge = np.concatenate([c.shared.edge for c in censuses])
    count = len(vertex)
    return {
        "bipyramids": float(count),
        "no vertex neighbour": 100 * float((vertex == 0).mean()) if count else float("nan"),
        "edge neighbour": 100 * float((edge > 0).mean()) if count else float("nan"),
        "dihedral peak": dihedral_peak(np.concatenate([c.angles for c in censuses])).position,
        "largest network": float(largest.size) if largest else 0.0,
        "its atoms": float(len(largest.atoms)) if largest else 0.0,
        "its length": largest.length / 10 if largest else float("nan"),
        "dominated": float(all(c.dominated for c in censuses)),
    }
