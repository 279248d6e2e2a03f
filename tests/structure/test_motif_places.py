"""Places of motifs: the most regular one, the density at their centres, the cube that holds the most."""

from __future__ import annotations

import numpy as np
import pytest
from crystals import icosahedron
from packings import packing_of

from helpers.structure import (
    bipyramid_atoms,
    crowded_cube,
    find_tetrahedra,
    mass_density,
    most_regular,
    motif_excess,
    skeletons,
)


def two_icosahedra():
    """A perfect icosahedron and, 40 Å away, one that is stretched by a tenth; the second one comes first."""
    ball = icosahedron()
    positions = np.concatenate([ball * [1.0, 1.0, 1.1] + [40.0, 0.0, 0.0], ball])
    return packing_of(positions, find_tetrahedra(positions, 3.3))


def test_the_most_regular_motif():
    packing = two_icosahedra()
    rows = most_regular(packing, 5)
    assert rows.shape == (5, 4)
    assert (rows >= 13).all()  # of the perfect icosahedron
    assert len(np.unique(rows)) == 7
    assert most_regular(packing, 4) is None


def test_atoms_of_a_bipyramid_in_order():
    """Neighbours in the ring are a bond apart, the others farther; the caps come first; a box is closed over."""
    packing = two_icosahedra()
    rows = most_regular(packing, 5)
    atoms = bipyramid_atoms(packing, rows)
    ring = atoms[2:]
    assert np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1) == pytest.approx(np.full(5, 3.0))
    assert np.linalg.norm(ring - np.roll(ring, 2, axis=0), axis=1).min() > 4
    assert np.linalg.norm(atoms[0] - atoms[1]) == pytest.approx(3.0 * np.sin(2 * np.pi / 5))
    boxed = packing_of((packing.positions + 19.5) % 60.0, packing.tetrahedra, box=[60.0] * 3)
    assert bipyramid_atoms(boxed, rows) - bipyramid_atoms(boxed, rows)[0] == pytest.approx(atoms - atoms[0])
    with pytest.raises(ValueError, match="make no ring; expected one bipyramid"):
        bipyramid_atoms(packing, rows[[0, 2, 1, 3, 4]])


def test_a_crowded_cube():
    """Half of a third icosahedron, far off, holds fewer motifs."""
    packing = two_icosahedra()
    centre, found = crowded_cube(packing, 12.0)
    assert np.abs(centre - [40, 0, 0]).max() < 6 or np.abs(centre).max() < 6
    assert found[5].shape == (12, 5, 3)
    assert np.abs(found[5].mean(axis=1) - centre).max() < 6
    assert [len(found[n]) for n in (3, 4, 6)] == [0, 0, 0]
    nothing = packing_of(packing.positions, np.empty((0, 4), int))
    assert crowded_cube(nothing, 5.0)[0].tolist() == packing.positions[0].tolist()
    with pytest.raises(ValueError, match="edge"):
        crowded_cube(packing, 0.0)


def test_density_at_the_motifs():
    packing = two_icosahedra()
    grid = mass_density(packing.positions, 180.9, 3.0, max_radius=8.0)
    grid.values[:] = np.where(np.isnan(grid.values), np.nan, 2.0)
    at = grid.nearest(skeletons(packing.motifs.fold[5], packing).mean(axis=1))
    grid.values[tuple(at.T)] = 3.0
    region = grid.inside
    found = motif_excess(packing, grid, region)
    assert found[5] == pytest.approx(100 * (3.0 / grid.values[region].mean() - 1))
    assert np.isnan([found[n] for n in (3, 4, 6)]).all()
