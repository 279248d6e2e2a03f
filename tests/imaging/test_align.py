import numpy as np
import pytest
from naive_imaging import projections
from planted import packing, raw, without_origin

from helpers import TiltSeries
from helpers.imaging import align, centre_of_mass, common_line, find_shift, move, preprocess
from helpers.imaging.reprojection import _backward, _forward, reproject
from helpers.simulation import acquire


def displaced(seed=0, *, noise=0.0):
    """Noise-free, background-free images of the packing, displaced by known shifts."""
    truth = raw(angle_error=0.0).truth
    shifts = np.random.default_rng(seed).normal(0, 2.5, (13, 2))
    images = move(truth.images, shifts)
    images += np.random.default_rng(seed).normal(0, noise, images.shape) if noise else 0
    return TiltSeries(images, raw().angles, 0.4), shifts


def wrong(found, shifts, series):
    return np.abs(without_origin(found - shifts, series)).max()


# --- the whole ----------------------------------------------------------------------------------


def test_planted_shifts_are_found():
    series, shifts = displaced()
    aligned, found = align(series)
    assert wrong(found, shifts, series) < 0.05  # a twentieth of a pixel at the worst tilt
    np.testing.assert_allclose(aligned.images, move(series.images, -found))


def test_reprojection_improves_on_centre_of_mass_in_noise():
    series, shifts = displaced(1, noise=5.0)

    def error(rounds):
        return np.sqrt((without_origin(align(series, rounds=rounds).shifts - shifts, series) ** 2).mean())

    assert error(5) < error(0)
    assert error(5) < 0.1


def test_an_aligned_series_stays():
    series, _ = displaced(2)
    once = align(series).series
    again = align(once).shifts
    assert np.abs(again).max() < 0.06  # the tolerance of 0.05 px and one interpolation


def test_a_shift_of_all_images_is_the_object_s_own():
    """A series displaced along y as a whole, or by a rotating origin, aligns to the same images."""
    series, _ = displaced(3)
    theta = np.deg2rad(series.euler[:, 1])
    moved = np.stack([2 * np.cos(theta) + 3 * np.sin(theta), np.full(13, -2.0)], axis=1)
    other = TiltSeries(move(series.images, moved), series.angles, 0.4)
    np.testing.assert_allclose(align(other).shifts - align(series).shifts, moved, atol=0.08)


def test_own_projections_and_a_reference_are_used():
    series, shifts = displaced(4)
    clean = raw(angle_error=0.0).truth.images
    by_reference = align(series, reference=clean).shifts
    np.testing.assert_allclose(by_reference, shifts, atol=0.02)
    calls = []

    def project(aligned):
        calls.append(aligned)
        return clean

    by_projection = align(series, project=project).shifts
    assert calls
    assert wrong(by_projection, shifts, series) < 0.05


def test_raw_frames_become_an_aligned_series():
    series = raw()
    found = preprocess(series.frames, series.angles, series.pixel_size, slow_axis=series.slow_axis)
    offsets = np.stack([find_shift(t, i) for t, i in zip(series.truth.images, found.images, strict=True)])
    left = without_origin(offsets, found)
    assert np.sqrt((left**2).mean()) < 0.25  # noise, background and wrong angles together
    assert found.images.min() > -0.2 * found.images.max()


# --- its parts ----------------------------------------------------------------------------------


def test_centre_of_mass_of_a_single_pixel():
    image = np.zeros((2, 9, 12))
    image[:, 6, 3] = 2.0
    np.testing.assert_allclose(centre_of_mass(image), [[2, -3], [2, -3]])


def test_common_line_finds_shifts_along_the_axis():
    series, shifts = displaced(5)
    found = common_line(series.images)
    np.testing.assert_allclose(found - found.mean(), shifts[:, 1] - shifts[:, 1].mean(), atol=0.02)


def test_two_images_come_into_register_along_the_axis():
    line = np.exp(-((np.arange(40) - 20 - np.array([[1.2], [-0.3]])) ** 2) / 8)
    images = np.repeat(line[:, None], 9, axis=1)
    np.testing.assert_allclose(common_line(images), [0.75, -0.75], atol=1e-3)  # the step that ends the search
    np.testing.assert_allclose(common_line(images, start=[3.0, 0.0]), [2.25, 0.75], atol=1e-3)


def test_reprojector_equals_dense_sums():
    rng = np.random.default_rng(0)
    n, theta = 15, np.array([-70.0, -20.0, 0.0, 35.0, 90.0])
    inside = np.zeros((n, 2), np.int64)
    for i in range(n):
        reach = np.sqrt(max(0.0, 36.0 - (i - 7) ** 2))
        inside[i] = (7 - int(reach), 8 + int(reach)) if abs(i - 7) <= 6 else (0, 0)
    slice_ = np.zeros((n, n), np.float32)
    for i in range(n):
        slice_[i, inside[i, 0] : inside[i, 1]] = rng.random(inside[i, 1] - inside[i, 0])
    angles = np.deg2rad(theta)
    out = np.empty((5, n), np.float32)
    _forward(slice_, np.cos(angles), np.sin(angles), 7.0, inside, out)
    np.testing.assert_allclose(out, projections(slice_[None], theta)[0], atol=1e-4)  # single precision
    residual = rng.random((5, n)).astype(np.float32)
    back = np.empty_like(slice_)
    _backward(residual, np.cos(angles), np.sin(angles), 7.0, inside, back)
    assert np.vdot(out, residual) == pytest.approx(np.vdot(slice_, back), rel=1e-5)


