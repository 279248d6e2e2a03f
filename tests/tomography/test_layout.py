"""Size of extended objects: published sizes, and every ray covered."""

import numpy as np
import pytest

from helpers.geometry import rotation_matrices
from helpers.tomography import FilmLayout, extended_shape


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


def test_some_areas_alone_keep_their_numbers_and_reach_to_each_other():
    plan = FilmLayout([[20, 20, 5], [40, 20, 5], [60, 20, 5]], [[15, 15, 5]] * 3, (91, 41, 11), (4, 5, 6))
    some = plan.select([6, 4])
    assert some.numbers == (4, 6) and some.shape == plan.shape
    assert some.box(6) == plan.box(6) and some.neighbours() == [(4, 6)]
    with pytest.raises(ValueError, match=r"no areas \[7\]; it has 4 to 6"):
        plan.select([4, 7])
