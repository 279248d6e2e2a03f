"""The numbers of a model in one row: those of the chapters, of a region, and what holes do to them."""

from __future__ import annotations

import numpy as np
import pytest

import helpers
from helpers import structure


@pytest.fixture(scope="module")
def particle():
    return helpers.load_sample("demo").model().positions


@pytest.fixture(scope="module")
def whole(particle):
    return structure.measure_model(particle)


def test_numbers_are_those_of_the_chapters(particle, whole):
    everywhere = np.ones(len(particle), bool)
    packing = structure.polytetrahedral_packing(particle, disordered=everywhere)
    cells = structure.voronoi(particle)
    assert whole["tetrahedra per atom"] == len(packing.tetrahedra) / len(particle)
    assert whole["pentagonal [%]"] == 100 * packing.all_motifs.fraction()[5]
    assert whole["coordination"] == cells.coordination[cells.closed].mean()
    assert whole["bipyramids per atom"] == packing.all_motifs.counts[5] / len(particle)
    census = structure.take_census(packing)
    assert whole["largest network"] == census.sizes[5].max()


def test_tetrahedra_of_regions_add_up(particle, whole):
    half = particle[:, 0] > np.median(particle[:, 0])
    each = [(part, structure.measure_model(particle, region=part)) for part in (half, ~half)]
    parts = [part.sum() * numbers["tetrahedra per atom"] for part, numbers in each]
    np.testing.assert_allclose(sum(parts) / len(particle), whole["tetrahedra per atom"])


def test_nuclei_may_be_left_out(particle, whole):
    packing = structure.polytetrahedral_packing(particle)
    left = structure.measure_model(particle, crystals=False)
    assert left["pentagonal [%]"] == 100 * packing.fraction[5]
    assert left["atoms in nuclei [%]"] == whole["atoms in nuclei [%]"] == 100 * (~packing.disordered).mean()
    assert left["bond order"] < whole["bond order"]


def test_holes_lower_density_and_tear_tetrahedra(particle, whole):
    kept = np.random.default_rng(0).random(len(particle)) > 0.1
    cutoff = helpers.load_sample("demo").first_valley or 3.95
    fewer = structure.measure_model(particle[kept], cutoff)
    assert fewer["atoms per nm³"] < 0.95 * whole["atoms per nm³"]
    assert fewer["tetrahedra per atom"] < whole["tetrahedra per atom"]


def test_an_empty_region_gives_nan(particle):
    nothing = structure.measure_model(particle[:200], 3.95, region=np.zeros(200, bool))
    assert np.isnan(nothing["coordination"]) and np.isnan(nothing["bond order"])
    assert nothing["largest network"] == 0


def test_a_region_of_other_atoms_is_refused(particle):
    with pytest.raises(ValueError, match="region has shape"):
        structure.measure_model(particle, region=np.ones(3, bool))


def test_each_step_of_a_change_is_told_apart(particle):
    some = particle[np.linalg.norm(particle - particle.mean(axis=0), axis=1) < 11]
    extra = some[:3] + [1.2, 1.2, 0.9]
    found = np.concatenate([some[10:], extra])
    pairs = np.column_stack([np.arange(len(some) - 10), np.arange(10, len(some))])
    steps = structure.explain_change(some, found, pairs, 3.95, repeats=0)
    assert list(steps) == ["reference", "moved", "without the missing", "found"]
    values = {name: {k: e.value for k, e in row.items()} for name, row in steps.items()}
    np.testing.assert_equal(values["moved"], values["reference"])  # nothing moved
    assert values["without the missing"] != values["moved"]
    assert values["found"] == structure.measure_model(found, 3.95)


def test_uncertainty_comes_from_each_coordinate(particle):
    some = particle[np.linalg.norm(particle - particle.mean(axis=0), axis=1) < 9]
    pairs = np.repeat(np.arange(len(some))[:, None], 2, axis=1)

    def spread(sigma):
        steps = structure.explain_change(some, some, pairs, 3.95, precision=np.full(some.shape, sigma), repeats=2)
        return steps["found"]["tetrahedra per atom"].uncertainty

    assert spread(1e-6) < spread(0.2)


def test_a_region_is_asked_of_every_model(particle):
    some = particle[np.linalg.norm(particle - particle.mean(axis=0), axis=1) < 10]
    pairs = np.repeat(np.arange(len(some))[:, None], 2, axis=1)
    steps = structure.explain_change(some, some, pairs, 3.95, region=lambda r: r[:, 2] > r[:, 2].mean(), repeats=0)
    assert steps["found"]["coordination"].value == steps["reference"]["coordination"].value
    whole = structure.measure_model(some, 3.95)
    assert steps["found"]["tetrahedra per atom"].value != whole["tetrahedra per atom"]