@pytest.mark.parametrize("coarse", [1, 2])
def test_reprojections_resemble_consistent_images(coarse):
    images = raw(angle_error=0.0).truth.images
    found = reproject(images, raw().angles[:, 1], radius=34.0, coarse=coarse)
    merged = images.reshape(13, 92 // coarse, coarse, 92 // coarse, coarse).mean(axis=(2, 4))
    assert np.abs(found - merged).sum() < 0.15 * merged.sum()  # 20 iterations from zero


# --- films --------------------------------------------------------------------------------------


def film():
    """A strip that goes on beyond the field in x, and a small cluster that stands alone beside it."""
    rng = np.random.default_rng(8)
    strip = rng.uniform([-70, -2, -5], [70, 14, 5], (1200, 3))
    cluster = packing(30, seed=2) * 0.8 + [6.0, -12.0, 0.0]
    theta = np.linspace(-50, 50, 11)
    quiet = {"gaussian": 0.0, "background": 0.0, "drift": 0.0, "angle_error": 0.0}
    made = acquire(np.concatenate([strip, cluster]), theta, shape=(110, 100), seed=3, misalignment=2.0, **quiet)
    return TiltSeries(made.frames.mean(axis=1), made.angles, made.pixel_size), made.truth.shifts


def test_a_film_is_aligned_by_its_marker():
    series, shifts = film()
    aligned, found = align(series, film=True, marker=(*marker(shifts), 10))
    left = without_origin(found - shifts, series)
    assert np.abs(left[:, 0]).max() < 1.0  # the strip's edge never comes into the square
    assert np.abs(left[:, 1]).max() < 0.3
    assert np.abs(left).max() < 0.5 * np.abs(without_origin(shifts, series)).max()
    assert aligned.images.shape == series.images.shape


def marker(shifts):
    middle = shifts[5]
    return 55 + 6.0 / 0.4 + middle[0], 50 - 12.0 / 0.4 + middle[1]


def test_a_film_without_marker_is_aligned_by_its_neighbours():
    series, shifts = film()
    left = without_origin(align(series, film=True).shifts - shifts, series)
    assert np.abs(left[:, 1]).max() < 1.0


# --- published images with known shifts ---------------------------------------------------------


def test_all_integer_shifts_of_the_published_series_are_found(published):
    """The true shifts follow from the clean series: the misaligned images are whole-pixel copies of it."""
    sample = published("FePt", "misaligned")
    clean, series = sample.tilt_series(), sample.tilt_series("misaligned")
    pairs = list(zip(clean.images, series.images, strict=True))
    true = np.round([find_shift(c, m, window="none") for c, m in pairs]).astype(int)
    for (image, other), shift in zip(pairs, true, strict=True):
        np.testing.assert_array_equal(np.roll(image, shift, (0, 1)), other)
    left = without_origin(align(series).shifts - true, series)
    assert (np.round(left) == 0).all()
    assert np.sqrt((left**2).mean()) < 0.15  # multislice images are no exact projections


# --- input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"marker": (40, 40, 5)}, "pass film=True"),
        ({"film": True, "marker": (2, 40, 5)}, "does not lie with its square inside 92×92"),
        ({"tolerance": 0}, "tolerance=0; expected a positive number"),
        ({"rounds": -1}, "rounds=-1; expected one finite number of at least 0"),
        (
            {"reference": np.random.default_rng(0).random((13, 20, 20))},
            r"shape \(13, 20, 20\); expected \(13, 92, 92\)",
        ),
        ({"project": lambda s: s.images[:-1]}, r"shape \(12, 92, 92\); expected \(13, 92, 92\)"),
    ],
)
def test_bad_options_are_explained(options, message):
    with pytest.raises(ValueError, match=message):
        align(displaced()[0], **options)


def test_bad_images_are_explained():
    series, _ = displaced()
    constant = series.images.copy()
    constant[3] = 7.0
    with pytest.raises(ValueError, match="constant image of 13, at index 3"):
        align(TiltSeries(constant, series.angles, 0.4))
    with pytest.raises(ValueError, match="image 0 sums to .* no centre of mass"):
        align(TiltSeries(series.images - 500.0, series.angles, 0.4))
    euler = np.array(series.euler)
    euler[:, 0] = 40.0
    with pytest.raises(ValueError, match=r"φ and ψ reach 40.0 degrees.*pass project="):
        align(TiltSeries(series.images, euler, 0.4), rounds=3)
    assert align(TiltSeries(series.images, euler, 0.4)).shifts.shape == (13, 2)


def test_counts_of_frames_and_angles_must_match():
    with pytest.raises(ValueError, match="frames of 13 tilts came with 12 angles"):
        preprocess(raw().frames, raw().angles[:-1], 0.4)
