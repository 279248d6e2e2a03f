import numpy as np
import pytest
from planted import packing, raw

from helpers.imaging import Spectrum, find_halo, power_spectrum, stability
from helpers.simulation import acquire


def test_a_wave_appears_at_its_frequency():
    x, y = np.mgrid[:120, :90] * 0.5
    wave = np.sin(2 * np.pi * (0.3 * x + 0.4 * y))
    spectrum = power_spectrum(wave, 0.5)
    top = np.unravel_index(spectrum.image.argmax(), spectrum.image.shape)
    assert (abs(spectrum.q_x[top[0]]), abs(spectrum.q_y[top[1]])) == pytest.approx((0.3, 0.4))
    assert spectrum.q[spectrum.radial.argmax()] == pytest.approx(0.5)


def test_white_noise_has_its_variance_at_every_frequency():
    noise = np.random.default_rng(0).normal(0, 3, (40, 64, 64))
    spectrum = power_spectrum(noise, 1.0)
    np.testing.assert_allclose(spectrum.radial[6:], 9, rtol=0.1)  # 40 × 2 π 6 samples and more in a ring


def test_halo_is_found_where_it_is():
    q = np.linspace(0, 1, 101)
    radial = np.exp(8 - 9 * q) * (1 + 2 * np.exp(-(((q - 0.43) / 0.04) ** 2)))
    halo = find_halo(Spectrum(np.zeros((1, 1)), q, q, q, radial))
    assert halo.q == pytest.approx(0.43, abs=0.01)
    assert halo.width == pytest.approx(2 * np.sqrt(np.log(2)) * 0.04, abs=0.02)


def test_no_halo_is_said():
    q = np.linspace(0, 1, 101)
    flat = Spectrum(np.zeros((1, 1)), q, q, q, np.exp(-5 * q))
    with pytest.raises(ValueError, match="no ring stands out"):
        find_halo(flat)
    with pytest.raises(ValueError, match="rings lie between"):
        find_halo(flat, low=0.3, high=0.32)


def test_unchanged_sample_correlates_and_another_does_not():
    truth = raw().truth
    noise = (truth.gaussian, truth.poisson)
    still = {"angle_error": 0.0, "drift": 0.0, "unevenness": 0.0, "seed": 2}
    same = acquire(packing(), np.zeros(3), shape=92, **still)
    table = stability(same.frames[:, 0], noise=noise)
    np.testing.assert_allclose(table, 1, atol=0.03)
    np.testing.assert_array_equal(table, table.T)
    mixed = stability(raw().frames[[0, 6, 12], 0])
    assert mixed[0, 1] < table[0, 1]


def test_bad_input_is_explained():
    with pytest.raises(ValueError, match="expected two or more"):
        stability(raw().frames[0, :1])
    with pytest.raises(ValueError, match="pixel_size=0"):
        power_spectrum(raw().frames[0], 0)
    with pytest.raises(ValueError, match="constant"):
        power_spectrum(np.zeros((16, 16)), 0.4)
