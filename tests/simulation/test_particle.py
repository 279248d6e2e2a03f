"""Particles: what is cut and planted is where it should be."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from scipy.spatial import cKDTree

import helpers
from helpers.simulation import cut_like, cut_sphere, plant_nucleus


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


def test_a_piece_of_the_same_shape_has_as_many_atoms():
    """A ball cut like another ball of the same liquid; its reach was set so, at another place of the same liquid."""
    liquid = helpers.load_sample("MD5200").model()
    ball = cut_sphere(liquid, 20.0)
    pieces = [cut_like(liquid, ball, shift=shift) for shift in ((11.0, 3.0, 7.0), (40.0, 22.0, 13.0))]
    for piece in pieces:
        assert len(piece) == pytest.approx(len(ball), rel=0.03)  # and the density of the liquid fluctuates by 0.5 %
        assert not piece.pbc.any()
        assert np.linalg.norm(piece.positions, axis=1).max() <= 21.7
        assert cKDTree(piece.positions).query(piece.positions, k=2)[0][:, 1].min() > 1.8  # no seam where copies meet
    assert len(cut_like(liquid, ball.positions + 200.0)) == pytest.approx(len(ball), rel=0.03)


def test_holes_are_filled():
    crystal = bulk("Ta", cubic=True).repeat(10)
    solid = cut_sphere(crystal, 14.0)
    hollow = solid[np.linalg.norm(solid.positions, axis=1) > 3.2]
    assert len(cut_like(crystal, hollow)) == pytest.approx(len(cut_like(crystal, solid)), abs=3)


def test_a_shape_needs_a_box_and_an_inside(crystal):
    with pytest.raises(ValueError, match=r"no four of the 4 atoms lie on a sphere of radius 4 Å or less"):
        cut_like(crystal, 30 * np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]))
    with pytest.raises(ValueError, match="no periodic box; expected a bulk sample"):
        cut_like(cut_sphere(crystal, 10.0), crystal.positions)
