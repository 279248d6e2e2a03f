"""Pair distributions between elements."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from helpers.structure import pair_distribution, partial_pair_distributions

RANDOM = np.random.default_rng(3)
GLASS = Atoms("Ta400", RANDOM.uniform(0, 22, (400, 3)), cell=3 * [22.0], pbc=True)
GLASS.symbols[RANDOM.permutation(400)[:120]] = "Pd"


def test_shares_of_the_partial_ones_add_up_to_the_whole():
    whole, found = pair_distribution(GLASS), partial_pair_distributions(GLASS)
    assert list(found) == ["Pd–Pd", "Pd–Ta", "Ta–Ta"]
    counted = sum(p.pairs for p in found.values())
    np.testing.assert_array_equal(counted, whole.pairs)  # every pair is of one kind
    weights = {"Pd–Pd": 120 * 119, "Pd–Ta": 2 * 120 * 280, "Ta–Ta": 280 * 279}
    total = sum(weights[k] * p.raw for k, p in found.items()) / (400 * 399)
    np.testing.assert_allclose(total, whole.raw, rtol=1e-12)


def test_a_finite_sample_whose_elements_are_mixed_has_one_curve():
    ball = bulk("Ta", cubic=True).repeat(9)
    ball.pbc = False
    ball.positions += RANDOM.normal(0, 0.25, ball.positions.shape)
    ball = ball[np.linalg.norm(ball.positions - ball.positions.mean(axis=0), axis=1) < 13]
    ball.symbols[RANDOM.permutation(len(ball))[: len(ball) // 2]] = "Nb"
    whole, found = pair_distribution(ball, 12.0), partial_pair_distributions(ball, 12.0)
    for curve in found.values():  # 250 atoms of each: 6e3 pairs a shell of 0.5 Å scatter by 2 %
        smooth = [p.g[25:].reshape(-1, 5).mean(axis=1) for p in (curve, whole)]
        np.testing.assert_allclose(*smooth, rtol=0.15)


def test_layers_of_two_elements_meet_only_across():
    atoms = bulk("CsCl", "cesiumchloride", 4.1, cubic=True).repeat(5)
    found = partial_pair_distributions(atoms, 8.0, smoothing=0)
    assert found["Cl–Cs"].r[found["Cl–Cs"].pairs > 0][0] == pytest.approx(4.1 * np.sqrt(0.75), abs=0.05)
    assert found["Cl–Cl"].r[found["Cl–Cl"].pairs > 0][0] == pytest.approx(4.1, abs=0.06)


def test_one_element_and_rare_ones():
    assert partial_pair_distributions(bulk("Ta", cubic=True).repeat(4)) == {}
    few = GLASS.copy()
    few.symbols[:] = "Ta"
    few.symbols[:5] = "Pd"
    assert partial_pair_distributions(few) == {}


def test_an_array_needs_elements():
    with pytest.raises(ValueError, match="elements=None; expected the chemical symbol of each atom"):
        partial_pair_distributions(GLASS.positions, box=22.0)
    with pytest.raises(ValueError, match="elements names 2 atoms but positions holds 400"):
        partial_pair_distributions(GLASS.positions, box=22.0, elements=["Ta", "Pd"])
    same = partial_pair_distributions(GLASS.positions, box=22.0, elements=GLASS.get_chemical_symbols())
    np.testing.assert_array_equal(same["Pd–Ta"].g, partial_pair_distributions(GLASS)["Pd–Ta"].g)
