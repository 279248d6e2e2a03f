"""Sharing, networks, icosahedra and dihedral angles: plain searches, known clusters, published models."""

from __future__ import annotations

import naive_networks as naive
import numpy as np
import pytest
from crystals import icosahedron
from hypothesis import given, settings
from hypothesis import strategies as st
from packings import packing_of
from scipy.spatial.transform import Rotation

from helpers.structure import (
    bond_order,
    dihedral_angles,
    disordered_tetrahedra,
    find_icosahedra,
    find_motifs,
    find_networks,
    find_nuclei,
    find_tetrahedra,
    icosahedral_filling,
    motif_elements,
    network_lengths,
    partial_icosahedra,
    sharing,
)

VALLEY = {"Ta": 4.12, "Pd1": 3.90, "Pd2": 3.91}
DODECAHEDRON = np.degrees(np.arccos(-1 / np.sqrt(5)))


def glass(seed, count=250, box=(11.0, 12.5, 14.0)):
    return np.random.default_rng(seed).random((count, 3)) * box, np.array(box)


def analyse(positions, cutoff, box=None, delta=0.255):
    rows = find_tetrahedra(positions, cutoff, delta, box)
    return rows, find_motifs(rows)


# exact cases


def test_icosahedron():
    """Every two of the twelve bipyramids share an edge, a vertex or nothing, as faces of a dodecahedron do."""
    positions = icosahedron()
    rows, motifs = analyse(positions, 3.1)
    five = motifs.fold[5]
    shared = sharing(five)
    assert (shared.edge == 5).all()
    assert (shared.vertex == 0).all()
    assert len(shared.edge_pairs) == 30
    assert icosahedral_filling(five, packing_of(positions, rows)).tolist() == [12] + [1] * 12
    assert find_icosahedra(five, packing_of(positions, rows)).tolist() == [0]
    assert dihedral_angles(five, packing_of(positions, rows)) == pytest.approx(DODECAHEDRON, abs=1e-9)
    (network,) = find_networks(five, positions=positions)
    assert (network.size, len(network.atoms), network.percolates) == (12, 13, False)
    assert network.length == pytest.approx(np.linalg.norm(positions[1:] - positions[1:, None], axis=2).max())


def test_opposite_edges_of_one_tetrahedron_share_a_vertex():
    base = [0, 1, 2, 3]
    first = [[0, 1, 3, 4], [0, 1, 4, 5], [0, 1, 5, 6], [0, 1, 2, 6]]
    second = [[2, 3, 1, 14], [2, 3, 14, 15], [2, 3, 15, 16], [2, 3, 0, 16]]
    five = find_motifs([base, *first, *second]).fold[5]
    assert sorted(five.caps.tolist()) == [[0, 1], [2, 3]]
    assert sharing(five).vertex.tolist() == [1, 1]
    assert sharing(five).edge.tolist() == [0, 0]
    assert find_networks(five, 2) == []
    assert [n.size for n in find_networks(five, 1)] == [1, 1]


def test_a_network_across_the_faces_of_a_box():
    positions = icosahedron()
    _, motifs = analyse(positions, 3.1)
    (whole,) = find_networks(motifs.fold[5], positions=positions)
    box = np.array([9.0, 10.0, 11.0])
    split = (positions + [8.5, 0.2, 10.8]) % box
    _, motifs = analyse(split, 3.1, box)
    (network,) = find_networks(motifs.fold[5], positions=split, box=box)
    assert network.length == pytest.approx(whole.length)
    assert not network.percolates
    apart = network.positions - split[network.atoms]
    assert apart / box == pytest.approx(np.round(apart / box), abs=1e-9)
    angles = dihedral_angles(motifs.fold[5], packing_of(split, find_tetrahedra(split, 3.1, box=box), box))
    assert angles == pytest.approx(DODECAHEDRON, abs=1e-9)


def test_a_network_that_percolates():
    """The sixfold rings of bcc share edges throughout the crystal."""
    steps = np.stack(np.meshgrid(*3 * [np.arange(4)], indexing="ij"), axis=-1).reshape(-1, 1, 3)
    positions = (np.array([[0, 0, 0], [0.5, 0.5, 0.5]]) + steps).reshape(-1, 3) * 3.3
    _, motifs = analyse(positions, 3.6, np.full(3, 13.2))
    networks = find_networks(motifs.fold[6], positions=positions, box=13.2)
    assert len(networks) == 1
    assert networks[0].percolates and networks[0].spans
    assert abs(np.linalg.det(networks[0].windings)) == pytest.approx(1)  # once around each way


