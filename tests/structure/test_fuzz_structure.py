"""Whatever the structure stage is given: a right answer or an error of ours."""

from __future__ import annotations

import numpy as np
from fuzzing import answer, boxes, fuzz, masks, numbers, positions, spoilt
from hypothesis import example, given
from hypothesis import strategies as st

import helpers
from helpers import structure
from helpers.arrays import as_positions

DEMO = helpers.load_sample("demo").model()
BALL = DEMO.positions[np.linalg.norm(DEMO.positions - DEMO.positions.mean(axis=0), axis=1) < 9]
PACKED = structure.polytetrahedral_packing(BALL, 3.95)
GRID = structure.mass_density(BALL, 181.0, 3.0, spacing=2.0)
R = np.arange(0.05, 12, 0.1)
G = np.where(R < 2.4, 0, 1 + np.exp(-R / 4) * np.cos(2 * np.pi * (R - 3) / 2.5))
OPEN = ["volumes", "surfaces", "radii", "distortion"]  # NaN for open cells
CUTOFFS = numbers(3.5, 4.0)
DELTAS = numbers(0.255, 0.3)
SIDES = boxes()
#: Inputs that once failed.
POINT = 1e-12 * np.array([[5.7, 2.4, 0.4], [0.1, 7.3, 8.2], [5.5, 6.6, 4.9], [8.4, 7.3, 0.0]])


@fuzz(25)
@given(positions(), numbers(6.0, None, 9.0), numbers(0.1, 0.5), SIDES, numbers(1.5, 0), numbers(4.0), numbers(0.5))
@example(BALL[:5], 6.0, 0.5, None, 1.5, 4.0, 1e-300)  # voxels whose number overflows
@example(POINT, 6.0, 0.1, None, 1.5, 4.0, 0.5)  # all atoms in one place: no shell has a volume inside
def test_fuzz_pair_distribution(atoms, r_max, step, box, smoothing, radius, voxel):
    options = {"smoothing": smoothing, "radius": radius, "voxel": voxel}
    found = answer(structure.pair_distribution, atoms, r_max, step, box, nan=["g", "raw"], **options)
    if found is not None:
        assert found.pairs.sum() <= len(atoms) * (len(atoms) - 1)
        answer(lambda p: p.first_peak, found)
        answer(lambda p: p.first_valley, found)


@fuzz(15)
@given(positions(), SIDES, st.sampled_from([None, ["Ta"], "Ta", ["Ta", "Pd"] * 20, 3, [1, 2]]), numbers(2, 20))
def test_fuzz_partial_pair_distributions(atoms, box, elements, least):
    options = {"elements": elements, "least": least}
    answer(structure.partial_pair_distributions, atoms, None, 0.2, box=box, nan=["g", "raw"], **options)


@fuzz(15)
@given(positions(), CUTOFFS, SIDES, st.sampled_from([None, ["Ta"], "Ta", ["Ta", "Pd"] * 20, 3]), masks(20), numbers(3))
def test_fuzz_chemical_order(atoms, cutoff, box, elements, centres, shuffles):
    options = {"elements": elements, "centres": centres, "shuffles": shuffles}
    answer(structure.chemical_order, atoms, cutoff, box=box, nan=["order", "chance"], **options)


ELEMENTS = [
    ["Ta"] * 10 + ["Pd"] * 10,
    np.array(["Cu", "Zr"] * 10),
    "Ta",
    ["Ta"],
    [],
    None,
    3,
    [1] * 20,
    ["Ta", None] * 10,
]


@fuzz(40)
@given(st.sampled_from([*ELEMENTS, *ELEMENTS[:2] * 4]), spoilt(np.arange(20.0) % 4), masks(20))
def test_fuzz_element_shares(elements, times, among):
    found = answer(structure.element_shares, elements, times, among=among, nan=["share", "even", "scatter"])
    if found is not None and found.elements and np.isfinite(found.share).all():  # no atoms are of no element
        np.testing.assert_allclose(found.share.sum(), 1)
        assert ((found.scatter >= 0) & (found.scatter <= 0.5) | np.isnan(found.scatter)).all()


