"""Atoms left out: as many as asked for, in the way asked for, and the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.simulation import omit_atoms
from helpers.simulation.omission import WAYS
from helpers.structure import neighbours

BOX = np.full(3, 24.0)


@pytest.fixture(scope="module")
def gas():
    """Points no nearer than 1.6 Å, with a void in one corner."""
    random, kept = np.random.default_rng(4), np.empty((0, 3))
    while len(kept) < 700:
        point = random.uniform(0, 24, 3)
        away = kept - point
        away -= BOX * np.round(away / BOX)
        if (len(kept) == 0 or (away**2).sum(axis=1).min() > 1.6**2) and not (point < 7).all():
            kept = np.vstack([kept, point])
    return kept


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.25])
def test_as_many_as_asked_for(gas, way, share):
    box = None if way == "surface" else BOX
    left = omit_atoms(gas, share, way=way, box=box, seed=1)
    assert len(left) == len(gas) - round(share * len(gas))
    np.testing.assert_array_equal(left, omit_atoms(gas, share, way=way, box=box, seed=1))
    known = (left[:, None] == gas).all(axis=2).any(axis=1)
    assert (~known).sum() == (round(share * len(gas)) if way == "merged" else 0)


def missing(gas, left):
    return ~(gas[:, None] == left).all(axis=2).any(axis=1)


def test_loose_atoms_have_fewer_neighbours(gas):
    counts = neighbours(gas, 4.0, BOX).counts
    lost = {way: counts[missing(gas, omit_atoms(gas, 0.1, way=way, box=BOX))].mean() for way in ("random", "loose")}
    spread = counts.std() / np.sqrt(70)
    assert abs(lost["random"] - counts.mean()) < 4 * spread  # 70 atoms drawn at random
    assert lost["loose"] < counts.mean() - 4 * spread


def test_each_standard_deviation_counts_e_times(gas):
    """Drawn one at a time many times, atoms one deviation looser are missing e times as often."""
    near = neighbours(gas, 4.0, BOX)
    around = np.bincount(near.pairs[:, 0], np.exp(-((3 * near.distances / 4) ** 2) / 2), minlength=len(gas))
    z = (around - around.mean()) / around.std()
    drawn = [missing(gas, omit_atoms(gas, 1 / 700, way="loose", box=BOX, seed=s)).argmax() for s in range(400)]
    expected = np.average(z, weights=np.exp(-z))
    assert z[drawn].mean() == pytest.approx(expected, abs=4 / np.sqrt(400))  # standard error 1/√400 at most


def test_pairs_are_neighbours(gas):
    lost = gas[missing(gas, omit_atoms(gas, 0.1, way="pairs", cutoff=3.0, box=BOX))]
    assert neighbours(lost, 3.0, BOX).counts.min() >= 1


def test_the_shortest_bonds_are_merged_in_their_middle(gas):
    left = omit_atoms(gas, 1 / 700, way="merged", box=BOX)
    near = neighbours(gas, 4.0, BOX)
    one, two = near.pairs[near.distances.argmin()]
    step = gas[two] - gas[one]
    step -= BOX * np.round(step / BOX)
    assert np.abs(left - (gas[one] + step / 2)).max(axis=1).min() < 1e-12
    assert neighbours(left, 4.0, BOX).shortest > near.shortest


def test_the_surface_is_lost_first():
    random = np.random.default_rng(2)
    ball = random.normal(size=(2000, 3))
    ball *= (20 * random.uniform(0, 1, 2000) ** (1 / 3) / np.linalg.norm(ball, axis=1))[:, None]
    radii = np.linalg.norm(omit_atoms(ball, 0.2, way="surface", cutoff=2.0), axis=1)
    assert (radii > 16).mean() < 0.85 * (np.linalg.norm(ball, axis=1) > 16).mean()  # by chance it would stay
    assert (radii < 10).sum() > 0.98 * (np.linalg.norm(ball, axis=1) < 10).sum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 1.0}, "share=1.0; expected a number from 0 to below 1"),
        ({"way": "weak"}, "way='weak'"),
        ({"way": "surface"}, "in a periodic box, which has none; cut a particle from it first"),
        ({"way": "merged", "cutoff": 1.61, "share": 0.5}, "needs 350 bonds without a common atom, the model has"),
    ],
)
def test_refused(gas, options, message):
    with pytest.raises(ValueError, match=message):
        omit_atoms(gas, **{"share": 0.1, "box": BOX, **options})
