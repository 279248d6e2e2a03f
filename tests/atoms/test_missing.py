"""Missing atoms: removed ones come back, false ones do not, and nothing but images is needed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from helpers import TiltSeries
from helpers.atoms import compare, find_from_scratch, find_missing, gain_map, refine, simulate_images
from helpers.atoms._likelihood import Likelihood, State
from helpers.atoms._preparing import prepare_fit

ANGLES = np.arange(0, 180, 9.0)
SHAPE, PIXEL, H, B = (48, 44), 0.4, 0.2, 5.0


def cluster(count=24, radius=6.0, seed=0):
    rng = np.random.default_rng(seed)
    atoms = np.empty((0, 3))
    while len(atoms) < count:
        new = rng.uniform(-radius, radius, 3)
        if np.linalg.norm(new) < radius and (len(atoms) == 0 or np.linalg.norm(atoms - new, axis=1).min() > 2.2):
            atoms = np.vstack([atoms, new])
    return atoms


ATOMS = cluster()
COUNTS = TiltSeries(
    np.random.default_rng(1).poisson(1 + simulate_images(ATOMS, ANGLES, SHAPE, PIXEL, "Ta", H, B)), ANGLES, PIXEL
)
KNOWN = {"H": H, "B": B, "noise": "poisson", "level": 1.0}


def test_the_gain_equals_the_change_of_the_likelihood():
    small = 0.02 * H  # where the second order is enough
    likelihood, state = prepare_fit(ATOMS, COUNTS, "Ta", H, B, noise="poisson", level=1.0)
    volume = gain_map(ATOMS, COUNTS, "Ta", **KNOWN)
    place = np.array([42, 22, 24])
    added = (place - volume.centre) * PIXEL
    more, _ = prepare_fit(np.vstack([ATOMS, added]), COUNTS, "Ta", H, B, noise="poisson", level=1.0)
    before = likelihood.evaluate(state, gradient=False)[0][:, 0].sum()

    def gain(weight):
        weights = np.append(np.full(24, H), weight)
        now = State(np.vstack([ATOMS, added]), weights, np.full(25, B), state.ground)
        other = Likelihood(more.model, COUNTS.images, likelihood.noise, likelihood.extra)
        return before - other.evaluate(now, gradient=False)[0][:, 0].sum()

    # H G − H² F / 2 from two weights. F is the expected curvature, from 1 / μ where the counts have n / μ²; and
    # back-projection interpolates between pixels.
    slope = (4 * gain(small) - gain(2 * small)) / (2 * small)
    bend = (2 * gain(small) - gain(2 * small)) / small**2
    assert volume.array[tuple(place)] == pytest.approx(H * slope - 0.5 * H * H * bend, rel=0.15)


def test_removed_atoms_are_found_and_no_others():
    atoms = ATOMS[5:]
    for cycle in range(4):  # atoms beside a hole move into it and hide what is missing until it is filled
        known = refine(atoms, COUNTS, "Ta", noise="poisson", max_move=0.5)
        found = find_missing(known, COUNTS, "Ta")
        assert (np.diff(found.gain) <= 0).all() and (found.gain > 8).all()
        assert len(found.positions) >= 3 or cycle
        atoms = np.vstack([known.positions, found.positions])
    distance = cKDTree(atoms).query(ATOMS)[0]
    assert len(atoms) == len(ATOMS) and distance.max() < 0.8
    none = find_missing(refine(ATOMS, COUNTS, "Ta", noise="poisson"), COUNTS, "Ta")
    assert len(none.positions) == 0 and none.map.array.max() < 8


def test_everything_is_found_without_a_reconstruction():
    found = find_from_scratch(COUNTS, "Ta", noise="poisson")
    agreement = compare(found.positions, ATOMS)
    assert len(agreement.pairs) == len(ATOMS) == len(found.positions)
    assert agreement.rmsd < 0.2  # Å; the bound is about 0.1 at this dose


def test_the_published_glass_of_silicon_without_a_reconstruction(published):
    sample = published("aSi208", "tilt_series")
    found = find_from_scratch(sample.tilt_series(), "Si")
    agreement = compare(found.positions, sample.model("truth").positions)
    assert len(agreement.pairs) == 208 == len(found.positions)
    assert agreement.rmsd < 0.098


def test_limits_of_the_search():
    known = refine(ATOMS[5:], COUNTS, "Ta", noise="poisson", max_move=0.3)
    thin = find_missing(known, COUNTS, "Ta", thickness=4.0)
    assert (np.abs(thin.positions[:, 2]) <= 2.0).all()
    assert gain_map(known, COUNTS, "Ta", shape=(20, 22, 24)).array.shape == (20, 22, 24)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: find_missing(ATOMS, COUNTS, "Ta", threshold=0, **KNOWN), "threshold=0"),
        (lambda: find_missing(ATOMS, COUNTS, "Ta", min_distance=-1, **KNOWN), "min_distance=-1"),
        (lambda: gain_map(ATOMS, COUNTS, ["Ta", "Pd"] * 12, **KNOWN), "the atoms are of 2 elements"),
        (lambda: gain_map(np.empty((0, 3)), COUNTS, "Ta"), "0 atoms"),
        (lambda: find_from_scratch(COUNTS, ["Ta", "Pd"]), "all atoms are of one element"),
        (lambda: find_from_scratch(COUNTS, "Ta", cycles=0), "cycles=0"),
        (lambda: find_from_scratch(COUNTS, "Ta", threshold=1e9, noise="poisson"), "no atom gains more than 1e"),
    ],
)
def test_refuses(call, words):
    with pytest.raises(ValueError, match=words):
        call()