@fuzz(15)
@given(st.sampled_from(sorted(PACKED.motifs.fold)), st.sampled_from(ELEMENTS), masks(len(BALL)))
def test_fuzz_motif_elements(fold, elements, among):
    many = elements * len(BALL) if isinstance(elements, list) and len(elements) == 1 else elements
    answer(structure.motif_elements, PACKED.motifs.fold[fold], many, among=among, nan=["share", "even", "scatter"])


@fuzz(25)
@given(positions(), CUTOFFS, SIDES)
def test_fuzz_bond_order(atoms, cutoff, box):
    found = answer(structure.bond_order, atoms, cutoff, box, nan=["q4", "q6", "local_q4", "local_q6"])
    if found is not None:
        assert ((found.normalised >= 0) & (found.normalised < 2.5)).all()


@fuzz(25)
@given(positions(), spoilt(np.linspace(0, 1, 20)), numbers(0.5), numbers(8.0, None), numbers(13), numbers(2), SIDES)
def test_fuzz_find_nuclei(atoms, order, threshold, radius, crowd, support, box):
    options = {"threshold": threshold, "radius": radius, "crowd": crowd, "support": support, "box": box}
    answer(structure.find_nuclei, atoms, order, **options)


@fuzz(25)
@given(positions(), CUTOFFS, DELTAS, SIDES, numbers(4.0), numbers(1e-9), numbers(200))
def test_fuzz_find_tetrahedra(atoms, cutoff, delta, box, max_radius, tolerance, most):
    options = {"max_radius": max_radius, "tolerance": tolerance, "most_neighbours": most}
    answer(structure.find_tetrahedra, atoms, cutoff, delta, box, **options)


@fuzz(25)
@given(positions(), numbers(4.0, None), SIDES, numbers(0.01, 0), numbers(1), numbers(6.0, None), numbers(1e-3))
@example(np.zeros((1, 3)), 4.0, None, 0, 1e300, 1e300, 1e300)  # rounds beyond what a kernel can count
def test_fuzz_voronoi(atoms, cutoff, box, area, rounds, max_radius, edge):
    options = {"minimum_area": area, "rounds": rounds, "max_radius": max_radius, "minimum_edge": edge}
    answer(structure.voronoi, atoms, cutoff, box, nan=OPEN, **options)


@fuzz(20)
@given(positions(), numbers(0, 3), SIDES, numbers(6.0))
def test_fuzz_voronoi_cell(atoms, atom, box, max_radius):
    answer(structure.voronoi_cell, atoms, atom, box=box, max_radius=max_radius, nan=True)


@fuzz(20)
@given(positions(), numbers(4.0, None), DELTAS, SIDES, numbers(0.5), st.sampled_from(["published", "stated", "x", 3]))
def test_fuzz_packing(atoms, cutoff, delta, box, threshold, rule):
    options = {"threshold": threshold, "rule": rule}
    found = answer(structure.polytetrahedral_packing, atoms, cutoff, delta, box=box, **options)
    if found is not None:
        answer(structure.take_census, found)
        answer(structure.ring_shares, found, nan=True)
        answer(structure.crowded_cube, found, 5.0)
        answer(structure.sweep_delta, found, [0.1, 0.2], nan=["fraction", "tetrahedral_atoms", "3", "4", "5"])


@fuzz(20)
@given(positions(), spoilt(np.full(20, 181.0)), numbers(3.0), SIDES, numbers(1.0, 2.0), numbers(4.0))
def test_fuzz_mass_density(atoms, mass, width, box, spacing, max_radius):
    options = {"box": box, "spacing": spacing, "max_radius": max_radius}
    answer(structure.mass_density, atoms, mass, width, nan=["values"], **options)
    answer(structure.atomic_density, atoms, mass, box=box, max_radius=max_radius, nan=True)


@fuzz(20)
@given(
    positions(),
    spoilt(np.linspace(0, 1, 20)),
    masks(20),
    numbers(0.5),
    st.sampled_from(["atoms", "crossing", "middle", "x"]),
    numbers(20.0),
    numbers(4.0, None),
    SIDES,
)
def test_fuzz_interface(atoms, order, nuclei, step, surface, farthest, max_radius, box):
    options = {"surface": surface, "farthest": farthest, "max_radius": max_radius, "box": box}
    answer(structure.interface_distance, atoms, order, nuclei, nan=True, **options)
    options = {"step": step, "surface": surface, "fit_range": (0.0, farthest), "max_radius": max_radius, "box": box}
    answer(structure.interface_profile, atoms, order, nuclei, nan=True, **options)
    answer(structure.smeared_step, atoms, order, nuclei, farthest, step, box=box, nan=True)


