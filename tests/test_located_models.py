"""What is recorded in data/recorded: whole, plausible, and about what it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

import helpers
from helpers import atoms, store
from helpers.data import DATA_FOLDER

RECORDED = DATA_FOLDER / "recorded"


def test_the_embedded_sample_is_located_within_its_bound():
    sample = helpers.load_sample("demo")
    located, truth = sample.model("located"), sample.model("truth")
    result = atoms.compare(located.positions, truth.positions)
    assert result.fraction > 0.999 and len(result.false) == 0
    bound = np.sqrt((located.arrays["uncertainty"] ** 2).sum(axis=1).mean())
    assert 1.0 < result.rmsd / bound < 1.25  # tilt angles that are a little wrong cost the rest


def test_the_film_carries_what_is_known_of_each_atom():
    located = helpers.load_sample("Ta").model("located")
    assert {"H", "uncertainty", "gain", "confidence", "areas", "merged"} <= set(located.arrays)
    assert located.arrays["uncertainty"].shape == (len(located), 3)
    assert set(located.symbols) == {"Ta"}
    assert cKDTree(located.positions).query(located.positions, 2)[0][:, 1].min() > 1.75  # 0.9 of 2 Å, but for rounding
    assert not ((located.positions[:, 1] > -14) & (located.positions[:, 1] < 22)).any()  # the middle row is not public


def test_rows_are_measured_with_their_uncertainties():
    rows = store.load_numbers(RECORDED / "ta_structure.json")
    steps = rows["models"]["all"]
    assert set(steps) == {"reference", "moved", "without the missing", "found"}
    for step in steps.values():
        assert all(np.isfinite(value) for value, _ in step.values())
        assert step["pentagonal [%]"][1] > 0
    assert steps["without the missing"]["atoms per nm³"][0] < steps["reference"]["atoms per nm³"][0]


@pytest.mark.parametrize("name", ["film_truth", "ta_motion", "ta_structure", "left_out_tilts"])
def test_numbers_say_where_they_come_from(name):
    assert store.load_numbers(RECORDED / f"{name}.json")["provenance"]["package"]


def test_still_atoms_move_less_than_walking_ones():
    truths = store.load_numbers(RECORDED / "film_truth.json")
    still, walk = (truths[name]["moved [pm]"]["13"] for name in ("still", "walk alone"))
    assert still < 0.6 * walk < walk < truths["walk alone"]["true moved [pm]"]["13"]
    for name in ("shifted", "shifted, walk alone"):
        shifts = truths[name]["shifts"]
        assert max(shifts["error after [px]"]) < 0.3 * min(shifts["error before [px]"])
