"""Neighbour lists: against a slow search, scipy and freud, and on what must be refused."""

from __future__ import annotations

import naive_neighbours as naive
import numpy as np
import pytest
from crystals import crystal
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from helpers.geometry._cells import build, expected_pairs
from helpers.geometry.neighbours import Neighbours, neighbours, resolve_neighbours

BOX = np.array([13.0, 11.0, 17.0])


def gas(count=300, seed=0, box=BOX):
    """Atoms at random, also outside the box that they are wrapped into."""
    return np.random.default_rng(seed).uniform(-1, 2, (count, 3)) * box


def tree_pairs(positions, cutoff, box=None):
    """All ordered pairs by scipy, sorted."""
    tree = cKDTree(positions if box is None else np.mod(positions, box), boxsize=box)
    pairs = tree.query_pairs(cutoff, output_type="ndarray")
    pairs = np.vstack([pairs, pairs[:, ::-1]])
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


@pytest.mark.parametrize("box", [None, BOX])
@pytest.mark.parametrize("cutoff", [0.7, 3.1, 5.5])  # one, some and, with the box, nearly all cells in reach
def test_equals_the_slow_search(cutoff, box):
    atoms = gas()
    found = neighbours(atoms, cutoff, box)
    for i, row in enumerate(naive.neighbours(atoms, cutoff, box)):
        assert found.of(i).tolist() == [j for j, _ in row]
        distances = found.distances[found.offsets[i] : found.offsets[i + 1]]
        # minimum image and wrapping round differently: a few units in the last place of the box
        np.testing.assert_allclose(distances, [d for _, d in row], rtol=0, atol=1e-13 * BOX.max())


@pytest.mark.parametrize("box", [None, np.array([40.0, 44.0, 52.0])])
@pytest.mark.parametrize(("count", "cutoff"), [(5000, 4.0), (5000, 9.0), (300, 19.9), (1, 3.0), (2, 15.0)])
def test_equals_the_tree_of_scipy(count, cutoff, box):
    atoms = gas(count, 1, np.array([40.0, 44.0, 52.0]))
    found = neighbours(atoms, cutoff, box)
    np.testing.assert_array_equal(found.pairs, tree_pairs(atoms, cutoff, box))
    assert (found.offsets.dtype, found.indices.dtype, found.distances.dtype) == (np.int64, np.int32, np.float64)


def test_equals_freud():
    freud = pytest.importorskip("freud")
    side = 30.0
    atoms = np.random.default_rng(2).uniform(0, side, (1500, 3))
    box = freud.box.Box.cube(side)
    points = box.wrap(atoms).astype(np.float32)
    query = freud.AABBQuery(box, points).query(points, {"r_max": 5.0, "exclude_ii": True})
    theirs = query.toNeighborList()
    ours = neighbours(points, 5.0, side)

    # freud computes in single precision: pairs within 1e-5 Å of the cutoff may differ
    def far(pairs, distances):
        return {tuple(pair) for pair, d in zip(pairs.tolist(), distances, strict=True) if abs(d - 5) > 1e-5}

    assert far(ours.pairs, ours.distances) == far(np.asarray(theirs[:]), theirs.distances)


def test_a_box_equals_its_explicit_images():
    atoms = gas(200) % BOX
    shifts = np.array([(a, b, c) for a in (0, -1, 1) for b in (0, -1, 1) for c in (0, -1, 1)]) * BOX
    images = (atoms + shifts[:, None, :]).reshape(-1, 3)
    periodic, finite = neighbours(atoms, 5.0, BOX), neighbours(images, 5.0)
    for i in range(200):
        assert sorted(finite.of(i) % 200) == periodic.of(i).tolist()


