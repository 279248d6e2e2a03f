"""RESIRE: against planted volumes and its own published form."""

import numpy as np
import pytest

import helpers
from helpers.tomography import back_project, correlation, project, reconstruct
from helpers.tomography.fourier import FourierProjector


@pytest.fixture(scope="module")
def planted():
    """Off-centre balls in a volume without equal sides, and their projections with a missing wedge."""
    x, y, z = np.meshgrid(*[np.arange(n) - n // 2 for n in (27, 19, 27)], indexing="ij")
    volume = np.zeros((27, 19, 27), np.float32)
    for cx, cy, cz, radius in [(-5, 2, 3, 4.0), (4, -3, -4, 3.0), (2, 4, 5, 2.5)]:
        volume += np.exp(-((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) / radius**2)
    angles = np.linspace(-66, 66, 34)
    return volume, helpers.TiltSeries(project(volume, angles), angles, 0.5)


def test_the_plain_form_is_the_published_step(planted):
    _, series = planted
    found = reconstruct(series, iterations=3, accelerate=False, edges="shared", progress=False)
    step = 1.0 / (len(series) * series.images.shape[1])
    volume = np.zeros((27, 19, 27), np.float32)
    for _ in range(3):
        residual = project(volume, series.angles) - series.images
        volume = np.maximum(volume - step * back_project(residual, series.angles, volume.shape), 0)
    np.testing.assert_allclose(found.volume.array, volume, atol=1e-5 * volume.max())  # single precision


def test_acceleration_reaches_in_twenty_steps_what_takes_the_plain_form_a_hundred(planted):
    truth, series = planted
    quick = reconstruct(series, iterations=20, progress=False)
    slow = reconstruct(series, iterations=100, accelerate=False, progress=False)
    assert quick.final_r_factor < slow.final_r_factor
    assert correlation(quick.volume.array, truth) > correlation(slow.volume.array, truth) > 0.98
    assert quick.volume.array.min() >= 0


def test_a_callback_sees_every_update(planted):
    _, series = planted
    seen = {}

    def look(n, r, volume):
        seen[n] = (r, volume)

    found = reconstruct(series, iterations=4, callback=look, progress=False)
    assert list(seen) == [1, 2, 3, 4]
    assert [r for r, _ in seen.values()] == [*found.r_factor[1:], found.final_r_factor]
    shorter = reconstruct(series, iterations=2, progress=False)
    np.testing.assert_array_equal(seen[2][1].array, shorter.volume.array)  # a copy: later updates leave it alone
    assert seen[2][1].voxel_size == series.pixel_size


def test_it_stops_when_r_slows_down(planted):
    _, series = planted
    found = reconstruct(series, iterations=200, tolerance=0.05, progress=False)
    assert 7 < len(found.r_factor) < 100
    r = [*found.r_factor, found.final_r_factor]
    assert r[-1] > 0.95**5 * r[-6]


def test_an_interrupted_run_ends_like_one_that_was_not(planted, tmp_path):
    _, series = planted
    whole = reconstruct(series, iterations=12, progress=False)
    path = tmp_path / "state.h5"
    reconstruct(series, iterations=7, checkpoint=path, progress=False)
    rest = reconstruct(series, iterations=12, checkpoint=path, progress=False)
    np.testing.assert_array_equal(rest.volume.array, whole.volume.array)
    np.testing.assert_array_equal(rest.r_factor, whole.r_factor)
    with pytest.raises(ValueError, match=r"state\.h5 was made with step=1\.0; remove it or name another place"):
        reconstruct(series, iterations=12, step=0.5, checkpoint=path, progress=False)


def test_the_fourier_projector_approaches_the_real_one(planted):
    volume, series = planted
    kernel_order = np.ascontiguousarray(volume.transpose(2, 0, 1))
    errors = []
    for ratio in (1.5, 3.0):
        images = FourierProjector(series.angles, volume.shape, (27, 19), oversampling=(ratio,) * 3).project(
            kernel_order
        )
        errors.append(np.abs(images - series.images).max() / series.images.max())
    # trilinear interpolation in Fourier space and bilinear weights in real space each blur a little
    assert errors[1] < errors[0]
    assert errors[1] < 0.1
