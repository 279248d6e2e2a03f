"""Stuck pixels in frames and images: found whatever their height, never taken for atoms or for noise."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import raw
from said import nothing_said, of_kind

from helpers import TiltSeries
from helpers.imaging import (
    DoubtWarning,
    OutlierWarning,
    align,
    correct_drift,
    estimate_noise,
    find_outliers,
    measure_drift,
    mend_outliers,
    preprocess,
)
from helpers.imaging.outliers import _median


def rms(error):
    return float(np.sqrt((error**2).mean()))


@pytest.fixture(scope="module")
def clean():
    """Preprocessed images of the packing."""
    series = raw()
    return preprocess(series.frames, series.angles, series.pixel_size)


@pytest.mark.parametrize("height", [3, 16, 1e3, 1e6])
@pytest.mark.parametrize("where", [np.s_[..., 40, 50], np.s_[:, 1, 40, 50], np.s_[4, 2, 0, 91]])
def test_a_stuck_pixel_leaves_the_drift_as_it_was(height, where):
    series = raw()
    frames = series.frames.copy()
    frames[where] = height * frames.max()
    with pytest.warns(OutlierWarning) as caught:
        found = measure_drift(frames)
    assert [each.filename for each in of_kind(caught, OutlierWarning)] == [__file__]
    assert rms(found - series.truth.drifts) < 0.1  # as without it; unmended it is found at rest, 0.24
    np.testing.assert_allclose(found, measure_drift(series.frames), atol=0.01)


def test_the_warning_names_how_many_and_where(clean):
    frames = raw().frames.copy()
    frames[3:5, 1, 40, 50] = 1e5
    words = r"frames hold 2 pixels .*, the first at tilt 3, frame 1, pixel \(40, 50\) with the value 1e\+05; replaced"
    with pytest.warns(OutlierWarning, match=words):
        correct_drift(frames)
    images = clean.images.copy()
    images[7, 2, 3] = -1e5
    words = r"images hold 1 pixel that stands far out of .*, at image 7, pixel \(2, 3\) with the value -1e\+05"
    with pytest.warns(OutlierWarning, match=words):
        align(TiltSeries(images, clean.angles, 0.4))


@pytest.mark.parametrize("height", [16, 1e4])
def test_a_stuck_pixel_leaves_alignment_and_noise_as_they_were(height, clean):
    images = clean.images.copy()
    images[3, 40, 50] = height * images.max()
    with pytest.warns(OutlierWarning):
        found = align(TiltSeries(images, clean.angles, 0.4))
    # one pixel of 92² is another value; unmended the image moves by 24 px
    np.testing.assert_allclose(found.shifts, align(clean).shifts, atol=0.01)
    frames = raw().frames.copy()
    frames[..., 40, 50] = height * frames.max()
    with pytest.warns(OutlierWarning):
        np.testing.assert_allclose(estimate_noise(frames), estimate_noise(raw().frames), rtol=0.01)


@pytest.mark.parametrize("mean", [1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 1e3])
@pytest.mark.parametrize("size", [32, 128, 400])
def test_no_count_of_a_poisson_distribution_is_an_outlier(mean, size):
    images = np.random.default_rng(7).poisson(mean, (max(2, 10**6 // size**2), size, size))
    assert not find_outliers(images).any()


@pytest.mark.parametrize("dose", [1.0, 100.0, 8e3, 1e7])
@pytest.mark.parametrize("gaussian", [0.0, 4.0])
def test_no_atom_is_an_outlier(dose, gaussian):
    series = raw(dose=dose, gaussian=gaussian)
    assert not find_outliers(series.frames).any()
    assert not find_outliers(series.truth.images).any()


def test_neither_a_marker_nor_a_point_in_empty_space_is_an_outlier():
    x, y = np.mgrid[-50:50, -50:50]
    film = np.random.default_rng(0).normal(10, 1, x.shape)
    assert not find_outliers(film + 500 * (np.hypot(x - 20, y) < 3)).any()
    assert not find_outliers(100.0 * ((x == 3) & (y == 4))).any()
    assert not find_outliers(np.full((8, 8), 3.0)).any()


@settings(max_examples=60, deadline=None)
@given(st.floats(0.71, 6), st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 0.1))
def test_a_single_atom_in_empty_space_is_no_outlier(width, dx, dy, noise):
    """Nothing that a pixel resolves is narrower than 0.7 px, where the next pixel still has a third of the height."""
    x, y = np.mgrid[-30:30, -32:32]
    atom = np.exp(-((x - dx) ** 2 + (y - dy) ** 2) / (2 * width**2))
    assert not find_outliers(atom + np.random.default_rng(0).normal(0, noise, atom.shape)).any()


def test_groups_up_to_three_pixels_wide_are_mended_and_wider_ones_left():
    film = np.random.default_rng(0).normal(10, 1, (60, 50))
    small, wide = film.copy(), film.copy()
    small[20:23, 30:33] = 900
    wide[20:24, 30:34] = 900
    with pytest.warns(OutlierWarning, match="hold 9 pixels"):
        found = mend_outliers(small)
    assert abs(found[20:23, 30:33] - 10).max() < 2  # medians of up to sixteen pixels of standard deviation one
    np.testing.assert_array_equal(mend_outliers(wide), wide.astype(np.float32))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.05, 1e4), st.floats(12, 1e6), st.data())
def test_one_outlier_is_found_alone_wherever_it_lies(seed, mean, height, data):
    image = np.random.default_rng(seed).poisson(mean, (40, 36)).astype(np.float32)
    x, y = data.draw(st.integers(0, 39)), data.draw(st.integers(0, 35))
    image[x, y] = mean + height * (np.sqrt(mean) + 1) * 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = mend_outliers(image)
    assert np.argwhere(find_outliers(image)).tolist() == [[x, y]]
    assert found[x, y] <= image[image < image.max()].max()
    image[x, y] = found[x, y]
    np.testing.assert_array_equal(image, found)


def test_the_callers_images_stay_as_they_came():
    image = np.random.default_rng(0).normal(10, 1, (30, 30)).astype(np.float32)
    image[4, 4] = 1e4
    before = image.copy()
    with pytest.warns(OutlierWarning):
        mend_outliers(image)
    np.testing.assert_array_equal(image, before)
    with pytest.raises(ValueError, match="factor=1; expected a number above one"):
        find_outliers(image, factor=1)


def test_frames_that_a_fixed_pattern_holds_still_are_doubted():
    frames = raw().frames.copy()
    frames[..., 40, :] = 50 * frames.max()  # a bad line is wider than an outlier
    with pytest.warns(DoubtWarning, match=r"all frames agree best where they are, to 0\.005 px, though they differ"):
        measure_drift(frames)


def test_frames_without_anything_in_common_are_doubted():
    frames = np.random.default_rng(3).normal(size=(4, 3, 64, 64))
    with pytest.warns(DoubtWarning, match=r"frames of \d of 4 tilts were found up to .* px apart, nearly half"):
        measure_drift(frames)


def test_images_with_a_background_or_inverted_are_doubted(clean):
    images, angles = clean.images, clean.angles
    share = r"50% of the images' total lie evenly under them.*subtract it, or pass film=True"
    with pytest.warns(DoubtWarning, match=share):
        align(TiltSeries(images + images.mean(), angles, 0.4), rounds=0)
    with pytest.warns(DoubtWarning, match="brighter at both ends of x .* the contrast seems inverted"):
        align(TiltSeries(images.max() - images, angles, 0.4), rounds=0)
    unlike = images.copy()
    unlike[5] *= 3
    with pytest.warns(DoubtWarning, match=r"image 5 sums to 2\.9 of what most images sum to"):
        align(TiltSeries(unlike, angles, 0.4), rounds=0)


def test_an_image_far_from_the_others_is_doubted():
    """All in one corner: its centre of mass lies beyond four tenths of the field."""
    images = np.zeros((5, 40, 40), np.float32)
    images[:, 18:23, 17:22] = 1.0
    images[2] = 0
    images[2, 36:40, 36:40] = 25 / 16
    with pytest.warns(DoubtWarning, match="1 of 5 images were found 1. px or more from the middle.* at index 2"):
        align(TiltSeries(images, np.linspace(-40, 40, 5), 0.4), rounds=0)


def test_good_images_raise_no_doubt(clean):
    with nothing_said():
        align(clean)
        measure_drift(raw().frames)


@pytest.mark.parametrize("size", [1, 2, 9, 10, 4096])
@pytest.mark.parametrize("kind", ["counts", "densities"])
def test_the_median_is_that_of_numpy(size, kind):
    values = np.random.default_rng(size).normal(100.0, 30.0, (1, size)).astype(np.float32)
    values = values.round() if kind == "counts" else values  # of counts many are the same
    assert _median(values) == np.median(values)
    assert _median(values).dtype == np.float32


def test_nothing_is_beyond_a_factor_beyond_numbers():
    images = 1e7 * np.random.default_rng(0).poisson(3.0, (1, 16, 16))
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert not find_outliers(images, factor=1e300).any()
