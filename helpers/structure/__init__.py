"""What the atoms do: neighbours, pair distribution, order, polyhedra, tetrahedra and their networks."""

from .bond_order import REFERENCE_ORDER, BondOrder, bond_order
from .extrema import Extrema, extrema
from .neighbours import Neighbours, neighbours, resolve_neighbours
from .nuclei import find_nuclei
from .uncertainty import Estimate, combine, displaced_models, estimate
from .voronoi import (
    ICOSAHEDRAL,
    Voronoi,
    edge_fractions,
    index_fraction,
    index_populations,
    voronoi,
    voronoi_cell,
)

__all__ = [
    "ICOSAHEDRAL",
    "REFERENCE_ORDER",
    "BondOrder",
    "Estimate",
    "Extrema",
    "Neighbours",
    "Voronoi",
    "bond_order",
    "combine",
    "displaced_models",
    "edge_fractions",
    "estimate",
    "extrema",
    "find_nuclei",
    "index_fraction",
    "index_populations",
    "neighbours",
    "resolve_neighbours",
    "voronoi",
    "voronoi_cell",
]
