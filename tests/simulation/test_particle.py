"""Particles: what is cut and planted is where it should be."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from scipy.spatial import cKDTree

from helpers.simulation import cut_sphere, plant_nucleus


@pytest.fixture
def crystal():
    return bulk("Ta", cubic=True).repeat(10)


def test_sphere_has_the_density_of_the_bulk(crystal):
    particle = cut_sphere(crystal, 14.0, (1.0, 2.0, 3.0))
    assert np.linalg.norm(particle.positions, axis=1).max() <= 14.0
    expected = len(crystal) / crystal.get_volume() * 4 / 3 * np.pi * 14.0**3
    assert len(particle) == pytest.approx(expected, rel=0.03)  # surface roughness of a lattice ball
    nearest = cKDTree(particle.positions).query(particle.positions, k=2)[0][:, 1]
    assert nearest.min() == pytest.approx(3.30 * np.sqrt(3) / 2, abs=0.01)  # no seam across the box


def test_sphere_must_fit(crystal):
    with pytest.raises(ValueError, match="exceeds half the box"):
        cut_sphere(crystal, 17.0)
    crystal.pbc = False
    with pytest.raises(ValueError, match="no periodic box"):
        cut_sphere(crystal, 5.0)


def test_planted_atoms_are_a_crystal(crystal):
    particle = cut_sphere(crystal, 14.0)
    made = plant_nucleus(particle, (8.0, 0.0, 0.0), 6.0, min_distance=2.4)
    planted = made.get_array("planted")
    assert np.linalg.norm(made.positions[planted] - [8.0, 0, 0], axis=1).max() <= 6.0
    nearest = cKDTree(made.positions).query(made.positions, k=2)[0][:, 1]
    assert nearest.min() >= 2.4
    with pytest.raises(ValueError, match="outside the particle"):
        plant_nucleus(particle, (50.0, 0.0, 0.0), 6.0)
