import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import raw

from helpers.imaging import Noise, estimate_noise, noise_curve


@pytest.mark.parametrize("method", ["frames", "detail"])
@pytest.mark.parametrize(("gaussian", "gain"), [(4.0, 1.5), (12.0, 1.5), (8.0, 0.7)])
def test_both_parts_are_found_within_ten_per_cent(method, gaussian, gain):
    series = raw(gaussian=gaussian, gain=gain, background=0.1)
    found = estimate_noise(series.frames, method=method)
    np.testing.assert_allclose(found, (gaussian, gain), rtol=0.1)


@settings(max_examples=8, deadline=None)
@given(st.floats(1.0, 20.0), st.floats(0.3, 4.0), st.integers(0, 1000))
def test_one_smooth_image_is_enough(gaussian, poisson, seed):
    """A ramp from 0 to 40 times the read-out noise's own variance in electrons shows both parts."""
    rng = np.random.default_rng(seed)
    top = 8 * gaussian**2 / poisson
    mean = np.linspace(0, top, 512)[:, None] * np.ones(512)
    image = poisson * rng.poisson(mean / poisson) + rng.normal(0, gaussian, mean.shape)
    found = estimate_noise(image)
    np.testing.assert_allclose(found, (gaussian, poisson), rtol=0.1)


@pytest.mark.parametrize(("gaussian", "poisson"), [(5.0, 0.0), (0.0, 2.0)])
def test_a_part_that_is_not_there_is_small(gaussian, poisson):
    rng = np.random.default_rng(0)
    mean = 20 + 100 * (1 + np.sin(np.arange(400) / 30))[:, None] * np.ones(400)
    image = (poisson * rng.poisson(mean / poisson) if poisson else mean) + rng.normal(0, gaussian or 1e-9, mean.shape)
    found = estimate_noise(image)
    # variances are found to about 1 %, so a missing part is below 1 % of the other one's variance
    assert found.poisson * mean.mean() < 0.05 * gaussian**2 or poisson
    assert found.gaussian**2 < 0.05 * poisson * mean.mean() or gaussian


def test_scaling_the_counts_scales_the_noise():
    frames = raw().frames[:4]
    one, three = estimate_noise(frames), estimate_noise(3 * frames)
    np.testing.assert_allclose(three, (3 * one.gaussian, 3 * one.poisson), rtol=1e-3)


def test_curve_rises_along_the_fitted_line():
    series = raw()
    mean, variance, count = noise_curve(series.frames)
    expected = series.truth.gaussian**2 + series.truth.poisson * mean
    assert (np.diff(mean) > 0).all()
    scatter = np.abs(variance / expected - 1) * np.sqrt(count / 2)
    assert np.median(scatter) < 2  # standard deviations


def test_averaging_frames_divides_both_parts():
    assert Noise(6.0, 1.8).averaged(9) == pytest.approx((2.0, 0.2))
    with pytest.raises(ValueError, match="frames=0; expected a positive whole number"):
        Noise(1.0, 1.0).averaged(0)
    assert Noise(3.0, 1.0).sigma(16.0) == pytest.approx(5.0)


def test_bad_input_is_explained():
    frames = raw().frames[:2]
    with pytest.raises(ValueError, match="needs two or more frames"):
        estimate_noise(frames[0, 0], method="frames")
    with pytest.raises(ValueError, match="the image is constant"):
        estimate_noise(np.ones((32, 32)))
    with pytest.raises(ValueError, match="NaN"):
        estimate_noise(np.full((32, 32), np.nan))
    with pytest.raises(ValueError, match="method='eye'"):
        estimate_noise(frames, method="eye")
    with pytest.raises(ValueError, match="bins=1"):
        estimate_noise(frames, bins=1)
