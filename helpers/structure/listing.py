"""Listing: the bipyramids of a sample and their networks as tables, without coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .census import Census
from .distortion import distortion
from .networks import Network, partial_icosahedra
from .packing import Packing

if TYPE_CHECKING:
    import pandas as pd


def list_bipyramids(packing: Packing, census: Census) -> pd.DataFrame:
    """List the pentagonal bipyramids of the disordered part: their atoms, shape and neighbours.

    Parameters
    ----------
    packing : Packing
        Tetrahedra and motifs, from `polytetrahedral_packing`.
    census : Census
        What `take_census` found in it.

    Returns
    -------
    pandas.DataFrame
        One row a bipyramid, numbered from 0: its caps and ring atoms as rows of the model from 0; alpha and the mean
        beta and gamma [Å] and theta [degrees], as in `distortion`; with how many others it shares a vertex or an edge;
        and the number of its network in `list_networks`, -1 if it has none.

    Examples
    --------
    >>> import helpers
    >>> from helpers.structure import list_bipyramids, polytetrahedral_packing, take_census
    >>> sample = helpers.load_sample("demo")
    >>> packing = polytetrahedral_packing(sample.model(), sample.first_valley)
    >>> table = list_bipyramids(packing, take_census(packing))
    >>> len(table), list(table.columns[:4])
    (2880, ['cap_1', 'cap_2', 'ring_1', 'ring_2'])
    """
    import pandas as pd

    five = census.motifs.fold[5]
    shape = distortion(packing.positions, five, packing.box)
    columns = {f"cap_{k + 1}": five.caps[:, k] for k in range(2)}
    columns |= {f"ring_{k + 1}": five.ring[:, k] for k in range(5)}
    network = np.full(len(five), -1)
    for number, one in enumerate(census.networks[5]):
        network[one.members] = number
    bonds = {
        "alpha [Å]": shape.alpha,
        "mean beta [Å]": _mean(shape.beta),
        "mean gamma [Å]": _mean(shape.gamma),
        "theta [°]": shape.theta,
    }
    columns |= {title: np.round(values, 3) for title, values in bonds.items()}
    columns |= {"vertex neighbours": census.shared.vertex, "edge neighbours": census.shared.edge, "network": network}
    return pd.DataFrame(columns).rename_axis("bipyramid")


def list_networks(packing: Packing, census: Census, *, least: int = 4) -> pd.DataFrame:
    """List the networks of pentagonal bipyramids, the largest first.

    Parameters
    ----------
    packing : Packing
        Tetrahedra and motifs, from `polytetrahedral_packing`.
    census : Census
        What `take_census` found in it.
    least : int
        Fewest bipyramids around an atom, of twelve, that make a partial icosahedron.

    Returns
    -------
    pandas.DataFrame
        One row a network, numbered from 0: how many bipyramids and atoms it has, its length [Å], how many of its atoms
        are centres of partial icosahedra, and in how many directions it has no end.

    Examples
    --------
    >>> import helpers
    >>> from helpers.structure import list_networks, polytetrahedral_packing, take_census
    >>> sample = helpers.load_sample("demo")
    >>> packing = polytetrahedral_packing(sample.model(), sample.first_valley)
    >>> list(list_networks(packing, take_census(packing)).columns)
    ['bipyramids', 'atoms', 'length [Å]', 'partial icosahedra', 'directions without end']
    """
    import pandas as pd

    five = census.motifs.fold[5]

    def row(one: Network) -> tuple[int, int, float, int, int]:
        centres, _ = partial_icosahedra(one, five, least=least)
        return one.size, len(one.atoms), round(one.length, 2), len(centres), len(one.windings)

    columns = ["bipyramids", "atoms", "length [Å]", "partial icosahedra", "directions without end"]
    return pd.DataFrame([row(one) for one in census.networks[5]], columns=columns).rename_axis("network")


def _mean(bonds: np.ndarray) -> np.ndarray:
    return bonds.mean(axis=1) if len(bonds) else np.empty(0)
