"""The whole way from positions to motifs: equal to its steps, and the published counts."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from ase.build import bulk
from crystals import crystal
from said import of_kind
from scipy.spatial.transform import Rotation

import helpers
from helpers.checks import ClosePairsWarning, VacuumWarning
from helpers.structure import (
    estimate,
    find_motifs,
    find_tetrahedra,
    mass_density,
    measure_motifs,
    packed_region,
    polytetrahedral_packing,
    sweep_delta,
)

DELTAS = 0.05 + 0.025 * np.arange(13)
#: Tetrahedra, those of the disordered region, their pentagonal bipyramids.
PUBLISHED = {"Ta": (19_655, 16_114, 1979), "Pd1": (119_889, 116_595, 10_245), "Pd2": (167_505, 163_591, 13_883)}


@pytest.fixture(scope="module")
def demo():
    return polytetrahedral_packing(helpers.load_sample("demo").model())


def test_the_sweep_equals_a_search_at_each_limit(demo):
    sweep = sweep_delta(demo, DELTAS)
    for k, delta in enumerate(DELTAS):
        rows = find_tetrahedra(demo.positions, demo.cutoff, delta)
        mask = demo.disordered[rows].sum(axis=1) >= 3
        motifs = find_motifs(rows).select(mask)
        assert sweep.tetrahedra[k] == mask.sum()
        assert {n: c[k] for n, c in sweep.counts.items()} == motifs.counts
        assert {n: f[k] for n, f in sweep.fraction.items()} == pytest.approx(motifs.fraction(mask), nan_ok=True)


def test_the_sweep_meets_the_packing_at_its_own_limit(demo):
    sweep = sweep_delta(demo, [demo.delta])
    assert sweep.tetrahedral_atoms[0] == demo.tetrahedral_atoms
    assert {n: f[0] for n, f in sweep.fraction.items()} == demo.fraction


def test_turning_moving_and_renumbering_change_nothing(demo):
    turn = Rotation.random(rng=np.random.default_rng(3)).as_matrix()
    order = np.random.default_rng(4).permutation(len(demo.positions))
    other = polytetrahedral_packing((demo.positions @ turn.T + [3.0, -7.0, 11.0])[order], demo.cutoff)
    assert other.motifs.counts == demo.motifs.counts
    assert (other.disordered == demo.disordered[order]).all()


def test_a_crystal_can_be_kept_in():
    crystal = bulk("Ta", "bcc", a=3.3, cubic=True).repeat(5)
    crystalline = polytetrahedral_packing(crystal, 4.0)
    assert not crystalline.disordered.any()
    assert np.isnan(crystalline.tetrahedral_atoms)
    assert np.isnan(crystalline.fraction[4])
    kept = polytetrahedral_packing(crystal, 4.0, disordered=np.ones(len(crystal), bool))
    assert kept.tetrahedral_atoms == 1.0
    assert len(kept.tetrahedra) == 6 * len(crystal)  # bcc is filled with 12 equal tetrahedra a cell of two atoms
    assert kept.motifs.counts[4] == 3 * len(crystal)  # around each of the 6 / 2 longer bonds
    assert kept.motifs.counts[6] == 4 * len(crystal)  # around each of the 8 / 2 shorter ones


def test_points_of_a_filled_crystal_are_all_packed():
    crystal = bulk("Ta", "bcc", a=3.3, cubic=True).repeat(4)
    packing = polytetrahedral_packing(crystal, 4.0, disordered=np.ones(len(crystal), bool))
    grid = mass_density(packing.positions, 180.9, 4.0, box=packing.box, spacing=0.7)
    packed, region = packed_region(packing, grid)
    assert region.all()
    assert packed.all()
    none, _ = packed_region(packing, grid, np.zeros(len(packing.tetrahedra), bool))
    assert not none.any()


def test_a_point_belongs_to_its_nearest_atom_across_the_faces_of_the_box():
    crystal = bulk("Ta", "bcc", a=3.3, cubic=True).repeat(4)
    left = crystal.positions[:, 0] < 0.1  # one layer of disordered atoms, at the face of the box
    packing = polytetrahedral_packing(crystal, 4.0, disordered=left)
    grid = mass_density(packing.positions, 180.9, 4.0, box=packing.box, spacing=0.7)
    x = grid.axes[0] - 13.2 * np.round(grid.axes[0] / 13.2)
    near = packed_region(packing, grid)[1].any(axis=(1, 2))
    assert near[(x > -1.2) & (x < 0)].all()  # reached through the face
    assert not near[np.abs(x) > 2.2].any()


def test_no_tetrahedra_at_all():
    grid = np.stack(np.meshgrid(*3 * [5.0 * np.arange(4)]), axis=-1).reshape(-1, 3)
    nothing = polytetrahedral_packing(grid, 4.0)
    assert len(nothing.tetrahedra) == 0
    assert nothing.tetrahedral_atoms == 0.0
    assert sweep_delta(nothing, DELTAS).counts[5].sum() == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cutoff": -1.0}, "cutoff"),
        ({"delta": 0.0}, "delta"),
        ({"box": 6.0}, "box"),
        ({"disordered": np.ones(3, bool)}, r"disordered has shape \(3,\)"),
    ],
)
def test_bad_input_is_named(demo, change, words):
    with pytest.raises(ValueError, match=words):
        polytetrahedral_packing(**{"positions": demo.positions, "cutoff": 4.0, **change})


def test_bad_limits_are_named(demo):
    with pytest.raises(ValueError, match="at least one limit"):
        sweep_delta(demo, [])
    with pytest.raises(ValueError, match="each of deltas"):
        sweep_delta(demo, [0.1, -0.1])


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_counts(published, name):
    sample = published(name)
    found = polytetrahedral_packing(sample.model(), sample.first_valley)
    assert (len(found.tetrahedra), int(found.inside.sum()), len(found.motifs.fold[5])) == PUBLISHED[name]


def test_what_is_wrong_with_a_model_is_said_once():
    """The packing looks at order, nuclei and tetrahedra, each of which would say it."""
    atoms, box = crystal("bcc", (5, 5, 5))
    twice = np.concatenate([atoms, atoms[:7] + [0.1, 0.0, 0.05]])
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        polytetrahedral_packing(twice, 4.0, box=box)
    (only,) = of_kind(said)
    assert only.category is ClosePairsWarning
    assert "7 pairs" in str(only.message)
    assert only.filename == __file__
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        packing = polytetrahedral_packing(atoms, 4.0, box=box + 30)
        estimate(measure_motifs, atoms, {"cutoff": 4.0, "box": box + 30}, {"cutoff": 0.1}, repeats=2)
    assert [w.category for w in of_kind(said)] == 2 * [VacuumWarning]  # one for each call
    assert packing.box is None
