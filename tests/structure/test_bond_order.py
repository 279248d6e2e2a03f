"""Bond orientational order: crystals, symmetry, freud, and the published arrays."""

from __future__ import annotations

import naive_neighbours as naive
import numpy as np
import pytest
from crystals import crystal, icosahedron
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from helpers.structure import REFERENCE_ORDER, bond_order, neighbours
from helpers.structure.bond_order import PUBLISHED_FCC, shell_order

CUTOFF = {"fcc": 3.6, "bcc": 3.8, "hcp": 3.6}  # bonds of 3 Å; bcc with its second shell at 3.46


@pytest.mark.parametrize("box", [None, np.array([11.0, 13.0, 12.0])])
def test_equals_complex_harmonics_summed_one_by_one(box):
    atoms = np.random.default_rng(0).uniform(0, 12, (150, 3))
    ours = bond_order(atoms, 3.0, box)
    q4, q6 = naive.bond_order(atoms, 3.0, box)
    np.testing.assert_allclose(ours.q4, q4, atol=1e-13)  # a few roundings of numbers near 1
    np.testing.assert_allclose(ours.q6, q6, atol=1e-13)


@pytest.mark.parametrize("name", ["fcc", "bcc", "hcp"])
def test_crystals_have_their_order_everywhere(name):
    atoms, box = crystal(name, (4, 4, 4))
    order = bond_order(atoms, CUTOFF[name], box)
    q4, q6 = REFERENCE_ORDER[name]
    for found in (order.q4, order.local_q4):
        np.testing.assert_allclose(found, q4, atol=1e-12)
    for found in (order.q6, order.local_q6):
        np.testing.assert_allclose(found, q6, atol=1e-12)


def test_reference_values_are_those_of_the_literature():
    # Mickel et al., J. Chem. Phys. 138, 044501 (2013), Table I, gives three digits
    expected = {"fcc": (0.191, 0.575), "bcc": (0.036, 0.511), "hcp": (0.097, 0.485), "icosahedron": (0.0, 0.663)}
    assert expected == {name: (round(q4, 3), round(q6, 3)) for name, (q4, q6) in REFERENCE_ORDER.items()}
    np.testing.assert_allclose(REFERENCE_ORDER["fcc"], [np.sqrt(7 / 192), 13 / np.sqrt(512)], rtol=1e-14)
    np.testing.assert_allclose(PUBLISHED_FCC, REFERENCE_ORDER["fcc"], atol=5e-7)  # rounded to six digits


def test_the_centre_of_an_icosahedron():
    order = bond_order(icosahedron(), 2.9)  # the radius is 2.853 Å for edges of 3 Å: bonds of the centre alone
    np.testing.assert_allclose([order.local_q4[0], order.local_q6[0]], REFERENCE_ORDER["icosahedron"], atol=1e-12)
    np.testing.assert_allclose(shell_order(icosahedron()[1:]), REFERENCE_ORDER["icosahedron"], atol=1e-12)


def test_normalised_is_one_for_fcc():
    atoms, box = crystal("fcc", (3, 3, 3))
    exact = bond_order(atoms, 3.6, box, fcc=REFERENCE_ORDER["fcc"])
    np.testing.assert_allclose(exact.normalised, 1, atol=1e-12)
    np.testing.assert_allclose(bond_order(atoms, 3.6, box).normalised, 1, atol=1e-6)  # the paper's six digits


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_invariances(seed):
    random = np.random.default_rng(seed)
    atoms = random.uniform(0, 10, (80, 3))
    order, swap = bond_order(atoms, 3.0), random.permutation(80)
    moved = Rotation.random(rng=random).apply(atoms[swap]) + random.uniform(-50, 50, 3)
    again, mirrored = bond_order(moved, 3.0), bond_order(-atoms, 3.0)
    for name in ("q4", "q6", "normalised", "local_q4", "local_q6"):
        # coordinates near 100 Å are rounded by 1e-14, bonds of 0.1 Å turn by 1e-13
        np.testing.assert_allclose(getattr(again, name), getattr(order, name)[swap], atol=1e-10)
        np.testing.assert_allclose(getattr(mirrored, name), getattr(order, name), atol=1e-12)


def test_moving_one_atom_changes_its_second_neighbours_at_most():
    atoms, box = crystal("fcc", (5, 5, 5))
    before = bond_order(atoms, 3.6, box).q6
    moved = atoms.copy()
    moved[0] += [0.2, 0.1, -0.1]
    changed = np.flatnonzero(abs(bond_order(moved, 3.6, box).q6 - before) > 1e-10)
    assert set(changed) == set(neighbours(atoms, 6.1, box).of(0)) | {0}  # 12 bonds, then 12 more: four shells


def test_an_atom_without_neighbours():
    order = bond_order([[0, 0, 0], [3, 0, 0], [50, 0, 0]], 4.0)
    assert np.isnan([order.q4[2], order.q6[2], order.local_q4[2], order.local_q6[2]]).all()
    assert order.normalised[2] == 0
    np.testing.assert_allclose(order.q6[:2], 1)  # one bond: full order
    assert np.isfinite(order.normalised).all()


def test_a_list_found_before_gives_the_same():
    atoms, box = crystal("bcc", (4, 4, 4))
    found = neighbours(atoms, 5.0, box)
    direct = bond_order(atoms, 3.8, box)
    np.testing.assert_array_equal(bond_order(atoms, 3.8, neighbours=found).q6, direct.q6)
    np.testing.assert_array_equal(bond_order(atoms, neighbours=found.within(3.8)).q6, direct.q6)


def test_equals_freud():
    freud = pytest.importorskip("freud")
    side = 25.0
    box = freud.box.Box.cube(side)
    atoms = box.wrap(np.random.default_rng(3).uniform(0, side, (900, 3))).astype(np.float32)
    ours = bond_order(atoms, 3.5, side)
    for degree, found in ((4, ours.q4), (6, ours.q6)):
        theirs = freud.order.Steinhardt(degree, average=True).compute((box, atoms), {"r_max": 3.5}).particle_order
        bonded = neighbours(atoms, 3.5, side).counts > 0
        np.testing.assert_allclose(found[bonded], theirs[bonded], atol=1e-4)  # freud: single precision


def test_bad_input():
    with pytest.raises(ValueError, match="atoms 0 and 2 lie in the same place"):
        bond_order([[0, 0, 0], [1, 0, 0], [0, 0, 0]], 3.0)
    with pytest.raises(ValueError, match="neither cutoff nor neighbours"):
        bond_order(np.eye(3))
    with pytest.raises(ValueError, match="exceeds half the box"):
        bond_order(np.eye(3), 6.0, 10.0)


@pytest.mark.parametrize(("name", "cutoff", "tolerance"), [("Ta", 4.12, 1e-6), ("Pd1", 3.90, 1e-12)])
def test_published_arrays(name, cutoff, tolerance, published):
    """Ta comes in single precision, Pd1 in double."""
    atoms = published(name).model().positions
    order = published(name, "bond_order").read("bond_order").ravel()
    np.testing.assert_allclose(bond_order(atoms, cutoff).normalised, order, atol=tolerance, rtol=0)
