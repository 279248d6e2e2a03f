"""The missing wedge against the planes of Fourier space that images hold."""

import numpy as np
import pytest

from helpers.agreement import shell_correlation
from helpers.tomography import missing_wedge, project


def test_a_wave_outside_the_wedge_is_seen_and_one_inside_is_not():
    angles = np.linspace(-50, 50, 21)
    grid = np.arange(48) - 24
    inside = np.exp(-(grid[:, None, None] ** 2 + grid[:, None] ** 2 + grid**2) / 80)
    wedge = missing_wedge((48, 48, 48), angles)
    seen = {}
    for slope in (10, 40, 65, 85):  # direction of the wave, from x towards z [degrees]
        k = 12 * np.array([np.cos(np.radians(slope)), np.sin(np.radians(slope))])
        wave = inside * np.cos(2 * np.pi * (k[0] * grid[:, None, None] + k[1] * grid) / 48)
        seen[slope] = np.abs(project(wave, angles)).max() / np.abs(wave).sum(axis=2).max()
        assert wedge[round(k[0]), 0, round(k[1])] == (slope > 50)
    assert min(seen[10], seen[40]) > 5 * max(seen[65], seen[85])


def test_it_is_a_wedge_about_z():
    wedge = missing_wedge((32, 8, 32), [[1.0, -60.0, 0.0], [1.0, 60.0, 0.0]])
    assert wedge.shape == (32, 8, 17)
    assert wedge[0, 0, 5]
    assert not wedge[5, 0, 0]
    assert (wedge == wedge[:, :1]).all()


def test_shells_in_and_outside_the_wedge_share_all_coefficients():
    noise = np.random.default_rng(5).normal(size=(20, 16, 18))
    wedge = missing_wedge(noise.shape, [-60.0, 60.0])
    whole, *parts = (
        shell_correlation(noise, noise, voxel_size=1.0, where=part).count for part in (None, wedge, ~wedge)
    )
    assert (parts[0] + parts[1] == whole).all()


def test_a_mask_of_another_shape_is_refused():
    noise = np.zeros((20, 16, 18))
    with pytest.raises(ValueError, match=r"where has shape \(20, 16, 18\); expected that of the transform"):
        shell_correlation(noise, noise, voxel_size=1.0, where=np.ones(noise.shape))


def test_a_shape_has_three_numbers():
    with pytest.raises(ValueError, match="expected 3 positive whole numbers"):
        missing_wedge((3, 4), [0.0])
