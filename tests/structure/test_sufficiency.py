"""Too few atoms make a sentence, not a crash and not a table of NaN."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

import helpers
from helpers.structure import TooFewAtoms, enough, pack_models, pair_distribution

DEMO = helpers.load_sample("demo").model()
SIX = Atoms("Ta6", 2.0 * np.concatenate([np.eye(3), -np.eye(3)]))
CRYSTAL = bulk("Pd", "fcc", 3.9, cubic=True).repeat(5)


def test_six_atoms_have_no_first_valley():
    with pytest.raises(TooFewAtoms, match="pairs of neighbours are too few to find the first valley; state it"):
        _ = pair_distribution(SIX).first_valley
    assert pair_distribution(DEMO).first_valley == pytest.approx(3.95, abs=0.05)


def test_samples_without_enough_atoms_are_named_and_replaced():
    models = {"six": SIX, "crystal": CRYSTAL, "demo": DEMO}
    found = pack_models(models, ["six", "crystal"], ["demo"])
    assert found.shown == list(found.packings) == ["demo"]
    assert found.note == (
        "The sample six has 6 atoms, fewer than 50, too few for what follows; the sample crystal has 0 disordered "
        "atoms, fewer than 50, too few for what follows; in their place stands the simulated particle."
    )
    assert pack_models(models, [], ["demo"]).note == "No sample was named; in its place stands the simulated particle."
    found = pack_models(models, ["six", "demo"], ["demo"], least_crystal=13)
    assert (found.shown, "in its place" in found.note) == (["demo"], False)


def test_a_small_sample_with_a_stated_valley_is_still_small():
    found = pack_models({"six": SIX, "demo": DEMO}, ["six"], ["demo"], valleys={"six": 3.5})
    assert found.shown == ["demo"]


def test_a_liquid_has_no_border_to_a_crystal():
    liquid = DEMO[~pack_models({"demo": DEMO}, ["demo"], ["demo"]).packings["demo"].disordered]  # anything but that
    found = pack_models({"none": liquid, "demo": DEMO}, ["demo"], ["demo"], least_crystal=10_000)
    assert "245 atoms in crystal nuclei, fewer than 10,000" in found.note


def test_everything_else_is_raised():
    slanted = bulk("Pd").repeat(4)
    with pytest.raises(ValueError, match="expected an orthogonal box"):
        pack_models({"slanted": slanted}, ["slanted"], ["slanted"])


def test_counts_of_any_kind():
    assert enough({"a": 3, "b": 80}, ["a", "b"], ["c"], of="closed cells") == (
        ["b"],
        "The sample a has 3 closed cells, fewer than 50, too few for what follows.",
    )
    assert enough({"a": 99}, ["a"], ["c"]) == (["a"], "")
