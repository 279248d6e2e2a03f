"""The pattern has the rings of the sample, and the way back finds the centre, the structure factor and g(r)."""

from __future__ import annotations

import numpy as np
import pytest

import helpers
from helpers import structure
from helpers.checks import UnknownName
from helpers.scattering import scattering_factor
from helpers.simulation import (
    cut_sphere,
    diffraction_pattern,
    find_beam_stop,
    find_centre,
    radial_average,
    reduce_intensity,
    reduced_pair_distribution,
    structure_factor,
)

RADIUS = 15.0


def inside_ball(r):
    """Share of a shell about a point of a ball that lies in the ball, mean over the points."""
    x = np.minimum(r / (2 * RADIUS), 1)
    return 1 - 1.5 * x + x**3 / 2


@pytest.fixture(scope="module")
def glass():
    return helpers.load_sample("MD300").model()


@pytest.fixture(scope="module")
def ball(glass):
    return cut_sphere(glass, RADIUS)


@pytest.fixture(scope="module")
def pattern(ball):
    return diffraction_pattern(ball, "Ta", shape=256, step=0.1, orientations=80, electrons=2e7, seed=3)


@pytest.fixture(scope="module")
def rings(pattern):
    shadow = find_beam_stop(pattern.counts)
    return radial_average(pattern.counts, find_centre(pattern.counts, shadow), pattern.step, shadow)


def test_few_atoms_scatter_as_the_sum_of_their_waves():
    atoms = np.array([[0.3, -1.0, 0.2], [2.5, 0.4, -0.7], [-1.1, 1.9, 0.4]])
    options = {"shape": 32, "step": 0.4, "offset": (1.7, -0.6), "stop": 0, "background": 0, "electrons": 1e12}
    found = diffraction_pattern(atoms, ["Ta", "Pd", "Ta"], orientations=1, seed=5, **options)
    from scipy.spatial.transform import Rotation

    turned = Rotation.random(1, rng=np.random.default_rng(5))[0].apply(atoms - atoms.mean(axis=0))
    k = 0.4 * np.stack(np.meshgrid(*(np.arange(32) - c for c in found.centre), indexing="ij"), axis=-1)
    q = np.linalg.norm(k, axis=-1)
    factors = [scattering_factor(name, q / (2 * np.pi)) for name in ("Ta", "Pd", "Ta")]
    plain = abs(sum(f * np.exp(-1j * k @ place[:2]) for f, place in zip(factors, turned, strict=True))) ** 2
    # splines fold back 1e-2 of the amplitude at the detector's corner, far less at its middle
    np.testing.assert_allclose(found.counts / 1e12, plain / plain.sum(), atol=2e-3 * (plain / plain.sum()).max())
    assert found.shadow.sum() == 0


def test_beam_stop_and_centre_are_found(pattern):
    shadow = find_beam_stop(pattern.counts)
    assert not (pattern.shadow & ~shadow).any()
    assert (shadow & ~pattern.shadow).sum() < 0.02 * shadow.size  # a rim of two pixels
    # the bound from counting is 0.01 pixels; the speckle of 80 copies of a small ball adds to it
    np.testing.assert_allclose(find_centre(pattern.counts, shadow), pattern.centre, atol=0.1)


def test_centre_is_found_wherever_it_is(ball):
    for offset in ((0.0, 0.0), (-17.2, 9.9)):
        one = diffraction_pattern(ball, "Ta", shape=128, step=0.15, orientations=20, offset=offset, seed=1)
        np.testing.assert_allclose(find_centre(one.counts, find_beam_stop(one.counts)), one.centre, atol=0.2)


def test_rings_are_the_debye_sum(ball, pattern):
    seen = ~pattern.shadow
    own = radial_average(pattern.counts - pattern.background, pattern.centre, pattern.step, ~seen)
    q = own.q[(own.q > 1.2) & (own.q < 11)]
    ratio = np.interp(q, own.q, own.intensity) / scattering_factor("Ta", q / (2 * np.pi)) ** 2
    wanted = structure_factor(ball, q).S
    scale = (ratio @ wanted) / (wanted @ wanted)
    # speckle: 80 copies times (2 pi q / 0.2) patches of a ring leave 2 % at the first ring; a ring is 0.1 wide
    assert np.sqrt(np.mean((ratio / scale - wanted) ** 2)) < 0.05


