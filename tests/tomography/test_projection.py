"""The projector pair: against its definition, as adjoints, and against geometry."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_projection import back_project as naive_back_project
from naive_projection import project as naive_project
from naive_projection import rotation

from helpers.tomography import back_project, project
from helpers.tomography._kernels import _descend, _project
from helpers.tomography._layout import _detector_lines, _from_kernel, _pad, _to_kernel

# Near the tilt axis, far from it, along other axes, upside down: every branch of the kernels.
ANGLES = np.array(
    [
        [0.0, 0.0, 0.0],
        [0.0, 37.0, 0.0],
        [0.2, -63.0, 0.4],
        [-5.0, 20.0, 4.0],
        [9.0, 50.0, -8.0],
        [90.0, 20.0, 3.0],
        [45.0, -50.0, 12.0],
        [180.0, 5.0, 5.0],
        [0.0, 90.0, 0.0],
        [10.0, 80.0, -70.0],
    ]
)
SINGLE = 2e-6  # a few roundings of single precision, relative to the largest value


@pytest.mark.parametrize(("volume_shape", "shape"), [((9, 7, 8), (6, 9)), ((12, 11, 5), (13, 8)), ((4, 1, 6), (3, 1))])
def test_pair_equals_its_definition(volume_shape, shape):
    rng = np.random.default_rng(1)
    volume = rng.random(volume_shape, dtype=np.float32)
    images = rng.standard_normal((len(ANGLES), *shape)).astype(np.float32)
    expected = naive_project(volume, ANGLES, shape)
    np.testing.assert_allclose(project(volume, ANGLES, shape), expected, atol=SINGLE * expected.max())
    expected = naive_back_project(images, ANGLES, volume_shape)
    np.testing.assert_allclose(back_project(images, ANGLES, volume_shape), expected, atol=SINGLE * abs(expected).max())


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*[st.integers(1, 24)] * 3),
    st.tuples(*[st.integers(1, 24)] * 2),
    st.lists(st.tuples(*[st.floats(-180, 180)] * 3), min_size=1, max_size=4),
    st.integers(0, 2**31),
)
def test_pair_is_adjoint(volume_shape, shape, angles, seed):
    rng = np.random.default_rng(seed)
    volume = rng.standard_normal(volume_shape).astype(np.float32)
    images = rng.standard_normal((len(angles), *shape)).astype(np.float32)
    left = np.vdot(project(volume, angles, shape).astype(float), images.astype(float))
    right = np.vdot(volume.astype(float), back_project(images, angles, volume_shape).astype(float))
    # the two sums round differently; 1e-6 of the size that they could reach
    size = np.linalg.norm(volume) * np.linalg.norm(images) * np.sqrt(len(angles))
    assert abs(left - right) <= 1e-6 * size


def test_pair_is_adjoint_on_a_film_sized_case():
    rng = np.random.default_rng(2)
    angles = np.stack([rng.choice([-0.2, 0.0, 0.2], 12), np.linspace(-63, 56, 12), rng.choice([0.0, 0.4], 12)], 1)
    volume = rng.random((271, 33, 65), dtype=np.float32)
    images = rng.random((12, 65, 31), dtype=np.float32)
    left = np.vdot(project(volume, angles, (65, 31)).astype(float), images.astype(float))
    right = np.vdot(volume.astype(float), back_project(images, angles, volume.shape).astype(float))
    assert left == pytest.approx(right, rel=1e-6)


@pytest.mark.parametrize("margin", [0.0, 1.0 - 1e-9])
@pytest.mark.parametrize("shape", [(6, 9), (14, 4)])
def test_rows_that_fall_on_rows_are_no_exception(margin, shape):
    """Tilts about y alone take a short way, which a turn too small to move a voxel off the rim avoids."""
    rng = np.random.default_rng(7)
    straight = np.array([[0.0, theta, 0.0] for theta in (0.0, 33.0, -62.0, 90.0)])
    volume = rng.random((5, 11, 7), dtype=np.float32)
    images = _pad(rng.random((4, *shape), dtype=np.float32))
    found = []
    for angles in (straight, straight + [1e-9, 0.0, 1e-9]):
        lines = _detector_lines(angles, (11, 7, 5), shape, [[0.01, 2.0]] * 4)
        x, w, z = volume.copy(), np.zeros_like(volume), np.zeros_like(volume)
        _descend(images, lines, x, w, z, 0.1, 0.2, 0.3, 0.4, False, margin)
        made = np.empty_like(images)
        _project(volume, lines, made, 2)
        found.append((x, made))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)  # single precision


@pytest.mark.usefixtures("all_threads")
def test_any_number_of_threads_gives_the_same_bits():
    rng = np.random.default_rng(4)
    volume = rng.random((21, 9, 13), dtype=np.float32)
    threads = numba.get_num_threads()
    many = project(volume, ANGLES), back_project(project(volume, ANGLES), ANGLES, volume.shape)
    try:
        numba.set_num_threads(1)
        one = project(volume, ANGLES), back_project(project(volume, ANGLES), ANGLES, volume.shape)
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(many[0], one[0])
    np.testing.assert_array_equal(many[1], one[1])


def ball(shape, centre, radius):
    grid = np.meshgrid(*[np.arange(n) - n // 2 for n in shape], indexing="ij")
    return (sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) < radius**2).astype(np.float32)


def test_mass_is_kept_while_the_object_stays_inside():
    volume = ball((31, 23, 27), (3, -2, 2), 5)
    masses = project(volume, ANGLES, (45, 45)).sum(axis=(1, 2))
    np.testing.assert_allclose(masses, volume.sum(), rtol=1e-5)  # single precision


def test_half_turn_reverses_the_projection():
    volume = ball((31, 21, 29), (4, 3, -5), 4)
    front, back = project(volume, [17.0, 197.0], (33, 21))
    # both sizes are odd, so that the centre is the middle pixel
    np.testing.assert_allclose(front[::-1], back, atol=1e-4)


def test_zero_tilt_sums_along_z():
    volume = np.random.default_rng(5).random((6, 5, 4), dtype=np.float32)
    np.testing.assert_allclose(project(volume, [0.0])[0], volume.sum(axis=2), rtol=1e-6)


def test_off_centre_voxel_lands_where_geometry_says():
    volume = np.zeros((21, 15, 19), np.float32)
    volume[10 + 6, 7 - 3, 9 + 4] = 1.0
    for euler in ANGLES[1:5]:
        image = project(volume, [euler], (33, 33))[0]
        centre = [(image.sum(axis=1 - k) * (np.arange(33) - 16)).sum() / image.sum() for k in (0, 1)]
        u, v, _ = np.array([6, -3, 4]) @ rotation(*euler)
        np.testing.assert_allclose(centre, [u, v], atol=1e-5)


def test_shifts_move_the_images():
    volume = ball((21, 15, 19), (0, 0, 0), 4)
    still = project(volume, ANGLES[:3])
    moved = project(volume, ANGLES[:3], shifts=[[2, 0], [0, -1], [-3, 1]])
    for image, other, shift in zip(still, moved, [(2, 0), (0, -1), (-3, 1)], strict=True):
        np.testing.assert_allclose(np.roll(image, shift, (0, 1)), other, atol=1e-4)


def test_pair_leaves_its_input_alone():
    volume = np.random.default_rng(6).random((5, 6, 7), dtype=np.float32)
    copy = volume.copy()
    images = project(volume, [10.0])
    kept = images.copy()
    back_project(images, [10.0], volume.shape)
    np.testing.assert_array_equal(volume, copy)
    np.testing.assert_array_equal(images, kept)


def test_the_order_in_memory_comes_back():
    volume = np.arange(24.0, dtype=np.float32).reshape(2, 3, 4)
    inside = _to_kernel(volume)
    assert inside.shape == (4, 2, 3)
    assert inside[3, 1, 2] == volume[1, 2, 3]
    outside = _from_kernel(inside)
    np.testing.assert_array_equal(outside, volume)
    assert inside.flags.c_contiguous
    assert outside.flags.c_contiguous


def test_images_get_a_border_of_zeros():
    images = np.arange(1.0, 7.0).reshape(1, 2, 3)
    padded = _pad(images)
    assert padded.shape == (1, 4, 5)
    np.testing.assert_array_equal(padded[:, 1:-1, 1:-1], images)
    assert padded.sum() == images.sum()


def test_wrong_input_is_named():
    volume = np.ones((4, 4, 4))
    with pytest.raises(ValueError, match=r"volume has shape \(4, 4\); expected \(x, y, z\)"):
        project(volume[0], [0.0])
    with pytest.raises(ValueError, match=r"angles has shape \(2, 2\)"):
        project(volume, np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"images has shape \(1, 4, 4\); expected \(2, x, y\)"):
        back_project(np.ones((1, 4, 4)), [0.0, 1.0], (4, 4, 4))
    with pytest.raises(ValueError, match=r"shape=\(4, 0, 4\); expected 3 positive whole numbers"):
        back_project(np.ones((1, 4, 4)), [0.0], (4, 0, 4))
    with pytest.raises(ValueError, match=r"shifts has shape \(3,\); expected \(1, 2\)"):
        project(volume, [0.0], shifts=[1, 2, 3])
    with pytest.raises(ValueError, match="angles holds .* NaN or infinite"):
        project(volume, [np.nan])
