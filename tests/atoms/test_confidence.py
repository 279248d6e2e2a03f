"""Confidence: real atoms predict tilts that were left out, false ones do not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from helpers import TiltSeries
from helpers.atoms import confidence, refine, simulate_images
from helpers.atoms._preparing import prepare_fit
from helpers.atoms.confidence import _gains
from helpers.imaging import Noise

ANGLES = np.linspace(-70, 70, 20)
SHAPE, PIXEL, H, B = (48, 44), 0.4, 0.6, 5.0


def cluster(count=24, radius=6.0, seed=0):
    rng = np.random.default_rng(seed)
    atoms = np.empty((0, 3))
    while len(atoms) < count:
        new = rng.uniform(-radius, radius, 3)
        if np.linalg.norm(new) < radius and (len(atoms) == 0 or np.linalg.norm(atoms - new, axis=1).min() > 2.2):
            atoms = np.vstack([atoms, new])
    return atoms


ATOMS = cluster()
FALSE = np.array([[7.5, 0.0, 1.0], [-6.0, 4.5, 2.0], [0.0, -7.5, -2.0]])
CLEAN = 1 + simulate_images(ATOMS, ANGLES, SHAPE, PIXEL, "Ta", H, B)
COUNTS = TiltSeries(np.random.default_rng(1).poisson(CLEAN), ANGLES, PIXEL)


@pytest.mark.parametrize("noise", ["poisson", Noise(2.0, 1.0), Noise(3.0, 0.0)])
def test_real_atoms_are_believed_and_false_ones_are_not(noise):
    counts = COUNTS
    if noise != "poisson":
        extra = np.random.default_rng(2).normal(0, noise.gaussian, CLEAN.shape)
        counts = TiltSeries((COUNTS.images if noise.poisson else CLEAN) + extra, ANGLES, PIXEL)
    known = refine(np.vstack([ATOMS, FALSE]), counts, "Ta", noise=noise, per_atom=["H"], max_move=0.5)
    found = confidence(known, counts, "Ta")
    assert found.gain[:24].min() > 8 > 3 > found.gain[24:].max()
    assert_allclose(found.probability, 1 / (1 + np.exp(-found.gain)))


def test_the_gain_is_the_change_of_the_deviance():
    likelihood, state = prepare_fit(ATOMS, COUNTS, "Ta", H, B, noise="poisson", background=1.0)
    gains = _gains(likelihood, state, ["Ta"] * 24)
    whole = likelihood.evaluate(state, gradient=False)[0][:, 0].sum()
    for n in (0, 7, 23):
        rest = np.delete(ATOMS, n, axis=0)
        other, less = prepare_fit(rest, COUNTS, "Ta", H, B, noise="poisson", background=1.0)
        without = other.evaluate(less, gradient=False)[0][:, 0].sum()
        assert gains[n] == pytest.approx(without - whole, rel=0.01)  # tails beyond 1.5 Å past the window are left out


def test_images_that_are_displaced_are_compared_where_they_are():
    moved = COUNTS.images.copy()
    moved[::3] = np.roll(moved[::3], 2, axis=1)
    known = refine(ATOMS, TiltSeries(moved, ANGLES, PIXEL), "Ta", noise="poisson", shifts=True)
    still = refine(ATOMS, COUNTS, "Ta", noise="poisson")
    found = confidence(known, TiltSeries(moved, ANGLES, PIXEL), "Ta").gain
    # rolled images lose nothing, as the rim is empty; shifts are known to a hundredth of a pixel
    assert_allclose(found, confidence(still, COUNTS, "Ta").gain, rtol=0.1)


def test_refuses():
    with pytest.raises(ValueError, match="folds=1 of 20 tilts"):
        confidence(ATOMS, COUNTS, "Ta", folds=1)
    with pytest.raises(ValueError, match="folds=15 of 20 tilts; expected at least two folds"):
        confidence(ATOMS, COUNTS, "Ta", folds=15)
    with pytest.raises(ValueError, match="0 atoms"):
        confidence(np.empty((0, 3)), COUNTS, "Ta")
