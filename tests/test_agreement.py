"""R factors and correlations: equal, opposite, unrelated, and known mixtures."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import Volume
from helpers.agreement import correlation, plane_correlation, r_factor, shell_correlation

RNG = np.random.default_rng(3)
NOISE = RNG.normal(size=(25, 18, 21))


def test_equal_opposite_and_unrelated():
    assert correlation(NOISE, 3 * NOISE - 1) == pytest.approx(1)
    assert correlation(NOISE, -NOISE) == pytest.approx(-1)
    assert abs(correlation(NOISE, RNG.normal(size=NOISE.shape))) < 4 / np.sqrt(NOISE.size)
    assert np.isnan(correlation(NOISE, np.ones_like(NOISE)))


def test_it_equals_numpy():
    other = NOISE + RNG.normal(size=NOISE.shape)
    assert correlation(NOISE, other) == pytest.approx(np.corrcoef(NOISE.ravel(), other.ravel())[0, 1])
    for axis in range(3):
        first = np.corrcoef(np.take(NOISE, 4, axis).ravel(), np.take(other, 4, axis).ravel())[0, 1]
        assert plane_correlation(NOISE, other, axis=axis)[4] == pytest.approx(first)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_known_mixture_has_the_same_correlation_in_every_shell(share):
    a, b, common = (RNG.normal(size=(40, 36, 38)) for _ in range(3))
    first, second = (np.sqrt(share) * common + np.sqrt(1 - share) * own for own in (a, b))
    found = shell_correlation(first, second, voxel_size=1.0, window=False)
    many = found.count > 500
    error = (found.correlation - share)[many] * np.sqrt(found.count[many])
    assert np.abs(error).max() < 5 * np.sqrt(2)  # half the coefficients are independent


def test_shells_are_in_physical_units():
    found = shell_correlation(Volume(NOISE, 0.4), Volume(NOISE, 0.4))
    assert found.frequency[-1] == pytest.approx(0.5 / 0.4, rel=0.05)
    np.testing.assert_allclose(found.correlation, 1)


def test_resolution_is_where_it_falls_through_one_half():
    k = np.sqrt(sum(np.meshgrid(*(np.fft.fftfreq(n) ** 2 for n in (40, 40, 40)), indexing="ij")))
    common, a, b = (np.fft.fftn(RNG.normal(size=k.shape)) for _ in range(3))
    mix = k < 0.25  # equal up to this frequency, unrelated beyond
    first, second = (np.fft.ifftn(np.where(mix, common, own)).real for own in (a, b))
    found = shell_correlation(first, second, voxel_size=0.5, window=False).resolution()
    assert found == pytest.approx(0.5 / 0.25, rel=0.06)  # shells are 1/40 wide


def test_constant_planes_are_undefined():
    flat = NOISE.copy()
    flat[3] = 1.0
    assert np.isnan(plane_correlation(flat, NOISE)[3])


def test_images_correlate_as_volumes_do():
    other = NOISE[0] + RNG.normal(size=NOISE[0].shape)
    assert correlation(NOISE[0], other) == pytest.approx(np.corrcoef(NOISE[0].ravel(), other.ravel())[0, 1])


def test_r_is_the_mean_over_tilts_not_over_pixels():
    measured = np.stack([np.full((3, 4), 1.0), np.full((3, 4), 100.0)])
    calculated = measured.copy()
    calculated[0] += 0.5  # half of the weak image, none of the strong one
    assert r_factor(calculated, measured) == 0.25
    assert r_factor(np.zeros_like(measured), measured) == 1.0
    assert r_factor(measured, measured) == 0.0
    with pytest.raises(ValueError, match=r"calculated has shape \(1, 3, 4\), measured \(2, 3, 4\); expected the same"):
        r_factor(calculated[:1], measured)


@pytest.mark.parametrize("function", [correlation, plane_correlation, shell_correlation])
def test_shapes_and_sizes_must_agree(function):
    with pytest.raises(ValueError, match=r"first has shape \(25, 18, 21\), second \(24, 18, 21\); expected the same"):
        function(NOISE, NOISE[1:])
    with pytest.raises(ValueError, match=r"voxel sizes are 0\.4 and 0\.5 Å; expected the same"):
        function(Volume(NOISE, 0.4), Volume(NOISE, 0.5))


def test_what_volumes_need_is_explained():
    with pytest.raises(ValueError, match=r"volumes have shape \(18, 21\); expected \(x, y, z\)"):
        plane_correlation(NOISE[0], NOISE[0])
    with pytest.raises(ValueError, match="axis=3; expected 0"):
        plane_correlation(NOISE, NOISE, axis=3)
    with pytest.raises(ValueError, match="no voxel size; pass voxel_size="):
        shell_correlation(NOISE, NOISE)


def test_images_of_another_scale_are_refused():
    with pytest.raises(ValueError, match="R is beyond any number; expected images of one scale"):
        r_factor(np.full((1, 2, 2), 1e300), np.full((1, 2, 2), 1e-12))
