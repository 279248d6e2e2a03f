"""The numbers of a packing: those of known clusters and crystals, and those of the single functions."""

from __future__ import annotations

import numpy as np
import pytest
from crystals import icosahedron

import helpers
from helpers.structure import (
    distortion,
    polytetrahedral_packing,
    take_census,
    take_stock,
)


def test_an_icosahedron():
    """Thirteen atoms, twenty tetrahedra, all in twelve bipyramids of one network."""
    found = take_stock(polytetrahedral_packing(icosahedron(), 3.1))
    assert found["tetrahedra"] == pytest.approx(20 / 13)
    assert (found["pentagonal"], found["quadrilateral"], found["triplets"]) == (100.0, 0.0, 0.0)
    assert (found["bipyramids"], found["filling"]) == (pytest.approx(12 / 13), pytest.approx(24 / 13))
    assert found["icosahedra"] == found["partial"] == pytest.approx(100 / 13)
    assert found["theta"] == pytest.approx(0, abs=1e-6)
    assert (found["largest_size"], found["largest_atoms"], found["joined"], found["largest"]) == (12, 13, 100, 100)
    assert found["windings"] == 0


def test_nothing_is_not_a_number():
    found = take_stock(polytetrahedral_packing(np.vstack([np.zeros(3), 50 * np.eye(3)]), 3.0))
    assert found["tetrahedra"] == found["largest_size"] == 0
    assert np.isnan([found["pentagonal"], found["theta"], found["largest_length"]]).all()


def test_the_embedded_sample():
    packing = polytetrahedral_packing(helpers.load_sample("demo").model(), 3.95)
    found, census = take_stock(packing), take_census(packing)
    assert found["tetrahedra"] == packing.inside.sum() / packing.disordered.sum()
    assert found["pentagonal"] == 100 * packing.fraction[5]
    assert found["theta"] == distortion(packing.positions, packing.motifs.fold[5]).theta.mean()
    assert found["largest_size"] == census.sizes[5].max()
    assert found["networks"] == pytest.approx(1000 * len(census.networks[5]) / packing.disordered.sum())
    with pytest.raises(TypeError, match="expected what polytetrahedral_packing returns"):
        take_stock(packing.positions)
