"""One rule for arguments: positions first, box and neighbours by keyword, and models of ASE everywhere."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass

import numpy as np
import pytest
from ase import Atoms

from helpers import structure

#: Where the plan of the project fixes a place for the box.
PLACED = {"neighbours", "pair_distribution", "bond_order", "voronoi", "find_tetrahedra", "distortion"}
FUNCTIONS = {
    name: value
    for name in structure.__all__
    if inspect.isfunction(value := getattr(structure, name)) and value.__module__.startswith("helpers.")
}
BOX = np.array([17.0, 17.5, 18.0])
POSITIONS = np.random.default_rng(1).random((300, 3)) * BOX
ORDER = np.random.default_rng(2).random(300)
NUCLEI = np.arange(300) < 40
ROWS = structure.find_tetrahedra(POSITIONS, 4.0, 0.4, BOX)
MOTIF = structure.find_motifs(ROWS).fold[5]
#: Every function that takes positions, as it is called here.
CALLS = {
    "atomic_density": lambda p, **o: structure.atomic_density(p, 180.9, **o),
    "bond_angles": lambda p, **o: structure.bond_angles(p, 4.0, **o),
    "bond_order": lambda p, **o: structure.bond_order(p, 4.0, **o),
    "bond_rings": lambda p, **o: structure.bond_rings(p, 4.0, **o),
    "chemical_order": lambda p, **o: structure.chemical_order(p, 4.0, elements=150 * ["Ta", "Pd"], **o),
    "distorted_icosahedra": lambda p, **o: structure.distorted_icosahedra(p, **o),
    "distortion": lambda p, **o: structure.distortion(p, MOTIF, **o),
    "fill_tetrahedra": lambda p, **o: structure.fill_tetrahedra(
        p, ROWS, structure.DensityGrid(np.ones((9, 9, 9)), np.zeros(3), BOX / 9), **o
    ),
    "find_networks": lambda p, **o: structure.find_networks(MOTIF, 1, positions=p, **o),
    "find_nuclei": lambda p, **o: structure.find_nuclei(p, ORDER, **o),
    "find_tetrahedra": lambda p, **o: structure.find_tetrahedra(p, 4.0, **o),
    "interface_distance": lambda p, **o: structure.interface_distance(p, ORDER, NUCLEI, **o),
    "interface_profile": lambda p, **o: structure.interface_profile(p, ORDER, NUCLEI, **o),
    "mass_density": lambda p, **o: structure.mass_density(p, 180.9, 3.0, spacing=3.0, **o),
    "measure_bonds": lambda p, **o: structure.measure_bonds(p, 4.0, **o),
    "measure_cells": lambda p, **o: structure.measure_cells(p, disordered=~NUCLEI, **o),
    "measure_corners": lambda p, **o: structure.measure_corners(p, 4.0, **o),
    "measure_gain": lambda p, **o: structure.measure_gain(p, 4.0, mass=180.9, **o),
    "measure_interface": lambda p, **o: structure.measure_interface(p, 4.0, threshold=0.2, **o),
    "measure_model": lambda p, **o: structure.measure_model(p, 4.0, **o),
    "measure_motifs": lambda p, **o: structure.measure_motifs(p, 4.0, **o),
    "measure_nuclei": lambda p, **o: structure.measure_nuclei(p, 4.0, **o),
    "neighbours": lambda p, **o: structure.neighbours(p, 4.0, **o),
    "pair_distribution": lambda p, **o: structure.pair_distribution(p, 8.0, **o),
    "partial_pair_distributions": lambda p, **o: structure.partial_pair_distributions(
        p, 8.0, elements=150 * ["Ta", "Pd"], **o
    ),
    "polytetrahedral_packing": lambda p, **o: structure.polytetrahedral_packing(p, 4.0, **o),
    "resolve_neighbours": lambda p, **o: structure.resolve_neighbours(p, cutoff=4.0, **o),
    "slice_tetrahedra": lambda p, **o: structure.slice_tetrahedra(p, ROWS, 3.0, **o),
    "smeared_step": lambda p, **o: structure.smeared_step(p, ORDER, NUCLEI, 4.0, 0.2, **o),
    "tetrahedron_distortion": lambda p, **o: structure.tetrahedron_distortion(p, ROWS, **o),
    "voronoi": lambda p, **o: structure.voronoi(p, **o),
    "voronoi_cell": lambda p, **o: structure.voronoi_cell(p, 5, **o),
}
WITHOUT_BOX = {"displaced_models", "estimate"}  # they take positions, but know no box


def arrays(result):
    """Everything in a result as a flat list of arrays."""
    if is_dataclass(result):
        return [a for value in vars(result).values() for a in arrays(value)]
    if isinstance(result, dict):
        return [a for value in result.values() for a in arrays(value)]
    if isinstance(result, list | tuple):
        return [a for value in result for a in arrays(value)]
    return [] if result is None or isinstance(result, str) else [np.asarray(result)]


def test_every_function_that_takes_positions_is_called_here():
    taking = {name for name, f in FUNCTIONS.items() if "positions" in inspect.signature(f).parameters}
    assert taking == set(CALLS) | WITHOUT_BOX


@pytest.mark.parametrize("name", CALLS)
def test_a_model_brings_its_box(name):
    model = Atoms("Ta300", POSITIONS, cell=BOX, pbc=True)
    expected, found = arrays(CALLS[name](POSITIONS, box=BOX)), arrays(CALLS[name](model))
    assert len(expected) == len(found) > 0
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="differs from the model's own"):
        CALLS[name](model, box=BOX + 1)
    with pytest.raises(ValueError, match="expected an orthogonal box along the axes"):
        CALLS[name](Atoms("Ta300", POSITIONS, cell=[*BOX, 90, 90, 60], pbc=True))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_box_and_neighbours_are_given_by_keyword(name):
    parameters = inspect.signature(FUNCTIONS[name]).parameters
    for option in ("box", "neighbours"):
        if option in parameters and not (option == "box" and name in PLACED):
            assert parameters[option].kind is inspect.Parameter.KEYWORD_ONLY
    if "positions" in parameters and name not in ("find_networks", "estimate"):
        assert next(iter(parameters)) == "positions"


def test_results_are_frozen_and_compare_by_identity():
    results = [v for n in structure.__all__ if inspect.isclass(v := getattr(structure, n)) and is_dataclass(v)]
    assert len(results) > 15
    for result in results:
        assert result.__dataclass_params__.frozen
        assert not result.__dataclass_params__.eq