@pytest.mark.parametrize(("name", "shells"), [("fcc", [12, 6]), ("bcc", [8, 6]), ("hcp", [12, 6]), ("sc", [6, 12])])
def test_shells_of_crystals(name, shells):
    atoms, box = crystal(name, (4, 3, 3))
    second = {"fcc": np.sqrt(2), "bcc": 2 / np.sqrt(3), "hcp": np.sqrt(2), "sc": np.sqrt(2)}[name] * 3.0
    assert set(neighbours(atoms, 3.001, box).counts) == {shells[0]}
    assert set(neighbours(atoms, second + 0.001, box).counts) == {sum(shells)}


def test_a_pair_at_the_cutoff_counts():
    row = np.arange(50.0)[:, None] * [0.5, 0, 0]  # 0.5 is exact, so are all distances
    assert neighbours(row, 2.0).counts[20:30].tolist() == [8] * 10
    assert neighbours(row, 2.0, 25.0).counts.tolist() == [8] * 50
    assert neighbours([[0, 0, 0], [5.0, 0, 0]], 5.0, 10.0).counts.tolist() == [1, 1]  # half the box, once


def test_atoms_in_the_same_place_are_kept_and_shown():
    found = neighbours([[0, 0, 0], [1, 0, 0], [1, 0, 0], [9, 9, 9]], 2.0)
    assert found.shortest == 0
    assert found.closer_than(0.5).tolist() == [[1, 2]]
    assert found.counts.tolist() == [2, 2, 2, 0]
    assert neighbours([[0, 0, 0]], 2.0).shortest == np.inf


def test_far_flung_atoms_cost_no_memory():
    near = gas(2000, 3, np.full(3, 20.0))
    atoms = np.vstack([near, near + 1e8, [[9e8, 0, 0]], [[0, -9e8, 1e7]]])
    found = neighbours(atoms, 4.0)
    assert found.counts[-2:].tolist() == [0, 0]
    np.testing.assert_array_equal(found.counts[:2000], neighbours(near, 4.0).counts)
    spread = np.random.default_rng(4).uniform(0, 1e6, (3000, 3))  # no two in the same slab
    assert len(neighbours(spread, 5.0).indices) == len(tree_pairs(spread, 5.0))
    assert len(neighbours(spread, 5.0, 1e6).indices) == len(tree_pairs(spread, 5.0, 1e6))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 60),
    cutoff=st.floats(0.5, 5.0),
    periodic=st.booleans(),
)
def test_both_directions_and_order(seed, count, cutoff, periodic):
    random = np.random.default_rng(seed)
    box = random.uniform(10, 20, 3) if periodic else None
    atoms = random.uniform(-20, 20, (count, 3))
    found = neighbours(atoms, cutoff, box)
    pairs = found.pairs
    assert set(map(tuple, pairs)) == set(map(tuple, pairs[:, ::-1]))
    assert all(np.all(np.diff(found.of(i)) > 0) and i not in found.of(i) for i in range(count))
    back = found.distances[np.lexsort((pairs[:, 0], pairs[:, 1]))]
    np.testing.assert_array_equal(back, found.distances)  # both directions hold the same number

    order = random.permutation(count)
    swapped = neighbours(atoms[order], cutoff, box)
    np.testing.assert_array_equal(swapped.counts, found.counts[order])
    moved = atoms + random.uniform(-30, 30, 3)
    if not periodic:
        moved = Rotation.random(rng=random).apply(moved)
    # a pair may cross the cutoff by rounding: compare those that lie clear of it
    clear = abs(found.distances - cutoff) > 1e-9
    again = neighbours(moved, cutoff, box)
    assert set(map(tuple, pairs[clear])) == set(map(tuple, again.pairs[abs(again.distances - cutoff) > 1e-9]))


def test_the_input_is_not_changed():
    atoms = gas(50)
    before = atoms.copy()
    neighbours(atoms, 3.0, BOX)
    np.testing.assert_array_equal(atoms, before)


def test_a_list_cut_down_equals_a_new_one():
    atoms = gas()
    short, direct = neighbours(atoms, 5.0, BOX).within(3.0), neighbours(atoms, 3.0, BOX)
    for name in ("offsets", "indices", "distances"):
        np.testing.assert_array_equal(getattr(short, name), getattr(direct, name))
    assert short.cutoff == 3.0
    with pytest.raises(ValueError, match=r"cutoff=6 Å exceeds that of the neighbour list \(5 Å\)"):
        neighbours(atoms, 5.0, BOX).within(6.0)