@fuzz(20)
@given(positions(), CUTOFFS, SIDES, masks(20), numbers(1.0, 2.0))
def test_fuzz_bonds(atoms, cutoff, box, chosen, step):
    answer(structure.bond_angles, atoms, cutoff, box=box, atoms=chosen, step=step, nan=True)
    answer(structure.bond_rings, atoms, cutoff, box=box)
    answer(structure.distorted_icosahedra, atoms, chosen, cutoff=cutoff, box=box)


@fuzz(15)
@given(positions(), CUTOFFS, DELTAS, SIDES, masks(20))
def test_fuzz_measures(atoms, cutoff, delta, box, chosen):
    for measure in (structure.measure_motifs, structure.measure_corners, structure.measure_bonds):
        answer(measure, atoms, cutoff, delta, box=box, nan=True)
    answer(structure.measure_nuclei, atoms, cutoff, box=box)
    answer(structure.measure_cells, atoms, disordered=chosen, cutoff=cutoff, box=box, nan=True)
    answer(structure.measure_gain, atoms, cutoff, mass=181.0, delta=delta, spacing=2.0, box=box, nan=True)
    answer(structure.measure_interface, atoms, cutoff, box=box, nan=True)


@fuzz(25)
@given(spoilt(R), spoilt(G), spoilt(0.01 * G), numbers(3), numbers(15.0, 2.0))
def test_fuzz_curves(r, g, error, shells, reach):
    answer(structure.first_peak, r, g)
    answer(structure.first_valley, r, g)
    answer(structure.extrema, r, g, shells=shells)
    answer(structure.second_peak, r, g, error)
    answer(structure.fit_peak, r, g, reach=reach, nan=True)


@fuzz(25)
@given(positions(), numbers(2, 0), numbers(0.18), numbers(0))
@example(BALL[:5], 1e9, 0.18, 0)  # more copies than a call can measure
def test_fuzz_estimates(atoms, repeats, precision, seed):
    def count(model):
        return {"atoms": float(len(as_positions(model)[0]))}  # as all measures, it refuses what is no model

    options = {"repeats": repeats, "precision": precision, "seed": seed}
    answer(structure.estimate, count, atoms, nan=True, **options)
    answer(lambda *a, **k: list(structure.displaced_models(*a, **k)), atoms, 1, precision=precision, nan=True)
    answer(structure.noise_tilt, precision, precision)


@fuzz(25)
@given(
    spoilt(PACKED.tetrahedra[:40].astype(float)) | spoilt(PACKED.tetrahedra[:40]),
    masks(40),
    numbers(3),
    numbers(0.0, 2.0),
    numbers(0, 2),
    numbers(5.0),
)
def test_fuzz_tetrahedra(rows, mask, least, level, axis, edge):
    answer(structure.tetrahedron_distortion, BALL, rows)
    answer(structure.find_motifs, rows)
    answer(structure.disordered_tetrahedra, rows, mask, least=least)
    answer(structure.slice_tetrahedra, BALL, rows, level, axis=axis)
    answer(structure.fill_tetrahedra, BALL, rows, GRID)
    answer(structure.bipyramid_atoms, PACKED, rows)
    answer(structure.in_one_piece, PACKED, rows)
    answer(structure.packed_region, PACKED, GRID, mask)
    answer(structure.density_contrast, GRID, mask, nan=True)
    answer(structure.crowded_cube, PACKED, edge)
    answer(structure.sweep_delta, PACKED, [level, edge], nan=True)


@fuzz(25)
@given(spoilt(np.linspace(60, 150, 50)), numbers(1.0), numbers(15.0), spoilt(np.ones((10, 4), int)), numbers(6, None))
def test_fuzz_distributions(angles, step, reach, faces, widest):
    answer(structure.dihedral_peak, angles, step=step, reach=reach, nan=True)
    answer(structure.edge_fractions, faces, widest=widest, nan=True)
    answer(structure.index_populations, faces)
    answer(structure.index_fraction, faces, nan=True)
    answer(structure.index_fraction, faces, faces, nan=True)
