"""Crystal nuclei: the rule word by word, planted nuclei, and the published numbers."""

from __future__ import annotations

import naive_neighbours as naive
import numpy as np
import pytest
from crystals import crystal
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from helpers.structure import bond_order, find_nuclei


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    crowd=st.integers(1, 8),
    support=st.integers(0, 4),
    periodic=st.booleans(),
)
def test_equals_the_rule_word_by_word(seed, crowd, support, periodic):
    random = np.random.default_rng(seed)
    atoms, order = random.uniform(0, 14, (120, 3)), random.uniform(0, 1, 120)
    box = np.array([14.0, 15.0, 14.0]) if periodic else None
    found = find_nuclei(atoms, order, radius=4.0, crowd=crowd, support=support, box=box)
    np.testing.assert_array_equal(found, naive.find_nuclei(atoms, order, 0.5, 4.0, crowd, support, box))
    turned = Rotation.random(rng=random).apply(atoms) if not periodic else atoms + random.uniform(-20, 20, 3)
    again = find_nuclei(turned, order, radius=4.0, crowd=crowd, support=support, box=box)
    np.testing.assert_array_equal(again, found)


def test_a_planted_nucleus_is_found_and_specks_are_not():
    random = np.random.default_rng(0)
    atoms, _ = crystal("fcc", (8, 8, 8))
    atoms -= atoms.mean(axis=0)
    distance = np.linalg.norm(atoms, axis=1)
    order = np.where(distance < 9, 0.8, 0.2)
    order[random.random(len(atoms)) < 0.02] = 0.6  # two in a hundred are ordered by chance: two within 8 Å
    found = find_nuclei(atoms, order)
    assert found[distance < 9].all()
    assert not found[distance > 17].any()  # beyond the reach of the nucleus
    assert not found[order < 0.5].any()

    speck = np.zeros(len(atoms))
    speck[:5] = 1
    assert not find_nuclei(atoms, speck).any()
    assert find_nuclei(atoms, speck, crowd=1).sum() == 5


def test_nothing_ordered_and_undefined_orders():
    atoms = np.random.default_rng(1).uniform(0, 10, (30, 3))
    assert not find_nuclei(atoms, np.full(30, np.nan)).any()
    assert not find_nuclei(atoms, np.zeros(30)).any()
    assert not find_nuclei(atoms, np.full(30, 0.5), crowd=1).any()  # the threshold itself is not above it
    assert find_nuclei(np.empty((0, 3)), []).shape == (0,)


@pytest.mark.parametrize(
    ("order", "options", "message"),
    [
        (np.ones(4), {}, r"order has shape \(4,\); expected \(5,\), one value an atom"),
        (np.ones(5), {"radius": -1}, "radius=-1; expected a positive number"),
        (np.ones(5), {"crowd": 0}, "crowd=0; expected one finite number of at least 1"),
        (np.ones(5), {"threshold": np.nan}, "threshold=nan; expected one finite number"),
        (np.ones(5), {"box": 10.0, "radius": 8.0}, r"radius=8 Å exceeds half the box"),
    ],
)
def test_bad_input(order, options, message):
    with pytest.raises(ValueError, match=message):
        find_nuclei(np.arange(15.0).reshape(5, 3), order, **options)


@pytest.mark.parametrize(
    ("name", "cutoff", "ordered", "atoms"),
    [("Ta", 4.12, 1832, 1669), ("Pd1", 3.90, 1373, 1138), ("Pd2", 3.91, 1679, 1345)],
)
def test_published_numbers(name, cutoff, ordered, atoms, published):
    """The paper's fractions: 20.1, 2.2 and 1.8 % of the atoms, which order alone would exceed."""
    positions = published(name).model().positions
    order = bond_order(positions, cutoff).normalised
    assert (order > 0.5).sum() == ordered
    assert find_nuclei(positions, order).sum() == atoms
