"""Evidence for atoms against the likelihood itself."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import TiltSeries
from helpers.atoms import refine, simulate_images
from helpers.atoms._evidence import find_evidence, refined_evidence
from helpers.imaging.noise import Noise

ANGLES, SHAPE, PIXEL, B = np.arange(-60.0, 61.0, 10.0), (52, 48), 0.4, 5.0
WHITE = Noise(2.0, 0.0)
PLACES = np.array([[0.3, -0.4, 0.2], [3.0, 1.0, -1.5], [-2.5, 2.0, 1.0]])


def images(places, H=1.0):
    return simulate_images(places, ANGLES, SHAPE, PIXEL, "Ta", H, B)


def evidence(residual):
    series = TiltSeries(residual, ANGLES, PIXEL)
    return find_evidence(np.zeros_like(residual), residual, WHITE, series, "Ta", B, None)


@pytest.fixture(scope="module")
def left():
    """Give what is left of a weak atom that nobody placed, and of noise."""
    return images(PLACES[:1], 0.5) + np.random.default_rng(0).normal(0, 2.0, (13, *SHAPE)).astype(np.float32)


def gain(residual, change):
    """Say by how much the likelihood grows with a change of the expected images."""
    return float(((residual**2 - (residual - change) ** 2) / (2 * WHITE.gaussian**2)).sum(dtype=float))


def test_information_is_that_of_a_weight(left):
    exact = [(images(place[None]).astype(float) ** 2).sum() / 4 for place in PLACES]
    assert evidence(left).information(PLACES) == pytest.approx(exact, rel=0.005)  # a spline through pixels of 0.4 Å


def test_gain_of_one_more_atom(left):
    found = evidence(left)
    volume = found.gain(0.5, (52, 48, 52))
    for voxel in ([26, 23, 26], [34, 26, 22]):
        place = (np.array(voxel) - volume.centre) * PIXEL
        assert volume.array[tuple(voxel)] == pytest.approx(gain(left, images(place[None], 0.5)), rel=0.06, abs=3.0)
    assert found.misfit == pytest.approx((left**2).mean() / 4, rel=1e-4)


@pytest.mark.parametrize("distance", [1.0, 1.6, 2.4])
@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.2, 0.7)])
def test_two_atoms_gain_over_one(left, distance, weights):
    away = distance * np.array([0.6, 0.0, 0.8])
    first, second = PLACES[0] - away / 2, PLACES[0] + away / 2
    pair = images(np.array([first, second]), np.array(weights)).astype(float)
    share = weights[1] / sum(weights)
    best = np.inf
    for place in (first + share * away, first, second):
        one = images(place[None]).astype(float)
        weight = (one * pair).sum() / (one**2).sum()
        best = min(best, ((pair - weight * one) ** 2).sum() / (2 * 4))
    found = evidence(left)
    information = found.information(PLACES[:1])
    given = found.two_for_one(first[None], second[None], np.array([weights]), information)
    assert given == pytest.approx([best], rel=0.03)  # a small difference of large numbers


def test_what_is_left_of_two_bends_along_them():
    away = np.array([0.48, 0.6, 0.64])
    counts = TiltSeries(images(np.array([PLACES[0] - 0.8 * away, PLACES[0] + 0.8 * away])), ANGLES, PIXEL)
    fit = refine(PLACES[:1], counts, "Ta", noise=WHITE, B=B, fixed=["B"], background="none")
    values, vectors = np.linalg.eigh(refined_evidence(fit, counts, "Ta").bending(fit.positions)[0])
    assert fit.H[0] > 1.25
    assert values[2] > 0 and values[1] < 0.3 * values[2]
    assert abs(vectors[:, 2] @ away) > 0.9  # the missing wedge pulls it towards y and away from z
