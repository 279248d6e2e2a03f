"""Census, clusters and distorted icosahedra: known clusters, whole pieces, agreement with the single steps."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from crystals import crystal, icosahedron
from packings import packing_of
from scipy.spatial.distance import pdist

from helpers import load_sample
from helpers.checks import VacuumWarning
from helpers.structure import (
    bond_order,
    dihedral_angles,
    dihedral_peak,
    dihedral_readings,
    disordered_tetrahedra,
    distorted_icosahedra,
    find_motifs,
    find_networks,
    find_nuclei,
    find_tetrahedra,
    largest_cluster,
    network_lengths,
    network_skeletons,
    partial_icosahedra,
    plane_angles,
    polytetrahedral_packing,
    pool_censuses,
    sharing,
    skeletons,
    take_census,
)

BOX = np.array([16.1, 16.5, 17.0])  # nuclei look 8 Å far


def glass(seed=3, count=560):
    return np.random.default_rng(seed).random((count, 3)) * BOX


def shells():
    """An icosahedron inside a larger one, so that the cell of the middle atom is closed."""
    inner = icosahedron()
    return np.concatenate([inner, 2.1 * inner[1:]])


# clusters


def test_clusters_of_an_icosahedron():
    """Each of the twelve bipyramids has five neighbours by an edge and none by a vertex."""
    positions = icosahedron()
    packing = packing_of(positions, find_tetrahedra(positions, 3.1))
    motif = packing.motifs.fold[5]
    cluster = largest_cluster(motif, packing)
    assert cluster.size == 6
    assert cluster.members[0] == 0
    assert largest_cluster(motif, packing, by="vertex") is None


@pytest.mark.parametrize("by", ["vertex", "edge"])
@pytest.mark.parametrize("box", [None, BOX])
def test_a_cluster_is_the_fullest_one_and_whole(by, box):
    positions = glass()
    rows = find_tetrahedra(positions, 4.2, 0.35, box)
    motif = find_motifs(rows).fold[5]
    cluster = largest_cluster(motif, packing_of(positions, rows, box), by=by)
    found = sharing(motif)
    counts = getattr(found, by)
    assert cluster.size == counts.max() + 1
    assert counts[cluster.members[0]] == counts.max()
    pairs = set(map(tuple, getattr(found, f"{by}_pairs").tolist()))
    first = int(cluster.members[0])
    assert all((min(first, m), max(first, m)) in pairs for m in cluster.members[1:].tolist())
    corners = network_skeletons(cluster, motif, packing_of(positions, rows, box))
    assert corners.shape == (cluster.size, 5, 3)
    assert np.linalg.norm(corners - corners[0].mean(axis=0), axis=2).max() < 10  # two skeletons of 4 Å, side by side


def test_skeletons_of_a_network_meet_at_their_edges():
    """Across the faces of a box too: shared corners coincide once the network is in one piece."""
    box = np.array([9.0, 10.0, 11.0])
    split = ((icosahedron() + [8.5, 0.2, 10.8]) % box)[::-1]  # the middle last: skeletons start at corners
    rows = find_tetrahedra(split, 3.1, box=box)
    motif = find_motifs(rows).fold[5]
    (network,) = find_networks(motif, positions=split, box=box)
    corners = network_skeletons(network, motif, packing_of(split, rows, box))
    members = motif.tetrahedra[network.members]
    for tetrahedron in np.unique(members):
        assert np.ptp(corners[members == tetrahedron], axis=0) == pytest.approx(0, abs=1e-9)
    torn = skeletons(motif, packing_of(split, rows, box))[network.members]
    assert np.ptp(torn.reshape(-1, 3), axis=0).max() > 5  # without the shifts they lie on both sides


def test_partial_icosahedra():
    positions = icosahedron()
    motif = find_motifs(find_tetrahedra(positions, 3.1)).fold[5]
    (network,) = find_networks(motif, positions=positions)
    centres, group = partial_icosahedra(network, motif)
    assert centres.tolist() == [0]
    assert group.tolist() == [0] * 12
    centres, group = partial_icosahedra(network, motif, least=13)
    assert centres.size == 0
    assert group.tolist() == [-1] * 12
    centres, group = partial_icosahedra(network, motif, least=1)
    assert centres.tolist() == list(range(13))  # the middle first, then the corners
    assert group.tolist() == [0] * 12
    with pytest.raises(ValueError, match="least=0; expected a positive whole number"):
        partial_icosahedra(network, motif, least=0)
    with pytest.raises(ValueError, match="network has no positions"):
        network_skeletons(find_networks(motif)[0], motif, packing_of(positions, find_tetrahedra(positions, 3.1)))


# distorted icosahedra


def test_the_middle_of_an_icosahedron():
    """Edges at the surface are 5.15 % longer than those to the middle: delta = e_max / e_avg - 1 = 0.0251."""
    atoms, distortion = distorted_icosahedra(shells())
    assert atoms.tolist() == [0]
    edge = 1 / np.sin(2 * np.pi / 5)
    assert distortion == pytest.approx(edge / ((3 + 3 * edge) / 6) - 1, abs=1e-9)
    for none in (np.zeros(25, bool), np.arange(25) > 0):
        atoms, distortion = distorted_icosahedra(shells(), none)
        assert (atoms.shape, distortion.shape) == ((0,), (0,))
    with pytest.raises(ValueError, match=r"among has shape \(3,\)"):
        distorted_icosahedra(shells(), np.ones(3, bool))


def test_across_the_faces_of_a_box():
    """The same cell wherever the origin lies, with the corner atoms split over all faces."""
    box = np.full(3, 40.0)
    with pytest.warns(VacuumWarning, match="is not filled"):  # a cluster in a large box
        whole = distorted_icosahedra(shells() + 20, box=box)
    with pytest.warns(VacuumWarning, match="is not filled"):
        split = distorted_icosahedra((shells() + [39.5, 0.1, 0.0]) % box, box=box)
    assert split[0].tolist() == whole[0].tolist() == [0]
    assert split[1] == pytest.approx(whole[1], abs=1e-9)


# the census


@pytest.mark.parametrize("rule", ["published", "stated", "all"])
def test_a_census_is_the_sum_of_its_steps(rule):
    positions = glass(5)
    found = take_census(polytetrahedral_packing(positions, 4.0, 0.3, box=BOX), min_size=2, rule=rule, least=2)
    nuclei = find_nuclei(positions, bond_order(positions, 4.0, BOX).normalised, box=BOX)
    rows = find_tetrahedra(positions, 4.0, 0.3, BOX)
    motifs = find_motifs(rows)
    if rule != "all":
        motifs = motifs.select(disordered_tetrahedra(rows, ~nuclei, least=2), rule=rule)
    assert found.motifs.counts == motifs.counts
    assert np.array_equal(found.angles, dihedral_angles(motifs.fold[5], packing_of(positions, rows, BOX)))
    expected = {n: [w.size for w in find_networks(motifs.fold[n], 2)] for n in (4, 5, 6)}
    assert {n: sizes.tolist() for n, sizes in found.sizes.items()} == expected
    assert all(np.isfinite(lengths).all() for lengths in found.lengths.values())


def test_the_whole_holds_at_least_as_many_as_its_disordered_part():
    packing = polytetrahedral_packing(glass(5), 4.0, 0.3, box=BOX)
    few, whole = (pool_censuses([take_census(packing, rule=rule)]).bipyramids for rule in ("stated", "all"))
    assert 0 < few <= whole


def test_the_largest_network_of_all():
    """Of an icosahedron: 12 bipyramids of 13 atoms, as long as two radii [nm]."""
    single = take_census(polytetrahedral_packing(icosahedron(), 3.1))
    glassy = take_census(polytetrahedral_packing(glass(5, 300), 3.4, 0.2, box=BOX))
    pooled = pool_censuses([glassy, single])
    assert (pooled.largest_network, pooled.largest_atoms) == (12, 13)
    assert pooled.largest_length == pytest.approx(2 * 0.3 * np.sin(2 * np.pi / 5))


def test_pooled_shares_weigh_by_bipyramids():
    censuses = [take_census(polytetrahedral_packing(glass(seed), 4.0, 0.3, box=BOX)) for seed in (5, 6)]
    pooled = pool_censuses(censuses)
    counts = [len(c.shared.vertex) for c in censuses]
    assert pooled.bipyramids == sum(counts)
    alone = [pool_censuses([c]).no_vertex_neighbour for c in censuses]
    assert alone[0] != alone[1]
    assert pooled.no_vertex_neighbour == pytest.approx(np.average(alone, weights=counts))


def test_angles_between_planes_of_an_icosahedron():
    """Its skeletons are the faces of a regular dodecahedron, by either reading."""
    packing = packing_of(icosahedron(), find_tetrahedra(icosahedron(), 3.1))
    angle = np.degrees(np.arccos(-1 / np.sqrt(5)))
    assert plane_angles(packing.motifs.fold[5], packing) == pytest.approx(np.full(30, angle))
    assert dihedral_angles(packing.motifs.fold[5], packing) == pytest.approx(np.full(30, angle))
    assert len(plane_angles(packing.motifs.fold[4], packing)) == 0


def test_readings_of_the_dihedral_angle():
    packings = [polytetrahedral_packing(glass(seed), 4.0, 0.3, box=BOX) for seed in (5, 6)]
    censuses = [take_census(p, min_size=2) for p in packings]
    every = np.concatenate([c.angles for c in censuses])
    found = dihedral_readings(censuses, packings)
    assert found["mean"] == every.mean()
    assert found["bins_2"] == dihedral_peak(every, step=2.0).position
    joined = np.concatenate([c.angles_in_networks for c in censuses])
    assert found["in_networks"] == dihedral_peak(joined).position
    assert len(joined) == len(every)  # two that share an edge are a network of two
    none = take_census(polytetrahedral_packing(glass(), 2.0, 1e-6, box=BOX))
    assert np.isnan(list(dihedral_readings([none], packings[:1]).values())).all()


def test_angles_in_networks_are_those_within_one():
    packing = polytetrahedral_packing(glass(5), 4.0, 0.3, box=BOX)
    found = take_census(packing, min_size=5)
    label = np.full(len(found.motifs.fold[5]), -1)
    for k, network in enumerate(found.networks[5]):
        label[network.members] = k
    pairs = label[found.shared.edge_pairs]
    assert 0 < len(found.angles_in_networks) < len(found.angles)
    assert np.array_equal(found.angles_in_networks, found.angles[(pairs[:, 0] >= 0) & (pairs[:, 0] == pairs[:, 1])])


def test_lengths_of_an_icosahedron():
    """Twice its radius between atoms; its caps are the same atoms; centroids of tetrahedra lie on a smaller sphere."""
    packing = polytetrahedral_packing(icosahedron(), 3.1)
    motif = packing.motifs.fold[5]
    network = find_networks(motif, positions=packing.positions)[0]
    found = network_lengths(network, motif, packing)
    across = np.linalg.norm(packing.positions[:, None] - packing.positions, axis=2).max()
    assert found["distance_atoms"] == pytest.approx(across)
    assert found["distance_caps"] == pytest.approx(across)
    corners = packing.positions[packing.tetrahedra].mean(axis=1)
    widest = np.linalg.norm(corners[:, None] - corners, axis=2).max()
    assert found["distance_corners"] == pytest.approx(widest)
    assert all(v <= across + 1e-9 for k, v in found.items() if k.startswith("extent"))


def test_lengths_of_a_network_that_fills_a_glass_take_little_memory():
    """33,000 corners of skeletons: all pairs of them would take 4 GB."""
    packing = polytetrahedral_packing(load_sample("MDseed1").snapshots()[-1])
    motif = packing.motifs.fold[5]
    network = find_networks(motif, positions=packing.positions, box=packing.box)[0]
    assert network.size > 6000  # rings of five corners
    tracemalloc.start()
    found = network_lengths(network, motif, packing)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e8
    assert found["distance_caps"] <= found["distance_atoms"] == pdist(network.positions).max()


def test_which_networks_dominate():
    """Bcc is filled by sixfold rings; a random packing has networks of five."""
    positions, box = crystal("bcc", (5, 5, 5))
    found = take_census(polytetrahedral_packing(positions, 3.6, 0.255, box=box), rule="all")
    assert found.sizes[6].tolist() == [found.motifs.counts[6]]
    assert not found.dominated
    positions = icosahedron()
    assert take_census(polytetrahedral_packing(positions, 3.1)).dominated


def test_nothing_to_count():
    positions = glass()
    packing = polytetrahedral_packing(positions, 2.0, 1e-6, box=BOX)
    assert len(packing.tetrahedra) == 0
    found = take_census(packing)
    assert {n: len(sizes) for n, sizes in found.sizes.items()} == {4: 0, 5: 0, 6: 0}
    assert not found.dominated
    pooled = pool_censuses([found]).numbers()
    assert [pooled.pop(key) for key in ("bipyramids", "largest_network", "largest_atoms", "dominated")] == [0] * 4
    assert all(np.isnan(value) for value in pooled.values())
    with pytest.raises(ValueError, match="that of at least one sample"):
        pool_censuses([])


def test_the_peak_of_known_angles():
    """A normal distribution: its mean, within three standard errors of 10,000 values."""
    angles = np.random.default_rng(0).normal(118.3, 8.0, 10_000)
    peak = dihedral_peak(angles)
    assert peak.position == pytest.approx(118.3, abs=3 * 8.0 / np.sqrt(10_000) * 1.5)  # a fit to part of the values
    assert peak.width == pytest.approx(8.0, rel=0.05)
    assert np.isnan(dihedral_peak([]).position)
    with pytest.raises(ValueError, match="rule='some'"):
        take_census(polytetrahedral_packing(glass(), 4.0), rule="some")
    with pytest.raises(TypeError, match="packing is a ndarray; expected what polytetrahedral_packing returns"):
        take_census(glass())
