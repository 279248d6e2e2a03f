"""Calls that compile every kernel of this stage."""

from __future__ import annotations

import numpy as np

from . import (
    atomic_density,
    bond_angles,
    bond_rings,
    displaced_models,
    distorted_icosahedra,
    distortion,
    find_icosahedra,
    find_motifs,
    find_networks,
    find_nuclei,
    find_tetrahedra,
    icosahedral_filling,
    interface_distance,
    interface_profile,
    largest_cluster,
    mass_density,
    network_skeletons,
    packed_region,
    pair_distribution,
    polytetrahedral_packing,
    skeletons,
    slice_tetrahedra,
    sweep_delta,
    take_census,
    tetrahedron_distortion,
    voronoi,
    voronoi_cell,
)


def warm() -> None:
    """Analyse a jittered crystal with an icosahedron beside it, as a finite sample and in a box."""
    crystal = 2.9 * np.moveaxis(np.indices((6, 6, 6)), 0, -1).reshape(-1, 3)
    crystal = crystal + np.random.default_rng(0).normal(0, 0.15, crystal.shape)  # none too near another
    gold = (1 + np.sqrt(5)) / 2
    ring = [[0.0, a, b] for a in (-1, 1) for b in (-gold, gold)]
    shell = np.array([np.roll(corner, k) for corner in ring for k in range(3)])
    ball = np.concatenate([np.zeros((1, 3)), 1.45 * shell]) + [30.0, 8.0, 8.0]
    ball += np.random.default_rng(1).normal(0, 0.01, ball.shape)  # no angle on the edge of two bins
    _analyse(np.concatenate([crystal, ball]), None)
    _analyse(crystal % 17.4, np.full(3, 17.4))
    corner = (ball - ball[0]) % 30.0  # an icosahedron across the faces of a box
    five = find_motifs(find_tetrahedra(corner, 3.9, 0.4, 30.0)).fold[5]
    find_networks(five, 1, positions=corner, box=30.0)
    find_motifs([[0, 1, 2, 3], [1, 2, 3, 4]])  # in no ring


def _analyse(positions: np.ndarray, box: np.ndarray | None) -> None:
    """Do everything that the notebooks do."""
    cutoff, mass = 3.9, 180.0
    pair_distribution(positions, r_max=8.0, box=box)
    everywhere = np.ones(len(positions), bool)
    p = polytetrahedral_packing(positions, cutoff, 0.4, box=box, disordered=everywhere)
    polytetrahedral_packing(positions, cutoff, 0.4, box=box)
    tetrahedron_distortion(p.positions, p.tetrahedra, box=p.box)
    sweep_delta(p, [0.2, 0.4])
    next(displaced_models(p.positions, 1, precision=0.1))
    find_nuclei(p.positions, p.order, box=box)
    nuclei = np.linalg.norm(p.positions - p.positions.mean(axis=0), axis=1) < 5.0
    interface_distance(p.positions, p.order, nuclei)
    interface_profile(p.positions, p.order, nuclei, fit_range=(0.0, 8.0))
    bond_rings(p.positions, p.cutoff, box=p.box)
    bond_angles(p.positions, p.cutoff, box=p.box, atoms=p.disordered)
    distortion(p.positions, p.motifs.fold[5], p.box)
    voronoi(p.positions, box=p.box)
    voronoi(p.positions, p.cutoff, p.box, minimum_area=0.0)
    voronoi_cell(p.positions, 0, box=p.box)
    distorted_icosahedra(p.positions, p.disordered, cutoff=p.cutoff, box=p.box)
    atomic_density(p.positions, mass, box=p.box)
    grid = mass_density(p.positions, mass, p.cutoff, box=p.box, spacing=1.0)
    packed_region(p, grid)
    slice_tetrahedra(p.positions, p.tetrahedra, float(p.positions[:, 2].mean()))
    take_census(p, min_size=1)
    five = p.motifs.fold[5]
    network = largest_cluster(five, p)
    if network is not None:
        network_skeletons(network, five, p)
    skeletons(p.motifs.tetrahedra(5), p)
    icosahedral_filling(five, p)
    find_icosahedra(five, p)