@pytest.mark.parametrize("walls", [(0,), (0, 1), (0, 1, 2)])
def test_threads_and_sheets(walls):
    """Rings of bcc within one cell of some axes: a sheet has no end in two directions, a thread in one."""
    steps = np.stack(np.meshgrid(*3 * [np.arange(4)], indexing="ij"), axis=-1).reshape(-1, 1, 3)
    positions = (np.array([[0, 0, 0], [0.5, 0.5, 0.5]]) + steps).reshape(-1, 3) * 3.3
    six = analyse(positions, 3.6, np.full(3, 13.2))[1].fold[6]
    axes = positions[six.caps]
    middle = (axes[:, 0] + (axes[:, 1] - axes[:, 0] + 6.6) % 13.2 / 2 - 3.3) % 13.2
    within = (middle[:, list(walls)] < 3.3).all(axis=1)
    largest = find_networks(six[np.flatnonzero(within)], positions=positions, box=13.2)[0]
    free = [axis for axis in range(3) if axis not in walls]
    assert len(largest.windings) == len(free)
    assert (largest.windings[:, list(walls)] == 0).all()
    assert np.abs(largest.windings[:, free]).sum(axis=1).tolist() == [1] * len(free)
    assert largest.spans is False
    assert largest.percolates is bool(free)


def test_a_copy_of_the_box_does_not_make_a_network_endless():
    """The networks of two boxes side by side are those of one, twice; those without an end stay so."""
    positions, box = glass(3, 400, (14.0, 14.0, 14.0))
    twice = np.concatenate([positions, positions + [14.0, 0, 0]])
    one, two = (
        find_networks(analyse(points, 4.2, cell, 0.35)[1].fold[5], 1, positions=points, box=cell)
        for points, cell in ((positions, box), (twice, box * [2, 1, 1]))
    )
    ends = [sorted(w.size for w in found if not w.percolates) for found in (one, two)]
    assert ends[1] == sorted(2 * ends[0])
    assert sum(w.size for w in two) == 2 * sum(w.size for w in one)
    assert {len(w.windings) for w in one} == {len(w.windings) for w in two}


def test_nothing_in_nothing_out():
    motifs = find_motifs(np.empty((0, 4), int))
    five = motifs.fold[5]
    assert find_networks(five) == []
    assert sharing(five).edge.shape == (0,)
    assert sharing(five).edge_pairs.shape == (0, 2)
    assert icosahedral_filling(five, packing_of(np.zeros((7, 3)), [])).tolist() == [0] * 7
    assert dihedral_angles(five, packing_of(np.zeros((1, 3)), [])).shape == (0,)


# against the plain search


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), periodic=st.booleans(), n=st.sampled_from([4, 5, 6]))
def test_equals_the_plain_search(seed, periodic, n):
    positions, box = glass(seed)
    motif = analyse(positions, 4.2, box if periodic else None, 0.35)[1].fold[n]
    common = naive.shared(motif)
    found = sharing(motif)
    assert set(common.values()) <= {1, 2}
    for pairs, counts, value in ((found.vertex_pairs, found.vertex, 1), (found.edge_pairs, found.edge, 2)):
        expected = sorted(pair for pair, count in common.items() if count == value)
        assert list(map(tuple, pairs.tolist())) == expected
        assert np.array_equal(counts, np.bincount(np.array(expected, int).ravel(), minlength=len(motif)))
    pieces = naive.components(len(motif), found.edge_pairs.tolist())
    networks = find_networks(motif, 3, positions=positions)
    assert {frozenset(w.members.tolist()) for w in networks} == {p for p in pieces if len(p) >= 3}
    assert [w.size for w in networks] == sorted((w.size for w in networks), reverse=True)
    for network in networks:
        atoms = np.unique(motif.atoms[network.members])
        assert np.array_equal(network.atoms, atoms)
        assert network.length == pytest.approx(naive.distances(positions[atoms]).max())


