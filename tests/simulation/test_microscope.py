import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_microscope import clean_image
from numba import get_num_threads, set_num_threads

import helpers
from helpers.simulation import acquire, image_sample
from helpers.simulation._exposure import expose

QUIET = {"gaussian": 0.0, "background": 0.0, "drift": 0.0, "angle_error": 0.0, "misalignment": 0.0}


@pytest.fixture(scope="module")
def atoms():
    return np.random.default_rng(3).uniform(-5, 5, (12, 3))


@pytest.mark.parametrize("angles", [(0, 0, 0), (0, 37, 0), (12, -48, 7)])
def test_kernel_equals_the_obvious_sum(atoms, angles):
    raw = acquire(atoms, [angles], shape=(40, 36), **QUIET)
    expected = clean_image(atoms, angles, "Ta", shape=(40, 36), pixel_size=0.4, dose=8000.0, B=6.0)
    # the profile is tabulated in 4,096 steps of r² and lowered by its value at 5 Å, 2e-5 of the peak
    np.testing.assert_allclose(raw.truth.images[0], 1.5 * expected, atol=2e-3 * expected.max())


def test_an_atom_lands_where_the_convention_says():
    """x_det = x cos θ − z sin θ, y_det = y, zero at pixel n // 2."""
    raw = acquire([[2.0, 3.2, -4.0]], [30.0], shape=(61, 64), pixel_size=0.4, **QUIET)
    image = raw.truth.images[0].astype(float)
    x, y = np.arange(61) - 30, np.arange(64) - 32
    centre = np.array([x @ image.sum(1), y @ image.sum(0)]) / image.sum() * 0.4
    expected = [2.0 * np.cos(np.pi / 6) + 4.0 * np.sin(np.pi / 6), 3.2]
    np.testing.assert_allclose(centre, expected, atol=1e-4)  # sampling of a band-limited spot is exact


@settings(max_examples=10, deadline=None)
@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
def test_every_tilt_shows_the_same_mass(phi, theta, psi):
    points = np.random.default_rng(0).uniform(-4, 4, (20, 3))
    images = acquire(points, [[0, 0, 0], [phi, theta, psi]], shape=80, **QUIET).truth.images
    totals = images.sum(axis=(1, 2), dtype=float)
    np.testing.assert_allclose(totals[1], totals[0], rtol=1e-4)  # as above


def test_small_true_angles_are_not_taken_for_radians(atoms):
    raw = acquire(atoms, np.zeros(8), shape=48, **{**QUIET, "angle_error": 0.5})  # the warning is an error in tests
    assert 0.5 < np.abs(raw.truth.angles).max() < np.pi


def test_elements_of_a_mixture_add_up(atoms):
    kinds = ["Fe", "Pt"] * 6
    both = acquire(atoms, [20.0], element=kinds, shape=48, **QUIET).truth.images
    parts = [acquire(atoms[i::2], [20.0], element=kinds[i], shape=48, **QUIET).truth.images for i in range(2)]
    np.testing.assert_allclose(both, parts[0] + parts[1], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("slow_axis", [0, 1])
def test_a_drifting_sample_is_scanned_line_by_line(atoms, slow_axis):
    options = {**QUIET, "drift": 3.0, "misalignment": 1.0}
    raw = acquire(
        atoms, [0.0, 10.0], shape=(40, 40), dose=1e9, gain=1.0, frames=2, seed=4, slow_axis=slow_axis, **options
    )
    truth = raw.truth
    np.testing.assert_allclose(truth.drifts[:, 1] - truth.drifts[:, 0], truth.velocities)
    for tilt, frame in np.ndindex(2, 2):
        image, points = raw.frames[tilt, frame], atoms
        shift, velocity = truth.shifts[tilt] + truth.drifts[tilt, frame], truth.velocities[tilt]
        if slow_axis == 1:  # the same scene with x and y exchanged, and z reversed to stay right-handed
            image, shift, velocity = image.T, shift[::-1], velocity[::-1]
            points = atoms @ np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1.0]])
        angles = (0, truth.angles[tilt, 1], 0) if slow_axis == 0 else (0, 0, truth.angles[tilt, 1])
        expected = clean_image(
            points, angles, "Ta", shape=(40, 40), pixel_size=0.4, dose=1e9, B=6.0, shift=shift, velocity=velocity
        )
        np.testing.assert_allclose(image, expected, atol=3e-3 * expected.max())  # table and shot noise


