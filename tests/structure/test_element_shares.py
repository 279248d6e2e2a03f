"""Elements of motifs: planted truth, nothing by chance, the scatter of chance equal to that of shuffles."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from helpers.structure import Bipyramids, element_shares, find_motifs, find_tetrahedra, motif_elements

NONE = find_motifs(np.empty((0, 4), int)).fold[5]


def disorder():
    """Return the bipyramids of 1,500 atoms placed by chance, and how many atoms there are."""
    random = np.random.default_rng(4)
    places = random.random((1500, 3)) * 30
    return find_motifs(find_tetrahedra(places, 4.0, 0.5, 30.0)).fold[5], len(places)


def test_planted_caps_and_rings():
    """All atoms that cap are made Cu: the caps hold Cu alone, and the rings what is left."""
    motif, atoms = disorder()
    assert len(motif) > 200
    elements = np.full(atoms, "Zr")
    elements[motif.caps] = "Cu"
    found = motif_elements(motif, elements.tolist())
    assert found["caps"].elements == ["Cu", "Zr"]
    np.testing.assert_array_equal(found["caps"].share, [1.0, 0.0])
    in_ring = np.mean(elements[motif.ring] == "Cu")  # counted one by one
    np.testing.assert_allclose(found["ring"].share, [in_ring, 1 - in_ring], rtol=1e-12)
    np.testing.assert_allclose(found["ring"].even, [np.mean(elements == "Cu"), np.mean(elements == "Zr")])
    assert (found["caps"].share - found["caps"].even)[0] > 10 * found["caps"].scatter[0]


def test_of_an_ordered_crystal_each_element_takes_its_place():
    """In B2 the bipyramids of four around an edge along an axis have like caps, and the ring is of the "
    "other element."""
    crystal = bulk("CsCl", "cesiumchloride", 3.3, cubic=True).repeat(4)
    fourfold = find_motifs(find_tetrahedra(crystal, 3.7)).fold[4]
    elements = np.array(crystal.get_chemical_symbols())
    along = (elements[fourfold.caps[:, 0]] == elements[fourfold.caps[:, 1]]) & (elements[fourfold.caps[:, 0]] == "Cs")
    assert along.sum() == 3 * 64  # an edge along each axis from each Cs
    found = motif_elements(fourfold[along], elements.tolist())
    assert found["caps"].share.tolist() == [0.0, 1.0]
    assert found["ring"].share.tolist() == [1.0, 0.0]


@pytest.mark.parametrize("part", ["caps", "ring"])
def test_the_scatter_of_chance_is_that_of_shuffles(part):
    motif, atoms = disorder()
    random = np.random.default_rng(5)
    elements = np.array(["Cu"] * 900 + ["Pd"] * 450 + ["Zr"] * 150)
    shares, drawn = motif_elements(motif, elements.tolist())[part], []
    for _ in range(2000):
        mixed = random.permutation(elements)[getattr(motif, part)]
        drawn.append([np.mean(mixed == element) for element in shares.elements])
    # 2,000 draws: the mean to 1 in √2000 of the scatter, the scatter to 1 in √4000, each within four of these
    np.testing.assert_allclose(np.mean(drawn, axis=0), shares.even, atol=4 * shares.scatter.max() / np.sqrt(2000))
    np.testing.assert_allclose(np.std(drawn, axis=0), shares.scatter, rtol=4 / np.sqrt(4000))
    assert atoms == 1500


def test_only_atoms_that_could_take_part_count():
    elements, times, among = ["Cu", "Cu", "Zr", "Zr", "Zr"], [2, 0, 1, 0, 0], [True, True, True, False, False]
    found = element_shares(elements, times, among=among)
    alone = element_shares(elements[:3], times[:3])
    for name in ("share", "even", "scatter"):
        np.testing.assert_array_equal(getattr(found, name), getattr(alone, name))
    np.testing.assert_allclose(found.share, [2 / 3, 1 / 3])


def test_a_mask_is_drawing_without_replacement():
    """Two of four atoms drawn, of which two are Cu: the variance of a hypergeometric number over 2²."""
    found = element_shares(["Cu", "Cu", "Zr", "Zr"], [True, False, True, False])
    np.testing.assert_allclose(found.scatter**2, 2 * 0.5 * 0.5 * (4 - 2) / (4 - 1) / 2**2)
    every = element_shares(["Cu", "Cu", "Zr"], np.ones(3))
    np.testing.assert_array_equal(every.scatter, 0)  # where all take part nothing is left to chance


def test_where_there_is_nothing():
    empty = motif_elements(NONE, ["Cu", "Zr"])["caps"]
    assert np.isnan(empty.share).all()
    assert np.isnan(empty.scatter).all()
    assert empty.even.tolist() == [0.5, 0.5]
    nobody = element_shares(["Cu", "Zr"], [0, 0], among=[False, False])
    assert np.isnan(nobody.even).all()
    assert np.isnan(nobody.share).all()
    one = element_shares(["Cu"], [3])
    assert (one.share.tolist(), one.even.tolist(), np.isnan(one.scatter).tolist()) == ([1.0], [1.0], [True])
    large = element_shares(["Cu", "Zr"], [1e308, 1e308])
    assert large.share.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("elements", "times", "among", "message"),
    [
        (["Cu"], [1, 2], None, "elements names 1 atom but times holds 2"),
        (["Cu", "Zr"], [1, -2], None, "holds -2; expected .N,. of at least 0"),
        (["Cu", "Zr"], [[1, 2]], None, r"times has shape \(1, 2\)"),
        (["Cu", "Zr"], [1, np.nan], None, "times holds 1 value that is NaN or infinite"),
        (["Cu", "Zr"], [1, 1], [True, False], "times is above zero for 1 atom outside among"),
        (["Cu", "Zr"], [1, 1], [True], "among has shape"),
    ],
)
def test_what_is_refused(elements, times, among, message):
    with pytest.raises(ValueError, match=message):
        element_shares(elements, times, among=among)


def test_elements_of_another_model_are_refused():
    motif = Bipyramids(np.zeros((1, 4), int), np.array([[0, 1]]), np.array([[2, 3, 4, 5]]))
    with pytest.raises(ValueError, match="motif refers to atom 5 but elements names 2"):
        motif_elements(motif, ["Cu", "Zr"])
    with pytest.raises(ValueError, match="elements='Cu'; expected the chemical symbol of each atom"):
        motif_elements(motif, "Cu")
