"""Whatever frames, images and options are given: a right answer or an error of ours."""

from __future__ import annotations

import numpy as np
from fuzzing import answer, fuzz, numbers, spoilt
from hypothesis import given
from hypothesis import strategies as st

from helpers import TiltSeries, imaging

_RNG = np.random.default_rng(0)
_X, _Y = np.mgrid[-12:12, -10:10]
ANGLES = np.array([-50.0, -20.0, 0.0, 25.0, 60.0])
BLOBS = np.stack([80 * np.exp(-((_X - m) ** 2 + _Y**2) / 18) for m in (-1.5, 0.5, 0.0, 1.0, -0.5)])
IMAGES = _RNG.poisson(BLOBS + 6) + _RNG.normal(0, 0.5, BLOBS.shape)
CLEAN = BLOBS
FRAMES = _RNG.poisson(np.repeat(BLOBS[:3, None], 3, axis=1) + 6).astype(float)
NAMES = ["cosine", "gaussian", "nlm", "frames", "detail", "none", "", 3, None]


def pairs():
    return st.one_of(st.just((2.0, 1.0)), st.tuples(numbers(2.0, 0.5), numbers(1.0)), numbers(2.0), st.none())


def series(images, angles, pixel_size):
    made = answer(TiltSeries, images, angles, pixel_size)
    return None if made is None else made


@fuzz(15)
@given(spoilt(FRAMES), numbers(20, 400), spoilt(np.zeros((3, 3, 2))), st.sampled_from([0, 1, 2, -1, None, "x", 1.0]))
def test_fuzz_drift(frames, crop, drift, axis):
    found = answer(imaging.measure_drift, frames, crop=crop)
    if found is not None:
        np.testing.assert_allclose(found.sum(axis=-2), 0, atol=1e-6 * max(1.0, np.abs(found).max()))
    answer(imaging.correct_drift, frames, slow_axis=axis, crop=crop)
    answer(imaging.correct_drift, frames, drift=drift)


@fuzz(10)
@given(spoilt(FRAMES), spoilt(ANGLES[:3]), numbers(0.4), pairs())
def test_fuzz_preprocess(frames, angles, pixel_size, noise):
    answer(imaging.preprocess, frames, angles, pixel_size, noise=noise)


@fuzz(15)
@given(spoilt(IMAGES), spoilt(IMAGES[0]), pairs(), numbers(1.0), st.sampled_from(NAMES), numbers(8, 2), numbers(2, 1.0))
def test_fuzz_denoising(images, one, noise, strength, method, size, other):
    answer(imaging.denoise, images, method, noise=noise, strength=strength)
    answer(imaging.denoise, one, "cosine", block=size, step=other)
    answer(imaging.denoise, one, "gaussian", width=other)
    answer(imaging.denoise, one, "nlm", patch=size, reach=other, smooth=strength)
    answer(imaging.restore, images, noise)
    answer(imaging.stabilise, images, noise)


@fuzz(8)
@given(spoilt(CLEAN[0]), pairs(), st.sampled_from(["cosine", "gaussian"]))
def test_fuzz_tuning(clean, noise, method):
    grid = {"strength": (0.8, 1.2)} if method == "cosine" else {"width": (0.5, 1.0)}
    answer(imaging.tune_denoising, clean, noise, method=method, grid=grid, nan=["score"])


@fuzz(15)
@given(spoilt(IMAGES), st.sampled_from(NAMES), numbers(60, 10))
def test_fuzz_noise(images, method, bins):
    answer(imaging.estimate_noise, images, method=method, bins=bins)
    answer(imaging.noise_curve, images, bins=bins)
    answer(imaging.Noise(2.0, 1.0).averaged, bins)


@fuzz(15)
@given(spoilt(IMAGES), numbers(4.0, 0.0), numbers(2.0), spoilt(CLEAN > 10), st.booleans())
def test_fuzz_background(images, margin, smooth, mask, outside):
    answer(imaging.find_mask, images, margin=margin, smooth=smooth)
    answer(imaging.estimate_background, images, margin=margin, smooth=smooth)
    answer(imaging.subtract_background, images, mask=mask, smooth=smooth, outside=outside)


@fuzz(15)
@given(spoilt(CLEAN), spoilt(ANGLES), numbers(0.4), numbers(0, 1), numbers(0.05), spoilt(np.array([12.0, 10.0, 4.0])))
def test_fuzz_alignment(images, angles, pixel_size, rounds, tolerance, marker):
    given_series = series(images, angles, pixel_size)
    if given_series is None:
        return
    answer(imaging.align, given_series, rounds=rounds, tolerance=tolerance)
    answer(imaging.align, given_series, film=True, marker=marker, iterations=rounds)
    answer(imaging.align, given_series, reference=images)
    answer(imaging.crop_to_sample, given_series, margin=tolerance)


@fuzz(15)
@given(spoilt(CLEAN), spoilt(ANGLES), spoilt(np.zeros((5, 2))), numbers(0.0))
def test_fuzz_invariants_and_moves(images, start, shifts, fill):
    answer(imaging.centre_of_mass, images)
    answer(imaging.common_line, images, start=start)
    answer(imaging.move, images, shifts, fill=fill)
    answer(imaging.find_outliers, images, factor=fill)
    answer(imaging.mend_outliers, images, factor=3.0)


@fuzz(15)
@given(spoilt(IMAGES[0]), spoilt(IMAGES[1]), spoilt(np.ones((24, 11))), st.sampled_from(NAMES))
def test_fuzz_registration(first, second, weight, window):
    answer(imaging.find_shift, first, second)
    answer(imaging.find_shift, IMAGES[0], second, weight=weight, window=window)


@fuzz(15)
@given(spoilt(IMAGES), numbers(0.4), st.booleans(), numbers(0.05), numbers(1.2), pairs(), numbers(1.0))
def test_fuzz_spectra(images, pixel_size, square, low, high, noise, smooth):
    found = answer(imaging.power_spectrum, images, pixel_size, square=square)
    if found is not None:
        answer(imaging.find_halo, found, low=low, high=high)
    answer(imaging.stability, images, noise=noise, smooth=smooth)
