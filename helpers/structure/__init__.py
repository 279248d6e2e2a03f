"""What the atoms do: neighbours, pair distribution, order, polyhedra, tetrahedra and their networks."""

from ..curves import Extrema, Peak, SecondPeak, extrema, first_peak, first_valley, fit_peak, second_peak
from ..geometry.neighbours import Neighbours, neighbours, resolve_neighbours
from ..uncertainty import Estimate, combine, displaced_models, estimate, known_precision
from .atom_columns import describe_atoms
from .bond_angles import bond_angles
from .bond_order import REFERENCE_ORDER, BondOrder, bond_order
from .bond_rings import BondRings, bond_rings, ring_agreement, ring_shares
from .census import Census, PooledCensus, dihedral_peak, dihedral_readings, pool_censuses, take_census
from .changes import explain_change, measure_model
from .chemical_order import ChemicalOrder, chemical_order
from .delta_sweep import DeltaSweep, sweep_delta
from .distortion import Distortion, distortion, noise_tilt
from .element_shares import ElementShares, element_shares, motif_elements
from .filled_space import fill_tetrahedra, slice_tetrahedra
from .interface import InterfaceProfile, interface_distance, interface_profile, smeared_step
from .listing import list_bipyramids, list_networks
from .mass_density import DensityContrast, DensityGrid, atomic_density, density_contrast, mass_density
from .measures import (
    measure_bonds,
    measure_cells,
    measure_corners,
    measure_gain,
    measure_interface,
    measure_motifs,
    measure_networks,
    measure_nuclei,
)
from .motif_places import bipyramid_atoms, crowded_cube, in_one_piece, most_regular, motif_excess
from .motifs import Bipyramids, Motifs, disordered_tetrahedra, find_motifs
from .networks import (
    Network,
    find_networks,
    largest_cluster,
    network_lengths,
    network_skeletons,
    partial_icosahedra,
)
from .nuclei import find_nuclei
from .packing import Packing, packed_region, polytetrahedral_packing
from .pair_distribution import PairDistribution, TooFewAtoms, pair_distribution
from .partial_pairs import partial_pair_distributions
from .polyhedra import distorted_icosahedra, voronoi_cell
from .sharing import (
    Sharing,
    dihedral_angles,
    find_icosahedra,
    icosahedral_filling,
    plane_angles,
    sharing,
    skeletons,
)
from .stock import SHARES, take_stock
from .sufficiency import PackedModels, enough, pack_models
from .tetrahedra import find_tetrahedra, tetrahedron_distortion
from .voronoi import Voronoi, voronoi
from .voronoi_indices import ICOSAHEDRAL, edge_fractions, index_fraction, index_populations

__all__ = [
    "ICOSAHEDRAL",
    "REFERENCE_ORDER",
    "SHARES",
    "Bipyramids",
    "BondOrder",
    "BondRings",
    "Census",
    "ChemicalOrder",
    "DeltaSweep",
    "DensityContrast",
    "DensityGrid",
    "Distortion",
    "ElementShares",
    "Estimate",
    "Extrema",
    "InterfaceProfile",
    "Motifs",
    "Neighbours",
    "Network",
    "PackedModels",
    "Packing",
    "PairDistribution",
    "Peak",
    "PooledCensus",
    "SecondPeak",
    "Sharing",
    "TooFewAtoms",
    "Voronoi",
    "atomic_density",
    "bipyramid_atoms",
    "bond_angles",
    "bond_order",
    "bond_rings",
    "chemical_order",
    "combine",
    "crowded_cube",
    "density_contrast",
    "describe_atoms",
    "dihedral_angles",
    "dihedral_peak",
    "dihedral_readings",
    "disordered_tetrahedra",
    "displaced_models",
    "distorted_icosahedra",
    "distortion",
    "edge_fractions",
    "element_shares",
    "enough",
    "estimate",
    "explain_change",
    "extrema",
    "fill_tetrahedra",
    "find_icosahedra",
    "find_motifs",
    "find_networks",
    "find_nuclei",
    "find_tetrahedra",
    "first_peak",
    "first_valley",
    "fit_peak",
    "icosahedral_filling",
    "in_one_piece",
    "index_fraction",
    "index_populations",
    "interface_distance",
    "interface_profile",
    "known_precision",
    "largest_cluster",
    "list_bipyramids",
    "list_networks",
    "mass_density",
    "measure_bonds",
    "measure_cells",
    "measure_corners",
    "measure_gain",
    "measure_interface",
    "measure_model",
    "measure_motifs",
    "measure_networks",
    "measure_nuclei",
    "most_regular",
    "motif_elements",
    "motif_excess",
    "neighbours",
    "network_lengths",
    "network_skeletons",
    "noise_tilt",
    "pack_models",
    "packed_region",
    "pair_distribution",
    "partial_icosahedra",
    "partial_pair_distributions",
    "plane_angles",
    "polytetrahedral_packing",
    "pool_censuses",
    "resolve_neighbours",
    "ring_agreement",
    "ring_shares",
    "second_peak",
    "sharing",
    "skeletons",
    "slice_tetrahedra",
    "smeared_step",
    "sweep_delta",
    "take_census",
    "take_stock",
    "tetrahedron_distortion",
    "voronoi",
    "voronoi_cell",
]
