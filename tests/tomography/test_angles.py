"""Refinement of tilt angles: against finite differences, planted errors, and a published series."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from helpers import TiltSeries
from helpers.geometry import origin_shifts
from helpers.geometry.rotations import _euler_axes
from helpers.tomography import angle_errors, euler_angles, project, refine_angles, rotation_matrices
from helpers.tomography.turning import _by_rotation, _moments, _without_common

TILTS = np.linspace(-65.0, 65.0, 31)
QUIET = {"progress": False}


@pytest.fixture(scope="module")
def phantom():
    """Blobs in a box that is neither cubic nor centred."""
    rng = np.random.default_rng(4)
    volume = np.zeros((40, 34, 38), np.float32)
    place = [rng.integers(7, n - 7, 150) for n in volume.shape]
    volume[tuple(place)] = rng.uniform(0.5, 1.5, 150)
    return gaussian_filter(volume, 1.0)


def series_of(volume, angles, *, error=0.0, noise=0.0, shift=0.0, seed=0, axes=(1, 1, 1)):
    """Images at angles that are off, and the nominal angles; also the true angles and shifts."""
    rng = np.random.default_rng(seed)
    nominal = np.stack([np.zeros_like(angles), angles, np.zeros_like(angles)], axis=1)
    true = nominal + error * rng.normal(size=nominal.shape) * axes
    moved = shift * rng.normal(size=(len(angles), 2))
    images = project(volume, true, (42, 36), shifts=moved)
    images += noise * images.max() * rng.normal(size=images.shape).astype(np.float32)
    return TiltSeries(images, nominal, 1.0), true, moved


def mean_error(angles, true):
    return np.abs(angle_errors(angles, true)).mean(axis=0)


def test_errors_ignore_a_common_rotation():
    rng = np.random.default_rng(1)
    true = np.stack([rng.normal(size=9), np.linspace(-70, 80, 9), rng.normal(size=9)], axis=1)
    turned = euler_angles(Rotation.from_rotvec([0.1, -0.2, 0.05]).as_matrix() @ rotation_matrices(true))
    for kind in ("euler", "rotation"):
        np.testing.assert_allclose(angle_errors(turned, true, kind=kind), 0.0, atol=1e-9)


def test_errors_are_signed_and_named_by_axis():
    true = np.stack([np.zeros(41), np.linspace(-60, 60, 41), np.zeros(41)], axis=1)
    for axis in range(3):
        wrong = true.copy()
        wrong[20, axis] += 1.0  # the tilt at zero, where the three angles turn about z, y and x
        for kind in ("euler", "rotation"):
            error = angle_errors(wrong, true, kind=kind)
            assert error[20, axis] == pytest.approx(1.0, abs=0.03)  # 1/41 of it counts as common
            assert np.abs(np.delete(error, 20, axis=0)).max() < 0.08  # 1/41, times 1/cos 60° for Euler angles


def test_errors_know_angles_beyond_a_quarter_turn():
    true = np.linspace(0, 177, 60)
    np.testing.assert_allclose(angle_errors(true, true), 0.0, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_derivatives_equal_finite_differences(phantom, axis):
    smooth = gaussian_filter(phantom, 1.5)  # so that bilinear interpolation is no matter
    angles, shifts = np.array([[3.0, 40.0, -5.0]]), np.array([[0.7, -1.2]])
    flat, weighted = _moments(smooth, angles, rotation_matrices(angles), (42, 36), shifts)
    found = _by_rotation(flat[0], weighted[0], shifts[0])[axis]
    step = np.zeros(3)
    step[axis] = np.deg2rad(2.0)
    sides = [
        project(smooth, euler_angles(rotation_matrices(angles) @ Rotation.from_rotvec(-s * step).as_matrix()), (42, 36),
                shifts=shifts)[0]
        for s in (-1, 1)
    ]  # fmt: skip
    expected = (sides[1] - sides[0]) / (2 * step[axis])
    found, expected = gaussian_filter(found, 0.7), gaussian_filter(expected, 0.7)  # images are compared through one
    # central differences over a pixel flatten a blob of this width by up to a tenth
    assert np.linalg.norm(found - expected) < 0.1 * np.linalg.norm(expected)


@pytest.mark.parametrize("chosen", [[0, 1, 2], [1], [0, 1]])
def test_common_rotation_is_taken_off(chosen):
    angles = np.stack([np.zeros(9), np.linspace(-60, 60, 9), np.zeros(9)], axis=1)
    axes = _euler_axes(angles)
    common = np.array([0.0, 0.01, 0.0])  # about y, which θ alone can express
    whole = len(chosen) == 3
    turns = np.tile(common, (9, 1)) if whole else (np.linalg.inv(axes) @ common)[:, chosen]
    np.testing.assert_allclose(_without_common(turns, axes, chosen), 0.0, atol=1e-12)


def test_correct_angles_stay(phantom):
    series, true, _ = series_of(phantom, TILTS, noise=0.01)
    found = refine_angles(series, rounds=3, **QUIET)
    # a tenth of a degree moves the rim, 15 px from the axis, by 0.03 px
    assert (mean_error(found.angles, true) < 0.2).all()
    assert np.abs(found.shifts).max() < 0.1


def test_wrong_angles_are_found_again(phantom):
    series, true, moved = series_of(phantom, TILTS, error=1.5, noise=0.01, shift=0.5)
    found = refine_angles(series, rounds=6, **QUIET)
    before, after = mean_error(series.euler, true), mean_error(found.angles, true)
    assert (after < before / 3).all()
    left = found.shifts - moved
    left -= origin_shifts(left, true)
    assert np.sqrt((left**2).mean()) < 0.1  # px
    assert found.r_factor[-1] < found.r_factor[0] / 1.5
    assert found.history.shape == (len(found.r_factor), len(TILTS), 3)
    np.testing.assert_array_equal(found.history[-1], found.angles)
    np.testing.assert_array_equal(found.history[0], series.euler)


def test_only_the_chosen_angles_move(phantom):
    series, true, _ = series_of(phantom, TILTS, error=1.5, axes=(0, 1, 0))
    found = refine_angles(series, refine="theta", shifts=False, rounds=5, **QUIET)
    np.testing.assert_array_equal(found.angles[:, [0, 2]], 0.0)
    np.testing.assert_array_equal(found.shifts, 0.0)
    assert mean_error(found.angles, true)[1] < mean_error(series.euler, true)[1] / 3


def test_shifts_alone_can_be_refined(phantom):
    series, _, moved = series_of(phantom, TILTS, shift=1.0)
    found = refine_angles(series, refine=(), rounds=4, tolerance=0.0, **QUIET)
    np.testing.assert_array_equal(found.angles, series.euler)
    left = found.shifts - moved
    left -= origin_shifts(left, series.angles)
    assert np.sqrt((left**2).mean()) < 0.1  # px


def test_more_noise_finds_less(phantom):
    errors = []
    for noise in (0.0, 0.3):
        series, true, _ = series_of(phantom, TILTS, error=1.0, noise=noise, seed=2)
        errors.append(mean_error(refine_angles(series, rounds=3, iterations=10, **QUIET).angles, true).mean())
    assert errors[1] > 1.5 * errors[0]


def test_stops_when_nothing_turns(phantom):
    series, _, _ = series_of(phantom, TILTS)
    found = refine_angles(series, rounds=8, shifts=False, tolerance=5.0, **QUIET)
    assert len(found.history) == 2  # one round, and the reconstruction after it
    assert len(found.r_factor) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"refine": "theta tilt"}, "refine names 'tilt'; expected some of 'phi', 'theta', 'psi'"),
        ({"refine": (), "shifts": False}, "nothing is left to refine"),
        ({"rounds": 0}, "rounds=0; expected a positive whole number"),
        ({"iterations": 2.5}, "iterations=2.5; expected a positive whole number"),
        ({"smoothing": -1.0}, "smoothing=-1.0; expected widths from zero to 1000 px"),
        ({"tolerance": -1.0}, "tolerance=-1.0; expected one finite number of at least 0"),
        ({"start_shifts": np.zeros((3, 2))}, r"shifts has shape \(3, 2\); expected \(31, 2\)"),
        ({"projector": "fourier"}, "projector= cannot be passed on"),
    ],
)
def test_bad_input_is_named(phantom, options, message):
    series, _, _ = series_of(phantom, TILTS)
    with pytest.raises(ValueError, match=message):
        refine_angles(series, **{**QUIET, **options})


def test_errors_need_the_same_tilts():
    with pytest.raises(ValueError, match="found holds 2 tilts, true 3"):
        angle_errors([0.0, 10.0], [0.0, 10.0, 20.0])
    with pytest.raises(ValueError, match="kind='x'"):
        angle_errors([0.0, 10.0], [0.0, 10.0], kind="x")


def test_a_gaussian_too_narrow_to_have_neighbours_changes_nothing(phantom):
    series, _, _ = series_of(phantom, TILTS, error=1.0)
    sharp, narrow = (
        refine_angles(series, smoothing=width, rounds=1, iterations=2, **QUIET).angles for width in (0.0, 1e-300)
    )
    np.testing.assert_array_equal(sharp, narrow)


@pytest.mark.slow
def test_published_series_with_wrong_angles(published):
    sample = published("AngleRefinement", "tilt_series")
    series, true = sample.tilt_series(), sample.angles("true_angles")
    assert (mean_error(series.angles, true) > 1.2).all()
    found = refine_angles(series, **QUIET)
    assert (mean_error(found.angles, true) <= 0.2).all()