# what must not matter


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_rotation_order_and_origin(seed):
    positions, box = glass(seed)
    random = np.random.default_rng(seed)
    order = random.permutation(len(positions))
    for cell, moved in (
        (None, Rotation.random(rng=random).apply(positions)[order] + random.normal(0, 20, 3)),
        (box, positions[order] + random.normal(0, 20, 3)),
    ):
        results = []
        for points in (positions, moved):
            rows, motifs = analyse(points, 4.0, cell)
            networks = find_networks(motifs.fold[5], 1, positions=points, box=cell)
            angles = np.sort(dihedral_angles(motifs.fold[5], packing_of(points, rows, cell)))
            results.append((sorted((w.size, round(w.length, 6)) for w in networks if not w.percolates), angles))
        assert results[0][0] == results[1][0]
        assert results[0][1] == pytest.approx(results[1][1], abs=1e-6)


# published models


def region(sample, name):
    positions = sample.model().positions
    order = bond_order(positions, VALLEY[name]).normalised
    disordered = ~find_nuclei(positions, order)
    rows, motifs = analyse(positions, VALLEY[name])
    return positions, rows, motifs.select(disordered_tetrahedra(rows, disordered))


def test_ta_sharing_and_networks(published):
    positions, _, motifs = region(published("Ta"), "Ta")
    assert motifs.counts[5] == 1979
    shared = sharing(motifs.fold[5])
    assert np.bincount(shared.vertex).tolist() == [1006, 694, 228, 48, 3]
    assert np.bincount(shared.edge).tolist() == [406, 576, 444, 287, 137, 80, 27, 18, 3, 1]
    networks = {n: find_networks(motifs.fold[n], positions=positions) for n in (4, 5, 6)}
    assert {n: len(w) for n, w in networks.items()} == {4: 1, 5: 85, 6: 39}
    largest = networks[5][0]
    assert (largest.size, len(largest.atoms)) == (135, 165)
    assert largest.length == pytest.approx(28.73, abs=0.005)


def test_pooled_sharing(published):
    """63.4 % share no vertex and 72.5 % at least one edge."""
    shared = [sharing(region(published(name), name)[2].fold[5]) for name in VALLEY]
    assert sum(len(s.edge) for s in shared) == 26_107
    vertex, edge = np.concatenate([s.vertex for s in shared]), np.concatenate([s.edge for s in shared])
    assert (vertex == 0).mean() == pytest.approx(0.634, abs=0.0005)
    assert (edge > 0).mean() == pytest.approx(0.725, abs=0.0005)


# bad input


def test_bad_input():
    positions = icosahedron()
    rows, motifs = analyse(positions, 3.1)
    five = motifs.fold[5]
    with pytest.raises(ValueError, match="min_size=0; expected a positive whole number"):
        find_networks(five, 0)
    with pytest.raises(ValueError, match="refers to atom 12 but positions holds 5"):
        find_networks(five, positions=positions[:5])
    with pytest.raises(ValueError, match="refers to atom 12 but the packing holds 6; pass the packing"):
        icosahedral_filling(five, packing_of(positions[:6], []))
    with pytest.raises(ValueError, match="motif refers to index"):
        dihedral_angles(five, packing_of(positions, rows[:3]))
    with pytest.raises(TypeError, match="packing is a ndarray; expected what polytetrahedral_packing returns"):
        dihedral_angles(five, positions)


def test_anything_but_bipyramids_is_refused_in_a_sentence():
    positions = icosahedron()
    rows, motifs = analyse(positions, 3.1)
    packing = packing_of(positions, rows)
    (network,) = find_networks(motifs.fold[5], positions=positions)
    calls = (
        sharing,
        find_networks,
        lambda motif: icosahedral_filling(motif, packing),
        lambda motif: network_lengths(network, motif, packing),
        lambda motif: partial_icosahedra(network, motif),
        lambda motif: motif_elements(motif, ["Ta"] * 13),
    )
    for other, kind in ((None, "NoneType"), (motifs, "Motifs"), (rows, "ndarray")):
        for call in calls:
            with pytest.raises(TypeError, match=f"motif is a {kind}; expected one kind, such as motifs.fold"):
                call(other)