def test_a_given_list_is_used_or_refused():
    atoms = gas()
    found = neighbours(atoms, 5.0, BOX)
    assert resolve_neighbours(atoms, neighbours=found) is found
    assert resolve_neighbours(atoms, neighbours=found, cutoff=5.0, box=BOX) is found
    assert isinstance(resolve_neighbours(atoms, cutoff=2.0), Neighbours)
    assert resolve_neighbours(atoms, cutoff=2.0, neighbours=found).cutoff == 2.0
    with pytest.raises(ValueError, match="pass a cutoff"):
        resolve_neighbours(atoms)
    with pytest.raises(ValueError, match="lists 300 atoms but positions holds 10"):
        resolve_neighbours(atoms[:10], neighbours=found)
    with pytest.raises(ValueError, match="differs from the box of the neighbour list"):
        resolve_neighbours(atoms, neighbours=found, box=12.0)
    with pytest.raises(TypeError, match=r"neighbours is a list; expected the result of structure\.neighbours"):
        resolve_neighbours(atoms, neighbours=[[0, 1]])


@pytest.mark.parametrize(
    ("positions", "cutoff", "box", "message"),
    [
        (np.zeros((3, 5)), 3.0, None, r"positions has shape \(3, 5\); expected \(N, 3\); transpose it"),
        (np.zeros((0, 3)), 3.0, None, "positions holds 0 atoms"),
        ([[0, 0, np.nan]], 3.0, None, "1 row that is not finite"),
        (np.zeros((2, 3)), 0.0, None, "cutoff=0.0; expected a positive number"),
        (np.zeros((2, 3)), np.inf, None, "cutoff=inf; expected a positive number"),
        (np.zeros((2, 3)), 6.0, 10.0, r"cutoff=6 Å exceeds half the box \(5 Å\)"),
        (np.zeros((2, 3)), 3.0, [10, -1, 10], "expected one or three positive lengths"),
    ],
)
def test_bad_input(positions, cutoff, box, message):
    with pytest.raises(ValueError, match=message):
        neighbours(positions, cutoff, box)


def test_an_atom_that_is_not_there():
    with pytest.raises(IndexError, match="atom=2 is not among the 2 atoms"):
        neighbours(np.eye(3)[:2], 3.0).of(2)


@pytest.mark.parametrize(("name", "short"), [("Ta", 208), ("Pd1", 321), ("Pd2", 493)])
def test_published_models(name, short, published):
    atoms = published(name).model().positions
    np.testing.assert_array_equal(neighbours(atoms, 4.0).pairs, tree_pairs(atoms, 4.0))
    # the paper states that no two atoms are closer than 2.0 Å; the refined positions that it publishes hold these
    assert len(neighbours(atoms, 4.0).closer_than(2.0)) == len(cKDTree(atoms).query_pairs(2.0)) == short


def test_pairs_that_do_not_fit_into_memory_are_refused_before_they_are_counted():
    atoms = np.random.default_rng(1).uniform(0, 130, (100_000, 3))
    with pytest.raises(MemoryError, match=r"pairs of 100,000 atoms within 130 Å would take .* lower the cutoff"):
        neighbours(atoms, 130.0)


@pytest.mark.parametrize("box", [None, 40.0])
@pytest.mark.parametrize("cutoff", [3.0, 6.0, 15.0])
def test_the_estimate_of_pairs(cutoff, box):
    """Hardly ever too few; too many by up to four where cells hold less than one atom, which costs nothing."""
    atoms = np.random.default_rng(2).uniform(0, 40, (3000, 3))
    expected = expected_pairs(build(atoms, cutoff, None if box is None else np.full(3, box)))
    assert 0.8 < expected / len(neighbours(atoms, cutoff, box).indices) < 4
