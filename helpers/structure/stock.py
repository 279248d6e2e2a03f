"""Stock: the numbers by which liquids, glasses and samples are compared, from one packing."""

from __future__ import annotations

import numpy as np

from .census import take_census
from .distortion import distortion
from .packing import Packing, check_packing
from .sharing import find_icosahedra, icosahedral_filling

#: What `take_stock` calls the share of tetrahedra in each kind of motif.
SHARES = {3: "triplets", 4: "quadrilateral", 5: "pentagonal", 6: "hexagonal"}
_CRYSTAL = 0.5  # normalised bond order above which an atom may be crystal


def take_stock(packing: Packing, *, min_size: int = 5) -> dict[str, float]:
    """Measure a packing: motifs, parts of icosahedra, shape of the bipyramids, and their networks.

    Parameters
    ----------
    packing : Packing
        Tetrahedra and motifs, from `polytetrahedral_packing`; the disordered region counts.
    min_size : int
        Fewest pentagonal bipyramids that make a network.

    Returns
    -------
    dict of str to float
        - ``crystal``: share of atoms whose normalised order exceeds 0.5 [%];
        - ``tetrahedra``: tetrahedra of the disordered region for each disordered atom;
        - ``triplets``, ``quadrilateral``, ``pentagonal``, ``hexagonal``: share of these in a motif [%];
        - ``bipyramids``: pentagonal bipyramids for each disordered atom;
        - ``filling``: bipyramids that a disordered atom caps, mean;
        - ``partial``: disordered atoms that cap at least four [%]; ``icosahedra``: those at the centre of one [%];
        - ``alpha_gamma``, ``beta_gamma``, ``theta``: mean ratios of bonds, mean tilt of the axis [degrees];
        - ``networks``: for each 1,000 disordered atoms; ``joined``: share of the bipyramids that are in one [%];
        - ``largest``: share in the largest one [%]; ``largest_size``: its bipyramids, ``largest_atoms``: its atoms,
          ``largest_length``: its length [nm], ``windings``: in how many independent directions it has no end.

        NaN where there is nothing to measure.

    Examples
    --------
    >>> import helpers
    >>> from helpers.structure import polytetrahedral_packing, take_stock
    >>> found = take_stock(polytetrahedral_packing(helpers.load_sample("demo").model(), 3.95))
    >>> found["pentagonal"] > found["hexagonal"] > found["triplets"]
    True
    """
    check_packing(packing)
    census = take_census(packing, min_size=min_size)
    five, networks = census.motifs.fold[5], census.networks[5]
    outside = packing.disordered
    atoms, tetrahedra = max(int(outside.sum()), 1), int(packing.inside.sum())
    filling = icosahedral_filling(five, packing)[outside]
    shape = distortion(packing.positions, five, packing.box)
    centres = find_icosahedra(five, packing)
    largest = networks[0] if networks else None
    return {
        "crystal": 100 * float((packing.order > _CRYSTAL).mean()),
        "tetrahedra": tetrahedra / atoms,
        **{name: 100 * packing.fraction[n] for n, name in SHARES.items()},
        "bipyramids": len(five) / atoms,
        "filling": _mean(filling),
        "partial": 100 * _mean(filling >= 4),
        "icosahedra": 100 * float(outside[centres].sum()) / atoms,
        "alpha_gamma": _mean(shape.alpha_over_gamma),
        "beta_gamma": _mean(shape.beta_over_gamma),
        "theta": _mean(shape.theta),
        "networks": 1000 * len(networks) / atoms,
        "joined": 100 * sum(w.size for w in networks) / max(len(five), 1),
        "largest": 100 * largest.size / len(five) if largest else 0.0,
        "largest_size": float(largest.size) if largest else 0.0,
        "largest_atoms": float(len(largest.atoms)) if largest else 0.0,
        "largest_length": largest.length / 10 if largest else float("nan"),
        "windings": float(len(largest.windings)) if largest else 0.0,
    }


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
