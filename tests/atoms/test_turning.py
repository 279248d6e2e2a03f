"""Tilt angles from the atoms: planted turns come back as sure as stated, and nothing turns as a whole."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose
from planted_atoms import planted

from helpers import TiltSeries
from helpers.atoms import compare, confidence, find_missing, position_bound, refine, simulate_images
from helpers.atoms._preparing import prepare_fit
from helpers.atoms._turning import tilt_moments, turn, turning_gain
from helpers.geometry.rotations import _rotation_vectors, rotation_matrices

ANGLES = np.linspace(-70, 70, 15)
SHAPE, PIXEL, H, B = (56, 50), 0.4, 3.0, 5.0
NOMINAL = np.column_stack([np.zeros_like(ANGLES), ANGLES, np.zeros_like(ANGLES)])


@cache
def true_angles():
    return NOMINAL + np.random.default_rng(3).normal(0, 0.4, NOMINAL.shape)


@cache
def images():
    return 2 + simulate_images(planted(), true_angles(), SHAPE, PIXEL, "Ta", H, B)


@cache
def counts():
    return TiltSeries(np.random.default_rng(0).poisson(images()), ANGLES, PIXEL)


@cache
def fitted(angles):
    start = planted() + np.random.default_rng(5).normal(0, 0.1, planted().shape)
    return refine(start, counts(), "Ta", noise="poisson", angles=angles)


def turns_between(one, other):
    """Turns of each image that lead from one set of angles to another, less what all share [degrees]."""
    turns = _rotation_vectors(rotation_matrices(one).swapaxes(1, 2) @ rotation_matrices(other))
    space = np.einsum("tij,tj->ti", rotation_matrices(one), turns)
    return np.rad2deg(np.einsum("tji,tj->ti", rotation_matrices(one), space - space.mean(axis=0)))


def test_planted_turns_come_back_as_sure_as_stated():
    found = fitted(True)
    error, before = turns_between(true_angles(), found.angles), turns_between(true_angles(), NOMINAL)
    assert np.sqrt((error**2).mean()) < 0.4 * np.sqrt((before**2).mean())
    # 45 turns know their scatter to 11 %; three times that, and one part in 15 that goes to the atoms
    assert np.sqrt(((error / found.angle_uncertainty) ** 2).mean()) == pytest.approx(1.0, abs=0.4)
    rigid, free = (compare(f.positions, planted()).rmsd for f in (fitted(False), found))
    bound = position_bound(planted(), TiltSeries(images(), true_angles(), PIXEL), "Ta", H=H, B=B, noise="poisson")
    assert free < 1.25 * np.sqrt((bound**2).sum(axis=1).mean())
    assert free < 0.9 * rigid
    assert found.log_likelihood > fitted(False).log_likelihood + 100


def test_the_object_does_not_turn_as_a_whole():
    mean = turns_between(NOMINAL, fitted(True).angles) - _rotation_degrees(NOMINAL, fitted(True).angles)
    # the turns, taken into the object's frame, have no mean; second order in half a degree
    assert np.abs(mean).max() < 0.01
    assert np.isnan(fitted(False).angle_uncertainty).all() and not fitted(False).turned
    assert_allclose(fitted(False).angles, NOMINAL)


def _rotation_degrees(one, other):
    return np.rad2deg(_rotation_vectors(rotation_matrices(one).swapaxes(1, 2) @ rotation_matrices(other)))


@pytest.mark.parametrize("shifts", [True, False])
def test_one_step_finds_a_small_turn(shifts):
    turned = NOMINAL + [0.1, -0.15, 0.2]
    turned[::2] = NOMINAL[::2] - [0.1, -0.15, 0.2]
    turned[-1] = NOMINAL[-1]
    series = TiltSeries(50 * (2 + simulate_images(planted(), turned, SHAPE, PIXEL, "Ta", H, B)), ANGLES, PIXEL)
    likelihood, state = prepare_fit(planted(), series, "Ta", 50 * H, B, noise="poisson", level=100.0)
    after, moved, _ = turn(likelihood, state, likelihood.model.matrices, shifts=shifts)
    left = _rotation_vectors(after.model.matrices.swapaxes(1, 2) @ rotation_matrices(turned))
    left = np.rad2deg(np.linalg.norm(left - left.mean(axis=0), axis=1))
    assert left.max() < 0.02  # of 0.27 degrees: second order, and what the fit thinks to share
    if shifts:
        assert np.abs(moved.shifts).max() < 0.02
    else:
        assert moved.shifts is None
    gain = turning_gain(likelihood, state, shifts=shifts)
    before, now = (
        model.evaluate(here, gradient=False)[0][:, 0].sum() for model, here in ((likelihood, state), (after, moved))
    )
    assert gain == pytest.approx(before - now, rel=0.1)


def test_moments_are_derivatives():
    series = TiltSeries(images()[:3], NOMINAL[:3], PIXEL)
    likelihood, state = prepare_fit(planted(), series, "Ta", H, B, noise="poisson", level=2.0)
    normal, right = tilt_moments(likelihood, state, shifts=True)
    step = 0.02  # degrees, and pixels
    sums = []
    for sign in (1, -1):
        seen = NOMINAL[:3] + [0, sign * step, 0]
        other, same = prepare_fit(
            planted(), TiltSeries(images()[:3], seen, PIXEL), "Ta", H, B, noise="poisson", level=2.0
        )
        sums.append(other.evaluate(same, gradient=False)[0][:, 0])
    slope = -(sums[0] - sums[1]) / (2 * np.deg2rad(step))
    # R → R exp(−ω) turns the angle θ by −ω about the image's y; the moments leave out what the level takes
    assert_allclose(-right[:, 3], slope, rtol=0.1, atol=0.02 * np.abs(slope).max())
    assert np.linalg.eigvalsh(normal).min() > 0


def test_what_is_refined_is_seen_at_its_own_angles():
    found = fitted(True)
    turned = found.as_turned(counts())
    assert_allclose(turned.angles, found.angles)
    assert_allclose(position_bound(found, counts(), "Ta"), position_bound(found, turned, "Ta"))
    none = find_missing(found, counts(), "Ta")
    assert not len(none.positions)
    assert confidence(found, counts(), "Ta", folds=2).probability.min() > 0.99
