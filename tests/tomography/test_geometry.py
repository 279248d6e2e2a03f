"""Rotations, Euler angles and the size of extended objects."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_projection import rotation

from helpers.tomography import euler_angles, extended_shape, rotation_matrices

angle = st.floats(-89, 89)


@settings(deadline=None)
@given(angle, angle, angle)
def test_rotation_is_rz_ry_rx(phi, theta, psi):
    np.testing.assert_allclose(rotation_matrices([[phi, theta, psi]])[0], rotation(phi, theta, psi), atol=1e-12)


@settings(deadline=None)
@given(st.floats(-179, 179), angle, st.floats(-179, 179))
def test_euler_angles_invert_rotation_matrices(phi, theta, psi):
    # 1e-6: arcsine loses digits near 90 degrees
    np.testing.assert_allclose(euler_angles(rotation_matrices([[phi, theta, psi]]))[0], [phi, theta, psi], atol=1e-6)


def test_pure_tilt_moves_x_as_documented():
    # x_det = x cos θ − z sin θ, y_det = y
    theta = np.deg2rad(30.0)
    u, v, _ = rotation_matrices([30.0])[0].T @ [2.0, 5.0, 3.0]
    np.testing.assert_allclose([u, v], [2 * np.cos(theta) - 3 * np.sin(theta), 5.0])


def test_published_extended_sizes(published):
    example = published("ResireExample", "angles").angles()
    assert extended_shape((61, 61), example, 61) == (437, 61, 61)
    film = published("Ta", "angles").angles()
    nx, ny, nz = extended_shape((131, 61), film, 131)
    assert (nx, nz) == (543, 131)
    assert ny >= 63  # ours also covers the corners of the images at high tilt


def test_extended_object_covers_every_ray():
    angles = np.array([[0.4, -63.0, 0.2], [0.0, 0.0, 0.0], [-0.2, 56.0, -0.4]])
    shape = extended_shape((41, 21), angles, 31)
    half = np.array(shape) // 2
    for matrix in rotation_matrices(angles):
        for u in (-20, 20):
            for v in (-10, 10):
                for z in (-15, 15):
                    x, y = np.linalg.solve(matrix[:2, :2].T, np.array([u, v]) - matrix[2, :2] * z)
                    assert abs(x) <= half[0] + 1e-9
                    assert abs(y) <= half[1] + 1e-9


def test_extended_shape_refuses_a_view_along_the_film():
    with pytest.raises(ValueError, match=r"tilt 1 .* looks along the film .*leave it out"):
        extended_shape((9, 9), [0.0, 90.0], 9)
    with pytest.raises(ValueError, match="thickness=0"):
        extended_shape((9, 9), [0.0, 10.0], 0)
