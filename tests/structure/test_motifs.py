"""Motifs: against a plain search, on clusters whose motifs are known, and on the published models."""

from __future__ import annotations

import naive_tetrahedra as naive
import numba
import numpy as np
import pytest
from crystals import crystal, icosahedron
from hypothesis import given, settings
from hypothesis import strategies as st
from packings import packing_of
from scipy.spatial.transform import Rotation

from helpers.structure import disordered_tetrahedra, find_motifs, find_tetrahedra, skeletons

PUBLISHED = {
    "Ta": (4.12, {3: 1336, 4: 1800, 5: 2053, 6: 1180, 7: 95, 8: 5}),
    "Pd1": (3.90, {5: 10_355}),
    "Pd2": (3.91, {5: 14_038}),
}


def ring(n, first=2, caps=(0, 1)):
    """Tetrahedra of one n-fold ring."""
    atoms = [first + k for k in range(n)]
    return [[*caps, atoms[k], atoms[(k + 1) % n]] for k in range(n)]


def glass(seed, count=250, box=(11.0, 12.5, 14.0)):
    return np.random.default_rng(seed).random((count, 3)) * box, np.array(box)


def as_sets(motifs):
    return {n: naive.as_set(m) for n, m in motifs.fold.items()}, set(map(tuple, motifs.triplets.tolist()))


def by_atoms(motifs, rows, names):
    """The motifs as sets of atoms, under the atoms' original names."""
    rings = {
        n: {(frozenset(names[m.caps[k]]), frozenset(names[m.ring[k]])) for k in range(len(m))}
        for n, m in motifs.fold.items()
    }
    rows = names[rows]
    chains = {frozenset(map(frozenset, rows[t].tolist())) for t in motifs.triplets}
    return rings, chains


# exact cases


@pytest.mark.parametrize("n", [4, 5, 6, 7, 8])
def test_one_ring(n):
    motifs = find_motifs(ring(n))
    assert motifs.counts == {m: int(m == n) for m in (3, 4, 5, 6, 7, 8)}
    motif = motifs.fold[n]
    assert motif.order == n
    assert len(motif) == 1
    assert motif.caps.tolist() == [[0, 1]]
    assert motif.ring.tolist() == [list(range(2, n + 2))]
    assert motif.tetrahedra.tolist() == [list(range(n))]
    assert sorted(motif.atoms[0]) == list(range(n + 2))


@pytest.mark.parametrize("n", [3, 9])
def test_shorter_and_longer_rings_do_not_count(n):
    assert sum(len(m) for m in find_motifs(ring(n)).fold.values()) == 0


def test_an_open_ring_is_a_row():
    motifs = find_motifs(ring(6)[:3])
    assert motifs.counts[6] == 0
    assert motifs.triplets.tolist() == [[0, 1, 2]]
    assert len(find_motifs(ring(6)[:2]).triplets) == 0


def test_a_long_row_has_a_triplet_at_either_end():
    helix = [[k, k + 1, k + 2, k + 3] for k in range(7)]
    assert find_motifs(helix).triplets.tolist() == [[0, 1, 2], [4, 5, 6]]


def test_a_row_attached_to_a_ring_by_a_member_of_it_is_no_triplet():
    tail = [[0, 2, 3, 20], [0, 2, 20, 21]]  # on the face 0 2 3 of the ring's first tetrahedron
    motifs = find_motifs(ring(5) + tail)
    assert motifs.counts[5] == 1
    assert len(motifs.triplets) == 0
    longer = [*tail, [0, 20, 21, 22]]
    assert find_motifs(ring(5) + longer).triplets.tolist() == [[5, 6, 7]]


def test_a_member_of_a_ring_of_nine_may_be_in_a_triplet_but_not_of_eight():
    """Of nine: a tail of two on it makes a row with its member; of eight, the walk is closed."""
    for n, expected in ((9, 1), (8, 0)):
        tail = [[0, 2, 3, 20], [0, 2, 20, 21]]
        assert len(find_motifs(ring(n) + tail).triplets) == expected


def test_icosahedron():
    rows = find_tetrahedra(icosahedron(), 3.1)
    motifs = find_motifs(rows)
    assert motifs.counts == {3: 0, 4: 0, 5: 12, 6: 0, 7: 0, 8: 0}
    assert (motifs.fold[5].caps[:, 0] == 0).all()
    assert motifs.fraction() == {3: 0.0, 4: 0.0, 5: 1.0, 6: 0.0, 7: 0.0, 8: 0.0}


@pytest.mark.parametrize(("name", "each"), [("fcc", {}), ("hcp", {}), ("bcc", {4: 3, 6: 4}), ("sc", {})])
def test_motifs_an_atom_in_perfect_crystals(name, each):
    """In bcc every nearest bond is capped sixfold and every second-nearest one fourfold."""
    positions, box = crystal(name, (4, 4, 4))
    motifs = find_motifs(find_tetrahedra(positions, 3.6, box=box))
    assert motifs.counts == {n: each.get(n, 0) * len(positions) for n in (3, 4, 5, 6, 7, 8)}


def test_rings_are_in_order():
    positions, box = glass(2)
    rows = find_tetrahedra(positions, 4.4, 0.35, box)
    motifs = find_motifs(rows)
    assert all(len(m) for m in motifs.fold.values())
    for n, motif in motifs.fold.items():
        assert (motif.ring[:, 0] == motif.ring.min(axis=1)).all()
        assert (motif.ring[:, 1] < motif.ring[:, -1]).all()
        assert (motif.caps[:, 0] < motif.caps[:, 1]).all()
        for k in range(n):
            corners = np.column_stack([motif.caps, motif.ring[:, k], motif.ring[:, (k + 1) % n]])
            assert np.array_equal(np.sort(corners, axis=1), rows[motif.tetrahedra[:, k]])


