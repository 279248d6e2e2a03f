"""Chemical short-range order: exact in crystals, nothing by chance, on chosen atoms and on given neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from helpers.structure import chemical_order, neighbours


def ordered(name, *, cutoff):
    """Crystals with known order: elements in the cell, and a cutoff between two shells."""
    if name == "B2":
        return bulk("CsCl", "cesiumchloride", 4.0, cubic=True).repeat(4), cutoff
    cell = bulk("Cu", "fcc", 3.75, cubic=True)
    cell.symbols[0] = "Au"
    if name == "L1_0":
        cell.symbols[np.isclose(cell.positions[:, 2], 0)] = "Au"
    return cell.repeat(4), cutoff


@pytest.mark.parametrize(
    ("name", "cutoff", "elements", "coordination", "order"),
    [
        # B2: 8 unlike neighbours, then also 6 like ones: 1 - 8 / (14 / 2), 1 - 6 / (14 / 2)
        ("B2", 3.8, ["Cl", "Cs"], [[0, 8], [8, 0]], [[1, -1], [-1, 1]]),
        ("B2", 4.5, ["Cl", "Cs"], [[6, 8], [8, 6]], [[1 / 7, -1 / 7], [-1 / 7, 1 / 7]]),
        # L1_2, Cu3Au: 12 Cu around Au; 4 Au and 8 Cu around Cu
        ("L1_2", 3.2, ["Au", "Cu"], [[0, 12], [4, 8]], [[1, -1 / 3], [-1 / 3, 1 / 9]]),
        # its second shell: the 6 atoms at the lattice constant are of the same element
        ("L1_2", 4.0, ["Au", "Cu"], [[6, 12], [4, 14]], [[-1 / 3, 1 / 9], [1 / 9, -1 / 27]]),
        # L1_0, CuAu: 4 like and 8 unlike of 12
        ("L1_0", 3.2, ["Au", "Cu"], [[4, 8], [8, 4]], [[1 / 3, -1 / 3], [-1 / 3, 1 / 3]]),
    ],
)
def test_crystals(name, cutoff, elements, coordination, order):
    found = chemical_order(*ordered(name, cutoff=cutoff))
    assert found.elements == elements
    np.testing.assert_array_equal(found.coordination, coordination)
    np.testing.assert_allclose(found.order, order, atol=1e-12)
    assert (found.chance < 0.2).all()


def mixed(seed, share=0.3):
    random = np.random.default_rng(seed)
    atoms = Atoms("Cu1000", random.uniform(0, 23, (1000, 3)), cell=3 * [23.0], pbc=True)
    atoms.symbols[random.random(1000) < share] = "Zr"
    return atoms


def test_a_mixture_by_chance_has_no_order():
    """Its parameters scatter by what `chance` says: their ratio squared has a mean of one over many mixtures."""
    ratios = []
    for seed in range(30):
        found = chemical_order(mixed(seed), 4.0)
        ratios.append((found.order / found.chance) ** 2)
    np.testing.assert_allclose(np.mean(ratios, axis=0), 1.0, atol=0.9)  # of 30 squares of a normal: 1 ± 0.26


def test_sums_are_those_of_all_neighbours():
    atoms = mixed(1)
    found, near = chemical_order(atoms, 4.0), neighbours(atoms, 4.0)
    kinds = np.array(atoms.get_chemical_symbols())
    means = [near.counts[kinds == name].mean() for name in found.elements]
    np.testing.assert_allclose(found.coordination.sum(axis=1), means)
    np.testing.assert_allclose(found.order @ [np.mean(kinds == name) for name in found.elements], 0, atol=1e-12)


def test_plainly_counted_around_chosen_atoms():
    atoms = mixed(2)[:200]
    atoms.pbc = False
    chosen = np.random.default_rng(0).random(200) < 0.5
    found = chemical_order(atoms, 5.0, centres=chosen)
    kinds, far = np.array(atoms.get_chemical_symbols()), atoms.get_all_distances()
    for i, a in enumerate(found.elements):
        rows = chosen & (kinds == a)
        assert found.counts[i] == rows.sum()
        for j, b in enumerate(found.elements):
            plain = ((far[rows] > 0) & (far[rows] <= 5.0))[:, kinds == b].sum() / rows.sum()
            assert found.coordination[i, j] == pytest.approx(plain, abs=1e-12)


def test_a_list_found_before_gives_the_same():
    atoms = mixed(3)
    given = chemical_order(atoms, 4.0, neighbours=neighbours(atoms, 6.0))
    np.testing.assert_array_equal(given.order, chemical_order(atoms, 4.0).order)


def test_one_element_and_lonely_atoms():
    one = chemical_order(bulk("Cu", cubic=True).repeat(3), 3.0)
    assert one.elements == ["Cu"] and one.order.tolist() == [[0.0]] and one.coordination.tolist() == [[12.0]]
    far = chemical_order(Atoms("CuZrZr", [[0, 0, 0], [2, 0, 0], [50, 0, 0]]), 3.0, shuffles=0)
    np.testing.assert_allclose(far.coordination, [[0, 1], [0.5, 0]])
    assert np.isnan(far.chance).all()
    alone = chemical_order(Atoms("CuZr", [[0, 0, 0], [50, 0, 0]]), 3.0)
    assert np.isnan(alone.order).all() and (alone.coordination == 0).all()


def test_what_is_refused():
    atoms = mixed(4)
    with pytest.raises(ValueError, match="elements=None; expected the chemical symbol of each atom"):
        chemical_order(atoms.positions, 4.0, box=23.0)
    with pytest.raises(ValueError, match="neither cutoff nor neighbours is given"):
        chemical_order(atoms)
    with pytest.raises(ValueError, match="centres has shape"):
        chemical_order(atoms, 4.0, centres=[True])
