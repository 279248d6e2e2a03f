"""Dense random packings: no overlap, right density, no crystal."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import structure
from helpers.simulation import dense_random_packing
from helpers.simulation.random_packing import _push_all


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


@pytest.mark.parametrize("parts", [1, 3])
def test_kernel_equals_a_sum_over_all_pairs(parts):
    rng = np.random.default_rng(5)
    positions, box = rng.random((64, 3)) * 4.0, np.full(3, 4.0)
    near = structure.neighbours(positions, 1.3, box)
    force, depth = np.zeros((64, 3)), np.zeros(64)
    for part in range(parts):
        _push_all(part, parts, positions, box, near.offsets, near.indices, force, depth)
    apart = positions[:, None] - positions
    apart -= box * np.rint(apart / box)
    length = np.linalg.norm(apart, axis=-1) + 2 * np.eye(64)  # no sphere meets itself
    overlap = np.maximum(1 - length, 0)
    expected = (overlap / length)[..., None] * apart
    np.testing.assert_allclose(force, expected.sum(axis=1), atol=1e-14)  # a few roundings of numbers below 1
    np.testing.assert_allclose(depth, overlap.max(axis=1), atol=1e-14)
    assert depth.max() > 0.3


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
