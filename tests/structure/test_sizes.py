"""The chain from neighbours to networks at several sizes: the same numbers as those of the plainer code before it."""

from __future__ import annotations

import hashlib

import naive_networks as naive
import numpy as np
import pytest
from scipy.spatial.distance import pdist

import helpers
from helpers.arrays import as_positions
from helpers.structure import (
    Bipyramids,
    _network_kernels,
    _tetrahedron_kernels,
    find_motifs,
    find_networks,
    find_tetrahedra,
    sharing,
)
from helpers.structure._farthest_points import longest_distance


def glass(count, periodic):
    """Atoms of the simulated glass in no order, in their box or cut out of it as a ball."""
    positions, box = as_positions(helpers.load_sample("MD300").model())
    if not periodic:
        positions = positions[np.argsort(np.linalg.norm(positions - box / 2, axis=1), kind="stable")[:count]]
    random = np.random.default_rng(count)
    positions = positions + random.normal(0, 0.02, positions.shape)
    return positions[random.permutation(len(positions))], box if periodic else None


def digest(*arrays):
    """A short hash of whole numbers."""
    parts = [np.ascontiguousarray(array, np.int64).tobytes() for array in arrays]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def chain(positions, box, delta):
    """Hashes of what each step finds, and of the networks also their lengths [pm]."""
    rows = find_tetrahedra(positions, 4.0, delta, box)
    motifs = find_motifs(rows)
    five = motifs.fold[5]
    shared = sharing(five)
    networks = find_networks(five, 2, positions=positions, box=box)
    lengths = np.round([100 * network.length for network in networks])
    return (
        digest(rows),
        digest(motifs.triplets, *(part for n in (4, 5, 6) for part in vars(motifs.fold[n]).values())),
        digest(*vars(shared).values()),
        digest(lengths, *(part for w in networks for part in (w.members, w.atoms, w.windings))),
        digest(*(np.round(100 * w.positions) for w in networks)),
    )


#: From the code with a table of face neighbours, products of sparse matrices and a walk for each network.
KNOWN = {
    (1000, False, 0.255): ("b4c1598417c7", "a6bff77bef67", "5ad5aeb7b900", "0412928ea095", "c4a5f538686b"),
    (8000, False, 0.1): ("e7fcfa417d32", "5d99612189a1", "6c42731f70ff", "820e30fa3ee4", "5cbe313cd4dd"),
    (31250, True, 0.255): ("45e104f5a9b5", "a74393bc362a", "09668c6da2ea", "e6f4812ca2b0", "0c6a572d144a"),
    (31250, True, 0.12): ("17f8fccc4a61", "1baaa9f374b2", "b3b3b967a2c2", "1dc454f38478", "978bcd7b28fd"),
}


@pytest.mark.parametrize(("count", "periodic", "delta"), KNOWN)
def test_numbers_are_those_of_the_plainer_code(count, periodic, delta):
    assert chain(*glass(count, periodic), delta) == KNOWN[count, periodic, delta]


def test_room_makes_no_difference(monkeypatch):
    positions, box = glass(31250, True)
    positions, box = positions[(positions % box < 20).all(axis=1)], np.full(3, 20.0)
    keep = np.array([True] * len(positions))
    apart = positions % 20
    for i in range(len(positions)):  # atoms on one another at the faces that were cut
        gap = apart[:i][keep[:i]] - apart[i]
        keep[i] = not len(gap) or (np.linalg.norm(gap - 20 * np.round(gap / 20), axis=1) > 1.8).all()
    expected = chain(positions[keep], box, 0.3)
    monkeypatch.setattr(_network_kernels, "_ROOM", 0)
    monkeypatch.setattr(_tetrahedron_kernels, "_ROOM", 0)
    assert chain(positions[keep], box, 0.3) == expected


@pytest.mark.parametrize("seed", range(3))
def test_tetrahedra_of_many_bipyramids(seed):
    """More than the six of one kind that a tetrahedron has edges for; only how many are in common counts."""
    random = np.random.default_rng(seed)
    members = np.array([random.permutation(30)[:5] for _ in range(80)])
    motif = Bipyramids(members, np.zeros((80, 2), int), np.zeros((80, 5), int))
    common, found = naive.shared(motif), sharing(motif)
    assert max(common.values()) > 2
    for pairs, counts, value in ((found.vertex_pairs, found.vertex, 1), (found.edge_pairs, found.edge, 2)):
        expected = sorted(pair for pair, count in common.items() if count == value)
        assert list(map(tuple, pairs.tolist())) == expected
        assert np.array_equal(counts, np.bincount(np.array(expected, int).ravel(), minlength=80))


@pytest.mark.parametrize("count", [2, 7, 90, 3000])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 0.2), (1, 0, 0), (1, 1, 0), (0, 0, 0)])
def test_the_largest_distance_is_that_of_all_pairs(shape, count):
    random = np.random.default_rng(count)
    for points in (random.normal(size=(count, 3)), random.random((count, 3)), np.round(random.random((count, 3)), 1)):
        assert longest_distance(points * shape) == pdist(points * shape).max()