def test_noise_has_the_stated_size(atoms):
    options = {**QUIET, "gaussian": 6.0, "background": 0.5, "unevenness": 0.0}
    raw = acquire(atoms, np.zeros(40), shape=48, gain=2.5, frames=2, seed=1, **options)
    mean = raw.truth.images[0] + raw.truth.background[0]
    variance = raw.frames.reshape(-1, 48, 48).var(axis=0, ddof=1)
    # 80 repeats × 2,304 pixels leave 0.4 % in the mean of the ratio
    assert abs((variance / (36 + 2.5 * mean)).mean() - 1) < 0.02
    assert abs((raw.frames.mean(axis=(0, 1)) - mean).mean()) < 0.5


def test_seed_decides_everything(atoms):
    one, two, other = (acquire(atoms, [0.0, 20.0], shape=32, seed=s) for s in (7, 7, 8))
    np.testing.assert_array_equal(one.frames, two.frames)
    assert not np.array_equal(one.frames, other.frames)


@pytest.mark.usefixtures("all_threads")
def test_serial_equals_parallel(atoms):
    threads = get_num_threads()
    together = acquire(atoms, [0.0, 20.0, 40.0], shape=32).frames
    try:
        set_num_threads(1)
        alone = acquire(atoms, [0.0, 20.0, 40.0], shape=32).frames
    finally:
        set_num_threads(threads)
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("slow_axis", [0, 1])
def test_frames_are_exposed_line_by_line(slow_axis):
    rng = np.random.default_rng(6)
    atoms, species = rng.uniform(-3, 3, (2, 3, 2)), np.array([0, 1, 0])
    table = np.linspace(1.0, 0.0, 64) * np.array([[1.0], [2.0]])
    centres, velocities = rng.normal(size=(2, 2, 2)), rng.normal(size=(2, 2))
    terms, size = np.array([[5.0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.5], np.zeros(7)]), (9, 8)
    found = expose(atoms, species, table, 2.5, centres, velocities, size, slow_axis, terms)
    lines = np.indices(size)[slow_axis] / size[slow_axis] - 0.5
    for t, f in np.ndindex(2, 2):
        x, y = (
            np.indices(size)[axis] - size[axis] // 2 - centres[t, f, axis] - velocities[t, axis] * lines
            for axis in (0, 1)
        )
        level, a, b, c, alpha, beta, k = terms[t]
        wave = c * np.cos(2 * k * x / size[0] + alpha) * np.cos(2 * k * y / size[1] + beta)
        expected = level * (1 + 2 * a * x / size[0] + 2 * b * y / size[1] + wave)
        for (u, v), kind in zip(atoms[t], species, strict=True):
            square = ((x - u) ** 2 + (y - v) ** 2) / 2.5**2
            expected += np.interp(square, np.linspace(0, 1, 64), table[kind])
        np.testing.assert_allclose(found[t, f], expected, rtol=1e-5, atol=1e-6)  # kept in single precision
        assert expected.max() > 1.0


def test_default_field_holds_the_sample_and_a_margin():
    raw = acquire([[20.0, 0, 0], [0, 8.0, 0]], [0.0, 60.0], **QUIET)
    nx, ny = raw.frames.shape[2:]
    assert nx > 2 * 20 / 0.4 + 30
    assert 2 * 8 / 0.4 + 30 < ny < nx


def test_demo_is_imaged_with_its_own_numbers():
    raw = image_sample(helpers.load_sample("demo"), tilts=[0.0, 30.0], frames=2)
    assert raw.pixel_size == helpers.load_sample("demo").pixel_size
    assert raw.frames.shape[:2] == (2, 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": [[0, 0, np.nan]]}, "not finite"),
        ({"positions": [[900.0, 0, 0]], "shape": 40}, "no atom lies in the field"),
        ({"angles": [np.nan]}, "NaN or infinite"),
        ({"dose": 0.0}, "dose=0.0; expected a positive number"),
        ({"drift": -1.0}, "drift=-1.0; expected zero or a positive"),
        ({"frames": 0}, "at least one frame"),
        ({"slow_axis": 2}, "slow_axis=2; expected 0"),
        ({"shape": (1, 4)}, "at least 2 px"),
        ({"element": ["Ta", "Pd"]}, "element names 2 atoms but positions holds 1"),
        ({"element": "Xx"}, "no scattering factor"),
    ],
)
def test_bad_input_is_explained(change, message):
    arguments = {"positions": [[0.0, 0, 0]], "angles": [0.0], "shape": 32, **change}
    with pytest.raises((ValueError, KeyError), match=message):
        acquire(arguments.pop("positions"), arguments.pop("angles"), **arguments)
