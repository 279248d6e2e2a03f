"""Places of motifs: the most regular one, the density at their centres, the cube that holds the most."""

from __future__ import annotations

import numpy as np
import pytest
from crystals import crystal, icosahedron
from packings import packing_of

from helpers.structure import (
    bipyramid_atoms,
    crowded_cube,
    find_tetrahedra,
    in_one_piece,
    mass_density,
    most_regular,
    motif_excess,
    polytetrahedral_packing,
    skeletons,
    slice_tetrahedra,
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


def in_a_box(shift):
    """A periodic bcc crystal about a stretched icosahedron's worth of motifs, moved as a whole."""
    random = np.random.default_rng(7)
    atoms, box = crystal("bcc", (6, 6, 6))
    atoms = (atoms + random.normal(0, 0.15, atoms.shape) + shift) % box
    return polytetrahedral_packing(atoms, 4.2, box=box, disordered=np.ones(len(atoms), bool)), box


def test_a_box_that_is_moved_has_the_same_crowd_and_the_same_excess():
    """Where the faces of a box lie makes no difference: half an edge away, motifs cross them."""
    (one, box), (other, _) = in_a_box(0.0), in_a_box(5.0)
    cubes = [crowded_cube(p, 8.0) for p in (one, other)]
    assert [len(r) for r in cubes[0][1].values()] == [len(r) for r in cubes[1][1].values()]
    for centre, rings in cubes:
        assert ((centre >= 0) & (centre < box)).all()
        for corners in rings.values():
            assert (np.abs(corners.mean(axis=1) - centre) < 4).all()
    grids = [mass_density(p.positions, 181.0, 3.0, box=box, spacing=box[0] / 20) for p in (one, other)]
    excess = [motif_excess(p, g, np.ones(g.values.shape, bool)) for p, g in zip((one, other), grids, strict=True)]
    np.testing.assert_allclose(list(excess[0].values()), list(excess[1].values()), atol=0.4)  # the grids differ
    with pytest.raises(ValueError, match="edge=20 Å exceeds half the box"):
        crowded_cube(one, 20.0)


def test_slices_of_tetrahedra_that_cross_the_faces_of_a_box_are_small():
    packing, box = in_a_box(0.0)
    cuts = slice_tetrahedra(packing.positions, packing.tetrahedra, 0.7, box=box)
    assert max(np.ptp(cut, axis=0).max() for cut in cuts) < 6
    assert max(np.ptp(c, axis=0).max() for c in slice_tetrahedra(packing.positions, packing.tetrahedra, 0.7)) > 12


def test_atoms_in_one_piece():
    packing, _ = in_a_box(0.0)
    for row in packing.tetrahedra[:50]:
        assert np.ptp(in_one_piece(packing, row), axis=0).max() < 6
    with pytest.raises(ValueError, match="atoms refers to index -1"):
        in_one_piece(packing, [0, -1])
