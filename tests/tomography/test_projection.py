"""The projector pair: against its definition, as adjoints, and against geometry."""

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_projection import back_project as naive_back_project
from naive_projection import project as naive_project
from naive_projection import rotation

from helpers.tomography import _passes, back_project, project
from helpers.tomography._layout import _detector_lines, _pad
from helpers.tomography._passes import descend, project_into
from helpers.tomography._turned import from_kernel, to_kernel

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
        descend(images, lines, x, w, z, 0.1, 0.2, 0.3, 0.4, False, margin)
        made = np.empty_like(images)
        project_into(volume, lines, made)
        found.append((x, made))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)  # single precision


@pytest.mark.parametrize("threads", [2, 3, 5])
def test_any_number_of_threads_gives_the_same_bits(monkeypatch, threads):
    rng = np.random.default_rng(4)
    volume = rng.random((21, 9, 43), dtype=np.float32)
    one = project(volume, ANGLES), back_project(project(volume, ANGLES), ANGLES, volume.shape)
    monkeypatch.setattr(_passes, "_threads", lambda _work, most: min(threads, most))
    many = project(volume, ANGLES), back_project(project(volume, ANGLES), ANGLES, volume.shape)
    np.testing.assert_array_equal(many[0], one[0])
    np.testing.assert_array_equal(many[1], one[1])


def test_threads_are_started_where_they_have_enough_to_do():
    available = numba.get_num_threads()
    assert _passes._threads(1e5, 50) == 1
    assert _passes._threads(1e12, 50) == min(available, 50)
    assert _passes._threads(1e12, 1) == 1


@pytest.mark.parametrize("slices", [16, 20, 40, 60])
def test_rows_of_any_length_equal_their_definition(slices):
    """As many vectors as the slices fill are taken at a time; rows go over into the next line of pixels either way."""
    rng = np.random.default_rng(9)
    angles = np.array([[0.6, -30.0, 0.4], [-0.6, 20.0, -0.4], [1.1, 70.0, 0.0]])
    volume = rng.random((11, slices, 9), dtype=np.float32)
    images = rng.standard_normal((3, 9, slices - 3)).astype(np.float32)
    expected = naive_project(volume, angles, images.shape[1:])
    found = project(volume, angles, images.shape[1:])
    np.testing.assert_allclose(found, expected, atol=SINGLE * expected.max())
    expected = naive_back_project(images, angles, volume.shape)
    found = back_project(images, angles, volume.shape)
    np.testing.assert_allclose(found, expected, atol=SINGLE * abs(expected).max())


@pytest.mark.parametrize("turn", [0.0, 0.3, 1.2, 3.0, 40.0])
@pytest.mark.parametrize("shifted", [0.0, 0.37])
def test_pair_equals_its_definition_where_tiles_meet(turn, shifted):
    """More slices than are taken side by side and more voxels than a tile has, on every way of the kernels."""
    rng = np.random.default_rng(8)
    volume_shape, shape = (39, 67, 35), (21, 70)
    angles = np.array([[turn, -63.0, -turn], [turn, 50.0, turn], [0.0, 0.0, turn], [-turn, 90.0, 0.0]])
    shifts = np.full((4, 2), shifted)
    volume = rng.random(volume_shape, dtype=np.float32)
    images = rng.standard_normal((4, *shape)).astype(np.float32)
    grid = np.stack(np.meshgrid(*[np.arange(n) - n // 2 for n in volume_shape], indexing="ij"), -1).reshape(-1, 3)
    expected, back = np.zeros((4, *shape)), np.zeros(len(grid))
    for t, euler in enumerate(angles):
        u, v = (grid @ rotation(*euler)).T[:2] + np.array([[shape[0] // 2], [shape[1] // 2]]) + shifted
        for i in (np.floor(u), np.floor(u) + 1):
            for j in (np.floor(v), np.floor(v) + 1):
                weight = np.clip(1 - abs(u - i), 0, None) * np.clip(1 - abs(v - j), 0, None)
                seen = (i >= 0) & (i < shape[0]) & (j >= 0) & (j < shape[1])
                place = i[seen].astype(int), j[seen].astype(int)
                np.add.at(expected[t], place, (weight * volume.ravel())[seen])
                back[seen] += weight[seen] * images[t][place]
    found = project(volume, angles, shape, shifts=shifts)
    np.testing.assert_allclose(found, expected, atol=SINGLE * expected.max())
    found = back_project(images, angles, volume_shape, shifts=shifts)
    np.testing.assert_allclose(found.ravel(), back, atol=SINGLE * abs(back).max())


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
    volume = np.arange(2.0 * 3 * 19, dtype=np.float32).reshape(2, 3, 19)  # two full steps of the kernel and a rest
    inside = to_kernel(volume)
    np.testing.assert_array_equal(inside, volume.transpose(2, 0, 1))
    outside = from_kernel(inside)
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
