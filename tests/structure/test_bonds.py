"""Bond rings, bond angles, peaks and the distortion of polyhedra."""

from __future__ import annotations

import naive_networks as naive
import numpy as np
import pytest
from crystals import crystal, icosahedron
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.structure import (
    bond_angles,
    bond_order,
    bond_rings,
    distorted_icosahedra,
    find_nuclei,
    find_tetrahedra,
    neighbours,
    polytetrahedral_packing,
    ring_agreement,
    ring_shares,
    tetrahedron_distortion,
    voronoi,
)

VALLEY = {"Ta": 4.12, "Pd1": 3.90, "Pd2": 3.91}


def glass(seed, count=150, box=(9.0, 10.0, 11.0)):
    return np.random.default_rng(seed).random((count, 3)) * box, np.array(box)


# rings of common neighbours


@pytest.mark.parametrize(
    ("name", "cutoff", "each"),
    [("fcc", 3.6, {}), ("hcp", 3.6, {}), ("bcc", 3.6, {4: 3, 6: 4}), ("bcc", 3.1, {}), ("sc", 3.1, {})],
)
def test_rings_an_atom_in_perfect_crystals(name, cutoff, each):
    positions, box = crystal(name, (5, 4, 4))
    assert bond_rings(positions, cutoff, box=box).counts() == {n: each.get(n, 0) * len(positions) for n in range(3, 9)}


def test_rings_of_an_icosahedron():
    found = bond_rings(icosahedron(), 3.1)
    assert (found.ring[found.pairs[:, 0] == 0] == 5).all()
    assert found.counts(found.pairs[:, 0] > 0) == dict.fromkeys(range(3, 9), 0)


def test_shares_of_rings_and_of_bipyramids_with_one():
    """Of the 42 bonds of an icosahedron the 12 of its centre have rings of five, as have all its bipyramids."""
    packing = polytetrahedral_packing(icosahedron(), 3.1)
    assert ring_shares(packing) == pytest.approx({3: 0, 4: 0, 5: 100 * 12 / 42, 6: 0, 7: 0})
    assert ring_agreement(packing) == 100
    assert ring_agreement(packing, 4) == 0
    assert bond_rings([[0, 0, 0], [9, 0, 0]], 3.0).shares() == dict.fromkeys(range(3, 8), 0)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cutoff=st.floats(2.0, 4.4), periodic=st.booleans())
def test_rings_equal_the_plain_search(seed, cutoff, periodic):
    positions, box = glass(seed)
    if periodic:  # bonds between neighbours may not close through an image of them
        box = np.maximum(box, 4 * cutoff)
    found = bond_rings(positions, cutoff, box=box if periodic else None)
    expected = naive.bond_rings(positions, cutoff, box if periodic else None)
    assert list(map(tuple, found.pairs.tolist())) == sorted(expected)
    assert list(zip(found.common.tolist(), found.ring.tolist(), strict=True)) == [expected[k] for k in sorted(expected)]


# bond angles


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), periodic=st.booleans())
def test_angles_equal_the_plain_search(seed, periodic):
    positions, box = glass(seed)
    cell = box if periodic else None
    centres, density = bond_angles(positions, 3.0, box=cell, step=5.0)
    expected = np.histogram(naive.bond_angles(positions, 3.0, cell), bins=36, range=(0, 180))[0]
    assert density * 5 * expected.sum() == pytest.approx(expected)
    assert centres[0] == 2.5


def test_angles_of_fcc():
    """Twelve neighbours make 24 angles of 60, 12 of 90, 24 of 120 and 6 of 180 degrees."""
    positions, box = crystal("fcc", (4, 4, 4))
    angles, density = bond_angles(positions, 3.2, box=box, step=4.0)
    shares = {round(a): d * 4 for a, d in zip(angles, density, strict=True) if d > 0}
    total = 24 + 12 + 24 + 6
    found = {
        60: shares.get(58, 0) + shares.get(62, 0),
        90: shares.get(90),
        120: shares.get(118, 0) + shares.get(122, 0),
    }
    assert found == pytest.approx({60: 24 / total, 90: 12 / total, 120: 24 / total})
    assert shares[178] == pytest.approx(6 / total)


def test_angles_of_random_directions_are_flat_when_weighted():
    directions = np.random.default_rng(0).normal(size=(600, 3))
    shell = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    points = np.vstack([[0, 0, 0], shell])
    found = neighbours(points, 1.001)
    mask = np.ones(len(points), bool)
    _, density = bond_angles(points, neighbours=found, atoms=mask, step=10.0, weighted=True)
    assert np.isfinite(density).all()
    assert density.sum() * 10 == pytest.approx(1)
    only, _ = bond_angles(points, 1.001, step=10.0)
    assert len(only) == 18


def test_no_angles_give_nan():
    assert np.isnan(bond_angles([[0, 0, 0], [1, 0, 0]], 1.5)[1]).all()


def test_bad_input_for_angles():
    with pytest.raises(ValueError, match="does not divide 180"):
        bond_angles([[0, 0, 0]], 1.0, step=7.0)
    with pytest.raises(ValueError, match=r"expected a mask \(1,\)"):
        bond_angles([[0, 0, 0]], 1.0, atoms=[0])


# polyhedra


def test_polyhedron_of_an_icosahedron():
    """A shell around the icosahedron closes the central cell and leaves it alone."""
    positions = np.vstack([icosahedron(), 2.6 * icosahedron()[1:]])
    cells = voronoi(positions, max_radius=12.0)
    centre = tetrahedron_distortion(positions, find_tetrahedra(icosahedron(), 3.1))
    assert cells.distortion[0] == pytest.approx(centre.max(), abs=1e-9)


def test_polyhedra_of_bcc():
    """All 24 tetrahedra of bcc are alike: two edges of a and four of 0.866 a."""
    positions, box = crystal("bcc", (5, 5, 5))
    edges = np.array([1, 1, *4 * [np.sqrt(0.75)]])
    assert voronoi(positions, box=box).distortion == pytest.approx(edges.max() / edges.mean() - 1)


def test_unregulated_polyhedra_are_made_of_delaunay_tetrahedra():
    positions, box = glass(5, 400, (14.0, 15.0, 16.0))
    cells = voronoi(positions, box=box, minimum_area=0.0, minimum_edge=0.0)
    atoms = np.flatnonzero(cells.closed)[:40]
    rows = find_tetrahedra(positions, 7.0, 5.0, box, max_radius=6.0)  # all Delaunay tetrahedra
    values = tetrahedron_distortion(positions, rows, box=box)
    expected = [values[(rows == atom).any(axis=1)].max() for atom in atoms]
    assert cells.distortion[atoms] == pytest.approx(expected)
    dropped = voronoi(positions, box=box, minimum_area=0.05)
    assert (dropped.distortion[atoms] != cells.distortion[atoms]).any()


def test_published_icosahedra_with_little_distortion(published):
    """Seventeen in the three samples, the paper's number."""
    total = 0
    for name, cutoff in VALLEY.items():
        positions = published(name).model().positions
        near = neighbours(positions, cutoff)
        disordered = ~find_nuclei(positions, bond_order(positions, cutoff, neighbours=near).normalised)
        total += (distorted_icosahedra(positions, disordered, cutoff=cutoff)[1] <= 0.255).sum()
    assert total == 17
