"""Measures: each equals its single steps, and repeats them with other settings."""

from __future__ import annotations

import numpy as np
import pytest

import helpers
from helpers import structure

CUTOFF = 3.95


@pytest.fixture(scope="module")
def demo():
    return helpers.load_sample("demo").model().positions


@pytest.fixture(scope="module")
def packing(demo):
    return structure.polytetrahedral_packing(demo, CUTOFF)


def test_nuclei(demo, packing):
    assert structure.measure_nuclei(demo, CUTOFF) == {"share": 100 * (~packing.disordered).mean()}
    assert structure.measure_nuclei(demo, CUTOFF, threshold=0.6)["share"] < 100 * (~packing.disordered).mean()


def test_cells(demo, packing):
    cells = structure.voronoi(demo)
    inside = cells.closed & packing.disordered
    found = structure.measure_cells(demo, disordered=packing.disordered)
    assert found["coordination"] == cells.coordination[inside].mean()
    assert found["icosahedral"] == 100 * structure.index_fraction(cells.indices[inside])
    faces = cells.faces[inside].sum(axis=0)  # of three edges and more
    assert found["five_edged"] == pytest.approx(100 * faces[2] / faces.sum())
    assert found["five_of_3_to_6"] == pytest.approx(100 * faces[2] / faces[:4].sum())
    within = structure.measure_cells(demo, disordered=packing.disordered, cutoff=3.4)
    assert within["coordination"] < found["coordination"]


def test_motifs_and_corners(demo, packing):
    names = ("triplets", "quadrilateral", "pentagonal", "hexagonal")
    expected = {name: 100 * packing.fraction[n] for n, name in enumerate(names, start=3)}
    assert structure.measure_motifs(demo, CUTOFF) == expected
    corners = structure.measure_corners(demo, CUTOFF, 0.1)
    strict = structure.polytetrahedral_packing(demo, CUTOFF, 0.1)
    assert corners["disordered"] == 100 * strict.tetrahedral_atoms < 100
    assert corners["all"] == 100 * len(np.unique(strict.tetrahedra)) / len(demo)


def test_bonds(demo, packing):
    shape = structure.distortion(demo, packing.motifs.fold[5])
    found = structure.measure_bonds(demo, CUTOFF)
    assert found["alpha"] == 100 * (shape.alpha_over_gamma.mean() - 1)
    assert found["beta"] == 100 * (1 - shape.beta_over_gamma.mean())
    assert found["theta"] == shape.theta.mean()
    none = structure.measure_bonds(demo, CUTOFF, 1e-6)
    assert list(none) == list(found)
    assert np.isnan(list(none.values())).all()


def test_gain(demo, packing):
    grid = structure.mass_density(demo, 180.9, CUTOFF, spacing=2.0)
    contrast = structure.density_contrast(grid, *structure.packed_region(packing, grid))
    assert structure.measure_gain(demo, CUTOFF, mass=180.9, spacing=2.0) == {"gain": 100 * contrast.gain}


def test_interface(demo, packing):
    profile = structure.interface_profile(demo, packing.order, ~packing.disordered)
    assert structure.measure_interface(demo, CUTOFF) == {"width": profile.width}
    near = structure.interface_profile(demo, packing.order, ~packing.disordered, fit_range=(0.0, 10.0))
    assert structure.measure_interface(demo, CUTOFF, farthest=10.0) == {"width": near.width}


def test_networks_of_two_samples(demo, packing):
    """Two copies, one without half its atoms: numbers add up, and the largest network is that of the one asked for."""
    half = demo[demo[:, 0] < np.median(demo[:, 0])]
    models, cutoffs = {"whole": demo, "half": half}, {"whole": CUTOFF - 0.1, "half": CUTOFF - 0.1}
    found = structure.measure_networks(models, cutoffs, shift=0.1)
    other = structure.polytetrahedral_packing(half, CUTOFF)
    censuses = [structure.take_census(p) for p in (packing, other)]
    pooled = structure.pool_censuses(censuses).numbers()
    assert {key: found[key] for key in pooled} == pooled
    within = [structure.distorted_icosahedra(p.positions, p.disordered)[1] <= 0.255 for p in (packing, other)]
    assert found["icosahedra"] == sum(int(w.sum()) for w in within) > 0
    of_half = structure.measure_networks(models, cutoffs, shift=0.1, largest_of="half")
    assert of_half["largest_network"] == censuses[1].sizes[5][0] < found["largest_network"]
    assert of_half["bipyramids"] == found["bipyramids"]
