"""Dense random packings: no overlap, right density, no crystal."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import structure
from helpers.simulation.packing import dense_random_packing


@pytest.fixture(scope="module")
def packing():
    return dense_random_packing(1000, 0.055, fraction=0.62, seed=1)


def test_spheres_touch_and_do_not_overlap(packing):
    positions, box = packing
    diameter = (6 * 0.62 / (np.pi * 0.055)) ** (1 / 3)
    assert len(positions) / np.prod(box) == pytest.approx(0.055)
    assert ((positions >= 0) & (positions <= box)).all()
    near = structure.neighbours(positions, 1.02 * diameter, box)
    assert near.shortest >= 0.99 * diameter  # the overlap that was allowed
    assert near.counts.mean() > 4  # contacts: six each at jamming


def test_it_is_no_crystal(packing):
    positions, box = packing
    assert (structure.bond_order(positions, 3.8, box).normalised > 0.5).mean() < 0.05


def test_a_seed_gives_one_packing(packing):
    again, _ = dense_random_packing(1000, 0.055, fraction=0.62, seed=1)
    other, _ = dense_random_packing(1000, 0.055, fraction=0.62, seed=2)
    # sums of forces run in a fixed order in each row, so the same seed gives the same packing
    assert np.array_equal(again, packing[0])
    assert not np.allclose(other, again)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"count": 10}, "at least 64"),
        ({"count": 100.5}, "whole number"),
        ({"density": -1}, "density"),
        ({"fraction": 0.8}, "0.74"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        dense_random_packing(**{"count": 100, "density": 0.05, **change})
