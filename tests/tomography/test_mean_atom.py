"""The mean atom of planted atoms, round and drawn out."""

import numpy as np
import pytest

from helpers import Volume
from helpers.tomography import mean_atom

SIGMA = np.array([0.5, 0.7, 0.9])  # Å
POSITIONS = np.array([[-3.0, 0.4, 1.2], [2.6, -0.8, -2.0]])


@pytest.fixture(scope="module")
def planted():
    """Two atoms, far apart, each a Gaussian of another width along each axis."""
    grid = [0.1 * (np.arange(n) - n // 2) for n in (101, 81, 91)]
    array = np.zeros((101, 81, 91))
    for atom in POSITIONS:
        x, y, z = (np.exp(-((g - p) ** 2) / (2 * s**2)) for g, p, s in zip(grid, atom, SIGMA, strict=True))
        array += x[:, None, None] * y[:, None] * z
    return Volume(array, 0.1)


def test_widths_are_those_of_the_planted_atoms(planted):
    widths = mean_atom(planted, POSITIONS).widths(level=0.75)
    expected = 2 * SIGMA * np.sqrt(2 * np.log(1 / 0.75))
    np.testing.assert_allclose(widths, expected, atol=0.01)  # a tenth of a voxel, by linear interpolation


def test_the_atom_stands_in_the_middle(planted):
    found = mean_atom(planted, POSITIONS, reach=1.0, step=0.1)
    np.testing.assert_allclose(found.distance, 0.1 * np.arange(-10, 11), atol=1e-12)
    np.testing.assert_allclose(found.profiles[:, 10], 1.0)
    np.testing.assert_allclose(found.profiles, found.profiles[:, ::-1], atol=1e-6)  # both atoms lie on voxels


def test_a_profile_that_does_not_fall_has_no_width():
    flat = mean_atom(Volume(np.ones((40, 40, 40)), 1.0), [[0.0, 0.0, 0.0]])
    assert np.isnan(flat.widths()).all()


def test_a_length_must_be_positive(planted):
    with pytest.raises(ValueError, match="reach"):
        mean_atom(planted, POSITIONS, reach=0.0)
