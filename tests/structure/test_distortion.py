"""Distortion of bipyramids: ideal shapes, known changes, published models."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from helpers.geometry.boxes import nearest_image
from helpers.structure import (
    Bipyramids,
    bond_order,
    disordered_tetrahedra,
    distortion,
    find_motifs,
    find_nuclei,
    find_tetrahedra,
    noise_tilt,
)


def bipyramid(n, half_height, shift=(0.0, 0.0), edge=3.0):
    """Caps, then a regular ring; the upper cap shifted sideways."""
    turn = 2 * np.pi * np.arange(n) / n
    ring = edge / (2 * np.sin(np.pi / n)) * np.column_stack([np.cos(turn), np.sin(turn), 0 * turn])
    caps = np.array([[*shift, half_height], [0, 0, -half_height]])
    motif = Bipyramids(np.arange(n)[None], np.array([[0, 1]]), np.arange(2, n + 2)[None])
    return np.vstack([caps, ring]), motif


def test_ideal_pentagonal_bipyramid():
    height = np.sqrt(1 - 1 / (4 * np.sin(np.pi / 5) ** 2))
    positions, motif = bipyramid(5, 3.0 * height)
    shape = distortion(positions, motif)
    assert shape.alpha_over_gamma == pytest.approx(2 * height)
    assert shape.alpha_over_gamma == pytest.approx(1.0515, abs=5e-5)
    assert shape.beta == pytest.approx(3.0)
    assert shape.gamma == pytest.approx(3.0)
    assert shape.theta == pytest.approx(0, abs=1e-6)  # arccos loses half the digits at zero, arctan does not
    assert (shape.alpha.shape, shape.beta.shape, shape.gamma.shape) == ((1,), (1, 10), (1, 5))


@pytest.mark.parametrize("n", [4, 5, 6])
def test_a_shifted_cap_tilts_the_axis(n):
    positions, motif = bipyramid(n, 1.5, shift=(0.3, -0.4))
    shape = distortion(positions, motif)
    assert shape.theta == pytest.approx(np.degrees(np.arctan(0.5 / 3.0)))
    assert shape.alpha == pytest.approx(np.hypot(0.5, 3.0))


def test_bonds_in_the_order_of_the_atoms():
    positions, motif = bipyramid(5, 1.5)
    positions += np.random.default_rng(0).normal(0, 0.2, positions.shape)
    shape = distortion(positions, motif)
    for k in range(5):
        assert shape.beta[0, k] == pytest.approx(np.linalg.norm(positions[0] - positions[2 + k]))
        assert shape.beta[0, 5 + k] == pytest.approx(np.linalg.norm(positions[1] - positions[2 + k]))
        assert shape.gamma[0, k] == pytest.approx(np.linalg.norm(positions[2 + k] - positions[2 + (k + 1) % 5]))


def test_rotation_translation_and_box():
    positions, motif = bipyramid(5, 1.5, shift=(0.3, 0.1))
    random = np.random.default_rng(1)
    positions += random.normal(0, 0.1, positions.shape)
    expected = distortion(positions, motif)
    turned = Rotation.random(rng=random).apply(positions) + 40
    for other in (distortion(turned, motif), distortion(turned % 11.0, motif, box=11.0)):
        for name in ("alpha", "beta", "gamma", "theta"):
            assert getattr(other, name) == pytest.approx(getattr(expected, name), rel=1e-9)


@pytest.mark.parametrize("n", [4, 5, 6, 8])
@pytest.mark.parametrize("box", [None, np.array([11.0, 12.0, 13.0])])
def test_equals_the_plain_version(n, box):
    """Bonds are the same numbers; the tilt agrees to the rounding of two ways to find an axis, far from round rings."""
    random = np.random.default_rng(n)
    positions = random.uniform(-20, 30, (60, 3)) if box is not None else random.uniform(0, 10, (60, 3))
    atoms = np.array([random.permutation(60)[: n + 2] for _ in range(600)])
    motif = Bipyramids(np.zeros((600, n), int), atoms[:, :2], atoms[:, 2:])
    vectors = nearest_image(positions[atoms] - positions[atoms[:, :1]], box)
    axis, ring = vectors[:, 1], vectors[:, 2:]
    spread = ring - ring.mean(axis=1, keepdims=True)
    values, axes = np.linalg.eigh(np.einsum("kia,kib->kab", spread, spread))
    normal = axes[:, :, 0]
    clear = values[:, 1] - values[:, 0] > 1e-3 * values[:, 2]
    tilt = np.arctan2(np.linalg.norm(np.cross(axis, normal), axis=1), np.abs((axis * normal).sum(axis=1)))
    found = distortion(positions, motif, box)
    np.testing.assert_array_equal(found.alpha, np.linalg.norm(axis, axis=1))
    np.testing.assert_array_equal(found.beta[:, n:], np.linalg.norm(ring - axis[:, None], axis=2))
    np.testing.assert_array_equal(found.gamma, np.linalg.norm(ring - np.roll(ring, -1, axis=1), axis=2))
    assert clear.mean() > 0.9
    np.testing.assert_allclose(found.theta[clear], np.degrees(tilt)[clear], rtol=0, atol=1e-9)


def test_atoms_that_are_not_there_are_refused():
    positions, motif = bipyramid(5, 1.5)
    for ring, words in ((motif.ring + 1, "refer to atom 7"), (motif.ring - 3, "index -1")):
        with pytest.raises(ValueError, match=words):
            distortion(positions, Bipyramids(motif.tetrahedra, motif.caps, ring))


def test_averages_of_equal_bipyramids_agree():
    """All ways give the same where all bipyramids are alike; the peak is found to a fifth of a bin of its histogram."""
    height = np.sqrt(1 - 1 / (4 * np.sin(np.pi / 5) ** 2))
    positions, motif = bipyramid(5, 3.0 * height)
    many = np.concatenate([positions + [20.0 * k, 0, 0] for k in range(40)])
    rows = 7 * np.arange(40)[:, None]
    motif = Bipyramids(np.zeros((40, 5), int), rows + motif.caps, rows + motif.ring)
    found = distortion(many, motif).averages()
    found.pop("most_frequent")  # one bin is no peak to fit
    assert len(found) == 4
    for alpha, beta in found.values():
        assert (alpha, beta) == pytest.approx((2 * height, 1.0))


def test_averages_of_scattered_bipyramids():
    positions, motif = bipyramid(5, 1.6)
    rng = np.random.default_rng(1)
    many = np.concatenate([positions + rng.normal(0, 0.1, positions.shape) for _ in range(400)])
    rows = 7 * np.arange(400)[:, None]
    shape = distortion(many, Bipyramids(np.zeros((400, 5), int), rows + motif.caps, rows + motif.ring))
    found = shape.averages()
    assert found["median"] == (np.median(shape.alpha_over_gamma), np.median(shape.beta_over_gamma))
    assert found["mean_over_mean"] == (
        shape.alpha.mean() / shape.gamma.mean(),
        shape.beta.mean() / shape.gamma.mean(),
    )
    middles = np.median(shape.gamma, axis=1)
    assert found["over_median_ring"][1] == pytest.approx((shape.beta / middles[:, None]).mean())
    assert found["most_frequent"] == pytest.approx(found["median"], abs=0.02)  # a bin and a half


def test_tilt_from_errors_of_position():
    """Small errors tilt in proportion, larger ones more; a larger bipyramid tilts less by the same error."""
    small, double, large = noise_tilt(3.0, 0.02), noise_tilt(3.0, 0.04), noise_tilt(6.0, 0.04)
    assert double == pytest.approx(2 * small, rel=0.01)
    assert large == pytest.approx(small, rel=1e-6)
    with pytest.raises(ValueError, match="precision"):
        noise_tilt(3.0, 0.0)


def test_nothing_in_nothing_out():
    shape = distortion(np.zeros((1, 3)), find_motifs(np.empty((0, 4), int)).fold[5])
    assert (shape.beta.shape, shape.gamma.shape, len(shape.theta)) == ((0, 10), (0, 5), 0)


@pytest.mark.parametrize(("name", "cutoff", "theta"), [("Ta", 4.12, 10.06), ("Pd1", 3.90, 10.66), ("Pd2", 3.91, 10.91)])
def test_published_models(name, cutoff, theta, published):
    positions = published(name).model().positions
    disordered = ~find_nuclei(positions, bond_order(positions, cutoff).normalised)
    rows = find_tetrahedra(positions, cutoff)
    five = find_motifs(rows).select(disordered_tetrahedra(rows, disordered)).fold[5]
    shape = distortion(positions, five)
    assert shape.theta.mean() == pytest.approx(theta, abs=0.005)
    assert shape.alpha_over_gamma.mean() == pytest.approx(1.0255, abs=0.0005)
    assert np.median(shape.beta_over_gamma) == pytest.approx(0.982, abs=0.001)


def test_bad_input():
    positions, motif = bipyramid(5, 1.5)
    with pytest.raises(TypeError, match=r"such as motifs.fold\[5\]"):
        distortion(positions, motif.ring)
    with pytest.raises(ValueError, match="refer to atom 6 but positions holds 6"):
        distortion(positions[:6], motif)
