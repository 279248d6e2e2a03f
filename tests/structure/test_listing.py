"""Tables of bipyramids and networks: they say what the census says, and hold no coordinates."""

from __future__ import annotations

import numpy as np
import pytest

import helpers
from helpers import structure


@pytest.fixture(scope="module")
def found():
    """The packing of the embedded sample and its census."""
    sample = helpers.load_sample("demo")
    packing = structure.polytetrahedral_packing(sample.model(), sample.first_valley)
    return packing, structure.take_census(packing)


def test_each_bipyramid_has_its_row(found):
    packing, census = found
    table = structure.list_bipyramids(packing, census)
    five = census.motifs.fold[5]
    np.testing.assert_array_equal(table[["cap_1", "cap_2"]], five.caps)
    np.testing.assert_array_equal(table[[f"ring_{k}" for k in range(1, 6)]], five.ring)
    apart = np.linalg.norm(packing.positions[table.cap_1] - packing.positions[table.cap_2], axis=1)
    np.testing.assert_allclose(table["alpha [Å]"], apart, atol=0.00051)  # written to a thousandth
    np.testing.assert_array_equal(table["edge neighbours"], census.shared.edge)


def test_both_tables_count_the_same_networks(found):
    networks = structure.list_networks(*found)
    sizes = structure.list_bipyramids(*found).query("network >= 0").groupby("network").size()
    np.testing.assert_array_equal(sizes, networks["bipyramids"])
    assert networks["bipyramids"].is_monotonic_decreasing
    assert len(networks) == len(found[1].networks[5])


def test_two_tetrahedra_make_empty_tables():
    tetrahedron = 2.0 * np.array([[0.0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    packing = structure.polytetrahedral_packing(np.vstack([tetrahedron, tetrahedron + [30, 5, 9]]), 4.0)
    census = structure.take_census(packing)
    assert len(structure.list_bipyramids(packing, census)) == 0
    assert len(structure.list_networks(packing, census)) == 0
    assert len(structure.list_bipyramids(packing, census).columns) == 14