def test_structure_factor_is_recovered(ball, rings, glass):
    density = len(glass) / glass.get_volume()
    found = reduce_intensity(rings.q, rings.intensity, "Ta", density, inside=inside_ball)
    middle = found.q > 1.5
    assert np.sqrt(np.mean((found.S - structure_factor(ball, found.q).S)[middle] ** 2)) < 0.06


def test_pair_distribution_is_recovered(rings, glass):
    density = len(glass) / glass.get_volume()
    found = reduce_intensity(rings.q, rings.intensity, "Ta", density, inside=inside_ball)
    direct = structure.pair_distribution(glass, 15.0, 0.05, smoothing=0)
    seen = structure_factor(glass, found.q, window="none").S  # the truth through the same range of q
    G = reduced_pair_distribution(found.q, seen, direct.r)
    wanted = 1 + G / (4 * np.pi * density * direct.r)
    shells = (direct.r > 2.2) & (direct.r < 12)
    g = np.interp(direct.r, found.r, found.g)
    assert np.sqrt(np.mean((g - wanted)[shells] ** 2)) < 0.08  # a ball of 15 Å has a rough edge and few atoms
    assert abs(direct.r[g.argmax()] - direct.r[wanted.argmax()]) <= 0.05  # one step
    assert (found.g[found.r < 2.2] == 0).all()


def test_a_known_structure_factor_becomes_its_g(glass):
    q = np.arange(0.3, 20, 0.05)
    direct = structure.pair_distribution(glass, 20.0, 0.05, smoothing=0)
    G = reduced_pair_distribution(q, structure_factor(glass, q, window="none").S, direct.r, window="none")
    g = 1 + G / (4 * np.pi * len(glass) / glass.get_volume() * direct.r)
    shells = direct.r > 2.2
    assert np.sqrt(np.mean((g - direct.raw)[shells] ** 2)) < 0.05  # what lies above q = 20 /Å is missing
    assert direct.r[g.argmax()] == pytest.approx(direct.first_peak, abs=0.06)


@pytest.mark.parametrize("background", [0.0, 40.0])
def test_scale_and_background_are_told_apart(glass, background):
    q = np.arange(1.0, 15, 0.05)
    square = scattering_factor("Ta", q / (2 * np.pi)) ** 2
    S = structure_factor(glass, q, window="none").S
    density = len(glass) / glass.get_volume()
    intensity = 30 * square * S + background * np.exp(-q / 3) * square[0] / 40
    found = reduce_intensity(q, intensity, "Ta", density)
    assert found.scale == pytest.approx(30, rel=0.03)
    assert np.sqrt(np.mean((found.S - S) ** 2)) < 0.05


def test_one_clear_sentence(glass, ball):
    with pytest.raises(ValueError, match="cut_sphere"):
        diffraction_pattern(glass, "Ta")
    with pytest.raises(UnknownName, match="Xx"):
        diffraction_pattern(ball, "Xx", shape=16)
    with pytest.raises(ValueError, match="not negative"):
        diffraction_pattern(ball, "Ta", shape=16, stop=-1)
    with pytest.raises(ValueError, match="no ring"):
        find_centre(np.ones((64, 64)))
    with pytest.raises(ValueError, match="expected an image"):
        find_beam_stop(np.ones(64))
    with pytest.raises(ValueError, match="outside the pattern"):
        radial_average(np.ones((64, 64)), (80, 3), 0.1)
    with pytest.raises(ValueError, match="ascending"):
        reduced_pair_distribution([2.0, 1.0, 3.0, 4.0], np.ones(4), [2.5])
    with pytest.raises(ValueError, match="expected 20 values"):
        reduce_intensity(np.arange(1, 11), np.ones(10), "Ta", 0.055)
