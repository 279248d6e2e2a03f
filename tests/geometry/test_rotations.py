"""Rotations, Euler angles, rotation vectors and what a detector sees, against SciPy's rotations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from helpers.geometry import check_euler, detector_coordinates, euler_angles, origin_shifts, rotation_matrices
from helpers.geometry.rotations import (
    _euler_axes,
    _mean_rotation,
    _nearest_euler,
    _rotation_vectors,
    _vector_matrices,
)

angle = st.floats(-89, 89)
full_turn = st.floats(-180, 180)
# a few operations on numbers of order one
EXACT = {"rtol": 0, "atol": 1e-12}


@settings(deadline=None)
@given(full_turn, full_turn, full_turn)
def test_rotation_is_rz_ry_rx(phi, theta, psi):
    expected = (
        Rotation.from_euler("z", phi, degrees=True)
        * Rotation.from_euler("y", theta, degrees=True)
        * Rotation.from_euler("x", psi, degrees=True)
    )
    np.testing.assert_allclose(rotation_matrices([[phi, theta, psi]])[0], expected.as_matrix(), **EXACT)


@settings(deadline=None)
@given(st.floats(-179, 179), angle, st.floats(-179, 179))
def test_euler_angles_invert_rotation_matrices(phi, theta, psi):
    # rounding of a matrix turns φ and ψ by up to 1 / cos 89° = 60 times as much
    np.testing.assert_allclose(
        euler_angles(rotation_matrices([[phi, theta, psi]]))[0], [phi, theta, psi], rtol=0, atol=1e-11
    )


@pytest.mark.parametrize("theta", [90.0, -90.0])
def test_where_two_axes_meet_psi_is_zero_and_the_rotation_the_same(theta):
    matrices = rotation_matrices([[20.0, theta, 35.0]])
    found = euler_angles(matrices)
    np.testing.assert_allclose(found[0, 1:], [theta, 0.0], rtol=0, atol=1e-6)
    # cos 90° is 6e-17 in doubles, which arctangents of two such numbers cannot lift above 1e-7
    np.testing.assert_allclose(rotation_matrices(found), matrices, rtol=0, atol=2e-7)


def test_pure_tilt_moves_x_as_documented():
    # x_det = x cos θ − z sin θ, y_det = y
    theta = np.deg2rad(30.0)
    seen = detector_coordinates([[2.0, 5.0, 3.0]], [30.0])
    np.testing.assert_allclose(seen, [[[2 * np.cos(theta) - 3 * np.sin(theta), 5.0]]], **EXACT)


def test_detector_coordinates_are_those_of_the_turned_object():
    rng = np.random.default_rng(2)
    points, euler = rng.normal(size=(7, 3)), rng.uniform(-180, 180, (4, 3))
    expected = np.stack([r.inv().apply(points) for r in Rotation.from_euler("ZYX", euler, degrees=True)])
    np.testing.assert_allclose(detector_coordinates(points, euler, depth=True), expected, **EXACT)
    np.testing.assert_allclose(detector_coordinates(points, euler), expected[:, :, :2], **EXACT)


def test_angles_of_one_column_are_pure_tilts():
    expected = [[0.0, -30.0, 0.0], [0.0, 45.0, 0.0]]
    np.testing.assert_array_equal(check_euler([-30.0, 45.0]), expected)
    np.testing.assert_array_equal(check_euler([[-30.0], [45.0]]), expected)
    np.testing.assert_array_equal(check_euler(expected), expected)


@settings(deadline=None)
@given(st.floats(0, np.pi), st.floats(-1, 1), st.floats(-np.pi, np.pi))
def test_rotation_vectors_and_matrices_invert_each_other(size, height, azimuth):
    flat = np.sqrt(1 - height**2)
    vector = size * np.array([[flat * np.cos(azimuth), flat * np.sin(azimuth), height]])
    matrix = _vector_matrices(vector)
    np.testing.assert_allclose(matrix, Rotation.from_rotvec(vector).as_matrix(), **EXACT)
    found = _rotation_vectors(matrix)
    # at half a turn a vector and its opposite mean the same, so matrices are compared; 1e-8 is √ε, the worst there
    np.testing.assert_allclose(_vector_matrices(found), matrix, rtol=0, atol=1e-8)
    if size < 3.1:
        np.testing.assert_allclose(found, vector, rtol=0, atol=1e-11)


def test_the_mean_rotation_is_that_of_scipy():
    rotations = Rotation.from_rotvec(np.random.default_rng(0).normal(scale=0.8, size=(30, 3)))
    np.testing.assert_allclose(_mean_rotation(rotations.as_matrix()), rotations.mean().as_matrix(), **EXACT)


def test_the_mean_of_opposite_half_turns_is_no_mirror():
    turns = Rotation.from_rotvec([[np.pi, 0, 0], [0, np.pi, 0], [0, 0, np.pi]]).as_matrix()
    assert np.linalg.det(_mean_rotation(turns)) == pytest.approx(1.0)


def test_small_changes_of_angles_turn_about_the_euler_axes():
    euler, step = np.array([[12.0, -50.0, 7.0]]), 1e-4
    for k in range(3):
        later = euler + step * np.eye(3)[k]
        turn = _rotation_vectors(rotation_matrices(later) @ rotation_matrices(euler).swapaxes(1, 2))
        np.testing.assert_allclose(turn[0] / np.deg2rad(step), _euler_axes(euler)[0, :, k], atol=1e-8)


def test_the_nearest_of_equal_euler_angles_is_found():
    for near in ([[170.0, 100.0, -175.0]], [[-190.0, 80.0, 185.0]], [[3.0, 120.0, -2.0]]):
        np.testing.assert_allclose(_nearest_euler(rotation_matrices(near), np.array(near)), near, rtol=0, atol=1e-11)


def test_the_free_origin_is_one_displacement_in_space():
    rng = np.random.default_rng(4)
    euler = rng.uniform(-40, 40, (9, 3))
    seen = detector_coordinates([[3.0, -1.5, 2.0]], euler)[:, 0]
    np.testing.assert_allclose(origin_shifts(seen, euler), seen, **EXACT)
    noise = rng.normal(size=(9, 2))
    left = noise - origin_shifts(noise, euler)
    np.testing.assert_allclose(origin_shifts(left, euler), 0, **EXACT)  # nothing more to take off


def test_bad_input_is_explained():
    with pytest.raises(ValueError, match=r"shifts has shape \(8, 2\); expected \(9, 2\)"):
        origin_shifts(np.zeros((8, 2)), np.zeros((9, 3)))
    with pytest.raises(ValueError, match=r"matrices has shape \(3, 3\); expected \(T, 3, 3\)"):
        euler_angles(np.eye(3))
    for wrong in (np.diag([1.0, 1.0, -1.0]), np.eye(3) * 1.1, np.full((3, 3), np.nan)):
        with pytest.raises(ValueError, match="matrix 1 is no rotation; expected orthonormal columns"):
            euler_angles([np.eye(3), wrong])
    with pytest.raises(ValueError, match=r"angles has shape \(3, 5\); expected \(T,\) or \(T, 3\); transpose it"):
        rotation_matrices(np.zeros((3, 5)))
    with pytest.raises(ValueError, match=r"positions has shape \(3, 2\); expected \(N, 3\)"):
        detector_coordinates(np.zeros((3, 2)), [0.0])
