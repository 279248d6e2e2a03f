"""Refinement on planted truth: weights, widths, positions, shifts and priors, and what it refuses."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose
from planted_atoms import planted

from helpers import TiltSeries, Volume
from helpers.atoms import refine, simulate_images
from helpers.atoms._likelihood import Likelihood, State
from helpers.atoms._preparing import prepare_fit
from helpers.atoms.refinement import known_fit
from helpers.checks import UnknownName
from helpers.geometry.rotations import origin_shifts
from helpers.imaging import Noise

ANGLES = np.linspace(-70, 70, 21)
SHAPE, PIXEL = (56, 50), 0.4
H, B = 0.3, 5.0


@cache
def clean(level=2.0):
    return level + simulate_images(planted(), ANGLES, SHAPE, PIXEL, "Ta", H, B)


def counts(seed=0, images=None):
    images = clean() if images is None else images
    return TiltSeries(np.random.default_rng(seed).poisson(images), ANGLES, PIXEL)


def displaced(amount=0.15, seed=5):
    return planted() + np.random.default_rng(seed).normal(0, amount, planted().shape)


def rms(found, truth=None):
    truth = planted() if truth is None else truth
    return float(np.sqrt(((found - truth) ** 2).sum(axis=1).mean()))


@pytest.mark.parametrize("background", ["tilt", "series", "slopes"])
def test_all_is_found_again_without_noise(background):
    series = TiltSeries(clean(), ANGLES, PIXEL)
    found = refine(displaced(), series, "Ta", noise="poisson", background=background, tolerance=1e-7)
    assert rms(found.positions) < 1e-3  # converged to a thousandth of a voxel; the start was 0.26 Å off
    assert_allclose(found.H, H, rtol=1e-3)
    assert_allclose(found.B, B, rtol=1e-3)
    assert_allclose(found.background[:, 0], 2.0, atol=1e-2)
    assert found.converged and found.r_factor[-1] < 0.01 < found.r_factor[0]
    assert_allclose(found.images + found.residual, series.images, rtol=1e-5)


def test_weight_and_width_within_one_per_cent_of_noisy_images():
    found = refine(displaced(), counts(), "Ta")
    assert_allclose(found.H, H, rtol=0.01)
    assert_allclose(found.B, B, rtol=0.01)
    assert rms(found.positions) < 0.09  # own information gives 0.066 Å, overlapping atoms add to it
    assert found.noise.poisson == pytest.approx(1.0, abs=0.15)


def test_both_kinds_of_noise_and_gaussian_alone():
    rng = np.random.default_rng(1)
    mixed = 2.0 * rng.poisson(clean() / 2) + rng.normal(0, 3, clean().shape)
    for noise in (Noise(3.0, 2.0), "gaussian", None):
        found = refine(displaced(), TiltSeries(mixed, ANGLES, PIXEL), "Ta", noise=noise)
        assert rms(found.positions) < 0.16  # the variance is four times that of the counts above
        assert_allclose(found.B, B, rtol=0.03)


def test_weights_per_atom_tell_false_atoms_and_halves():
    atoms = planted()
    false = np.vstack([displaced(0.1), [[9.0, 0, 0], [0, 8.5, 2.0]]])
    weights = np.where(np.arange(len(atoms)) < 5, 0.5 * H, H)
    images = 2 + simulate_images(atoms, ANGLES, SHAPE, PIXEL, "Ta", weights, B)
    found = refine(false, counts(images=images), "Ta", noise="poisson", per_atom=["H"])
    assert_allclose(found.H[:5].mean(), 0.5 * H, rtol=0.1)
    assert found.H[5:40].min() > 0.8 * H > 0.2 * H > found.H[40:].max()
    assert (found.H >= 0).all()


def test_widths_per_atom():
    widths = np.where(np.arange(len(planted())) % 2, 4.0, 7.0)
    images = 2 + simulate_images(planted(), ANGLES, SHAPE, PIXEL, "Ta", H * (B / widths) ** 1.5, widths)
    series = TiltSeries(images, ANGLES, PIXEL)
    found = refine(planted(), series, "Ta", noise="poisson", per_atom=["B"], tolerance=1e-6, iterations=200)
    assert_allclose(found.B, widths, rtol=0.02)


def test_shifts_come_back_but_for_the_origin():
    true = np.random.default_rng(2).normal(0, 0.6, (len(ANGLES), 2))
    one = [
        simulate_images(planted() + PIXEL * _in_space(angle, shift), [angle], SHAPE, PIXEL, "Ta", H, B)[0]
        for angle, shift in zip(ANGLES, true, strict=True)
    ]
    series = counts(images=2 + np.array(one))
    found = refine(displaced(0.1), series, "Ta", noise="poisson", shifts=True)
    error = found.shifts - true
    error -= origin_shifts(error, ANGLES)
    assert (
        np.sqrt((error**2).mean()) < 0.08
    )  # px, from 0.6; the noise of the atoms' positions alone is 0.1 px, shared by 40
    assert_allclose(origin_shifts(found.shifts, ANGLES), 0, atol=1e-9)
    without = refine(displaced(0.1), series, "Ta", noise="poisson")
    assert found.log_likelihood > without.log_likelihood + 100


def _in_space(angle, shift):
    """A displacement whose image at that angle is the shift."""
    c, s = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.array([c * shift[0], shift[1], -s * shift[0]])


def test_a_prior_holds_and_cross_validation_chooses():
    start = displaced(0.1)
    free, held = (refine(start, counts(), "Ta", noise="poisson", prior=p) for p in (0.0, 1e4))
    assert np.abs(held.positions - start).max() < 0.005 < np.abs(free.positions - start).max()
    chosen = refine(displaced(0.3), counts(), "Ta", noise="poisson", prior="cv")
    assert chosen.prior <= 0.1  # a start as far off as this deserves next to no trust
    faithful = refine(planted(), TiltSeries(clean() + 40, ANGLES, PIXEL), "Ta", noise=Noise(60.0, 0.0), prior=0.3)
    assert rms(faithful.positions) < 0.02


def test_limits_of_the_move():
    start = displaced(0.3)
    found = refine(start, counts(), "Ta", noise="poisson", max_move=0.1)
    assert np.abs(found.positions - start).max() <= 0.1 + 1e-9


def test_what_is_fixed_stays():
    found = refine(displaced(), counts(), "Ta", noise="poisson", fixed=["positions"], background="none", level=2.0)
    assert_allclose(found.positions, displaced())
    assert_allclose(found.background[:, 0], 2.0)
    found = refine(planted(), counts(), "Ta", H=H, B=B, noise="poisson", fixed=["H", "B"])
    assert_allclose(found.H, H)
    assert_allclose(found.B, B)


def test_an_outer_volume_is_told_apart():
    atoms = planted()
    inner, outside = np.abs(atoms[:, 0]) < 4, np.abs(atoms[:, 0]) >= 4
    images = simulate_images(atoms[outside], ANGLES, SHAPE, PIXEL, "Ta", H, B)
    found = refine(displaced()[inner], counts(), "Ta", noise="poisson", outer=images)
    assert rms(found.positions, atoms[inner]) < 0.09  # as without the other half
    nothing = Volume(np.zeros((*SHAPE, 30), np.float32), PIXEL)
    same = refine(displaced(), counts(), "Ta", noise="poisson", outer=nothing)
    assert_allclose(same.positions, refine(displaced(), counts(), "Ta", noise="poisson").positions, atol=1e-4)


def test_a_free_profile_mends_a_wrong_one():
    images = 2 + sum(
        simulate_images(planted(), ANGLES, SHAPE, PIXEL, "Ta", h, b) for h, b in ((0.2, 5.0), (0.03, 14.0))
    )
    series = counts(images=images)
    one, free = (refine(displaced(0.1), series, "Ta", noise="poisson", profile=p) for p in ("gaussian", "free"))
    assert free.log_likelihood > one.log_likelihood + 20
    assert rms(free.positions) < 1.05 * rms(one.positions)


def test_a_free_profile_stands_beside_what_lies_outside():
    extra = np.full(clean().shape, 3.0, np.float32)
    options = {"noise": Noise(2.0, 0.0), "profile": "free"}
    one = refine(displaced(0.1), counts(), "Ta", **options)
    two = refine(displaced(0.1), counts(images=clean() + 0), "Ta", outer=extra, **options)
    assert_allclose(two.positions, one.positions, atol=1e-3)  # a constant is a part of the background
    assert_allclose(two.background[:, 0] + 3, one.background[:, 0], atol=1e-3)


def test_atoms_that_are_known_are_known_in_one_way():
    moved = counts().images.copy()
    moved[::4] = np.roll(moved[::4], 1, axis=2)
    series = TiltSeries(moved, ANGLES, PIXEL)
    fit = refine(displaced(), series, "Ta", noise="poisson", background="slopes", shifts=True)
    likelihood, state = known_fit(fit, series, "Ta")
    for name, value in (("positions", fit.positions), ("H", fit.H), ("B", fit.B), ("shifts", fit.shifts)):
        assert_allclose(getattr(state, name), value)
    assert_allclose(state.ground, fit.background)
    assert likelihood.noise == fit.noise
    assert_allclose(likelihood.expected(state), fit.images, rtol=1e-4)  # on a grid with another margin
    # what is given goes before what is known, and what nobody gives is fitted
    _, other = known_fit(fit, series, "Ta", H=2 * H, level=1.0, noise=Noise(0.0, 1.5))
    assert_allclose(other.H, 2 * H)
    assert_allclose(other.ground, np.tile([1.0, 0, 0], (len(ANGLES), 1)))
    _, bare = known_fit(planted(), counts(), "Ta", noise="poisson")
    assert_allclose(bare.H, H, rtol=0.02)
    assert_allclose(bare.ground[:, 0], 2.0, atol=0.15)
    assert bare.shifts is None


def test_information_equals_differences():
    atoms = planted()[:6]
    series = TiltSeries(clean()[:3], ANGLES[:3], PIXEL)
    likelihood, state = prepare_fit(atoms, series, "Ta", H, B, noise="poisson", level=2.0)
    expected = likelihood.expected(state)
    weights = likelihood.inverse_variance(expected).astype(float)
    found = likelihood.information(state)

    def images(moved):
        return Likelihood(likelihood.model, series.images, likelihood.noise, likelihood.extra).expected(moved)

    for n in (0, 3):
        columns = []
        for k, step in enumerate((0.02, 0.02, 0.02, 0.01, 0.05)):
            ends = []
            for sign in (1, -1):
                r, h, b = atoms.copy(), state.H.copy(), state.B.copy()
                (r[n], h, b)[max(0, k - 2)][k if k < 3 else n] += sign * step
                ends.append(images(State(r, h, b, state.ground)).astype(float))
            columns.append((ends[0] - ends[1]) / (2 * step))
        matrix = np.einsum("atij,btij,tij->ab", columns, columns, weights)
        scale = np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))
        # cubic interpolation of the filtered weights between pixels
        assert_allclose(found[n] / scale, matrix / scale, atol=0.01)


def test_the_published_glass_of_silicon(published):
    from helpers.atoms import compare

    sample = published("aSi208", "tilt_series")
    truth = sample.model("truth").positions
    start = truth + np.random.default_rng(0).normal(0, 0.1, truth.shape)
    found = refine(start, sample.tilt_series(), "Si")
    assert compare(found.positions, truth).rmsd < 0.098  # authors 0.173, bound 0.093 Å
    assert found.background[:, 0].mean() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"positions": np.empty((0, 3))}, ValueError, "0 atoms"),
        ({"positions": np.full((2, 3), 500.0)}, ValueError, "all 2 atoms lie outside"),
        ({"element": "Xx"}, UnknownName, "no scattering factor"),
        ({"noise": "shot"}, ValueError, "noise='shot'; expected one of"),
        ({"noise": (0, 0)}, ValueError, "not both 0"),
        ({"background": "flat"}, ValueError, "background='flat'"),
        ({"per_atom": ["Z"]}, ValueError, "per_atom='Z'"),
        ({"prior": -1}, ValueError, 'prior=-1; expected "cv"'),
        ({"iterations": 0}, ValueError, "iterations=0"),
        ({"max_move": 0}, ValueError, "max_move=0"),
        ({"B": 0.1}, ValueError, "narrower than pixels"),
        ({"outer": np.zeros((3, 3))}, ValueError, r"outer has shape \(3, 3\)"),
        ({"outer": Volume(np.zeros((9, 9, 9)), 0.7)}, ValueError, "voxels of 0.7 Å"),
        ({"tilt_series": np.zeros((2, 3, 4))}, TypeError, "got ndarray; expected helpers.TiltSeries"),
    ],
)
def test_refuses(change, error, words):
    good = {"positions": planted(), "tilt_series": counts(), "element": "Ta", "noise": "poisson"}
    with pytest.raises(error, match=words):
        refine(**{**good, **change})


def test_refuses_negative_counts_and_images_without_signal():
    with pytest.raises(ValueError, match="which no Poisson variable does"):
        refine(planted(), TiltSeries(clean() - 5, ANGLES, PIXEL), "Ta", noise="poisson")
    with pytest.raises(ValueError, match="below zero; take a constant offset off"):
        refine(planted(), TiltSeries(clean() - 30, ANGLES, PIXEL), "Ta", noise=Noise(1.0, 1.0))
    with pytest.raises(ValueError, match="that was given, 50 counts on average, is larger than the images, 3.7"):
        refine(planted(), counts(), "Ta", noise="poisson", background="none", level=50.0)
    with pytest.raises(ValueError, match="that was given, 99 counts on average, is larger than the images, 3.7"):
        refine(planted(), counts(), "Ta", noise="poisson", background="none", outer=np.full(clean().shape, 99.0))
    with pytest.raises(ValueError, match="show no signal where the atoms are"):
        refine(planted(), TiltSeries(60 - clean(), ANGLES, PIXEL), "Ta", noise=Noise(3.0, 0.0))