def test_nothing_in_nothing_out():
    motifs = find_motifs(np.empty((0, 4), int))
    assert motifs.counts == dict.fromkeys((3, 4, 5, 6, 7, 8), 0)
    assert motifs.triplets.shape == (0, 3)
    assert motifs.fold[5].ring.shape == (0, 5)
    assert all(np.isnan(v) for v in motifs.fraction().values())
    assert skeletons(motifs.fold[5], packing_of(np.zeros((1, 3)), [])).shape == (0, 5, 3)
    assert skeletons(motifs.triplets, packing_of(np.zeros((1, 3)), [])).shape == (0, 3, 3)


# against the plain search


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cutoff=st.floats(3.0, 5.0), delta=st.floats(0.1, 0.35), periodic=st.booleans())
def test_equals_the_plain_search(seed, cutoff, delta, periodic):
    positions, box = glass(seed)
    rows = find_tetrahedra(positions, cutoff, delta, box if periodic else None)
    motifs = find_motifs(rows)
    rings = naive.rings(rows)
    assert all(naive.as_set(m) == rings[n] for n, m in motifs.fold.items())
    triplets = motifs.triplets.tolist()
    assert len(set(map(tuple, triplets))) == len(triplets)
    assert set(map(tuple, triplets)) == naive.triplets(rows)


# what must not matter


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_rotation_translation_order_and_origin(seed):
    positions, box = glass(seed)
    random = np.random.default_rng(seed)
    order = random.permutation(len(positions))
    for cell, moved in (
        (None, Rotation.random(rng=random).apply(positions) + random.normal(0, 20, 3)),
        (box, positions + random.normal(0, 20, 3)),
    ):
        rows = find_tetrahedra(positions, 4.0, box=cell)
        other = find_tetrahedra(moved[order], 4.0, box=cell)
        names = np.arange(len(positions))
        assert by_atoms(find_motifs(rows), rows, names) == by_atoms(find_motifs(other), other, order)


def test_order_of_rows_and_corners():
    positions, box = glass(4)
    rows = find_tetrahedra(positions, 4.0, box=box)
    random = np.random.default_rng(1)
    order = random.permutation(len(rows))
    shuffled = random.permuted(rows[order], axis=1)
    names = np.arange(len(positions))
    assert by_atoms(find_motifs(shuffled), shuffled, names) == by_atoms(find_motifs(rows), rows, names)


@pytest.mark.usefixtures("all_threads")
def test_threads_make_no_difference():
    positions, box = glass(6, 1500, (20.0, 22.0, 24.0))
    rows = find_tetrahedra(positions, 4.0, box=box)
    expected = as_sets(find_motifs(rows))
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert as_sets(find_motifs(rows)) == expected
    finally:
        numba.set_num_threads(threads)


# regions, fractions, skeletons


def test_regions_by_either_rule():
    motifs = find_motifs(ring(5) + ring(4, first=20, caps=(10, 11)))
    mask = np.zeros(9, bool)
    mask[[0, 5, 6]] = True  # one of the five, two of the four
    assert motifs.select(mask).counts[5] == 1
    assert motifs.select(mask, rule="stated").counts[5] == 0
    assert motifs.select(mask, rule="stated").counts[4] == 1
    fractions = motifs.select(mask).fraction(mask)
    assert fractions[5] == pytest.approx(1 / 3)
    assert fractions[4] == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="rule='any'"):
        motifs.select(mask, rule="any")
    with pytest.raises(ValueError, match=r"expected a mask \(9,\)"):
        motifs.select(mask[:4])


def test_three_disordered_atoms_make_a_disordered_tetrahedron():
    disordered = np.array([True, True, False, True, False])
    assert disordered_tetrahedra([[0, 1, 2, 3], [0, 1, 2, 4]], disordered).tolist() == [True, False]
    assert disordered_tetrahedra([[0, 1, 2, 3], [0, 1, 2, 4]], disordered, least=2).tolist() == [True, True]
    with pytest.raises(ValueError, match=r"expected a mask \(N,\)"):
        disordered_tetrahedra([[0, 1, 2, 3]], [1, 1, 0, 1])


def test_skeleton_of_an_icosahedron_is_a_dodecahedron():
    positions = icosahedron()
    rows = find_tetrahedra(positions, 3.1)
    corners = skeletons(find_motifs(rows).fold[5], packing_of(positions, rows))
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    assert np.ptp(edges) == pytest.approx(0, abs=1e-12)
    wrapped = skeletons(find_motifs(rows).fold[5], packing_of(positions % 20.0, rows, 20.0))
    lengths = np.linalg.norm(wrapped - np.roll(wrapped, 1, axis=1), axis=2)
    assert lengths == pytest.approx(edges)


# published models


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models(name, published):
    cutoff, expected = PUBLISHED[name]
    counts = find_motifs(find_tetrahedra(published(name).model().positions, cutoff)).counts
    assert {n: counts[n] for n in expected} == expected


# bad input


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, 1, 2, 2]], "an atom twice"),
        ([[0, 1, 2, 3], [3, 2, 1, 0]], "the same four atoms twice"),
        ([[0, 1, 2]], r"expected \(M, 4\)"),
        ([[0, 1, 2, -3]], "index -3"),
        ([[0, 1, 2, 3], [0, 1, 2, 4], [0, 1, 2, 5]], "do not overlap"),
    ],
)
def test_bad_input(rows, message):
    with pytest.raises(ValueError, match=message):
        find_motifs(rows)
