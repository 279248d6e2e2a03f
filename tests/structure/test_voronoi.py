"""Voronoi cells: against scipy and freud, on crystals, and on the published models."""

from __future__ import annotations

import naive_voronoi as naive
import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

import helpers.structure as structure
from helpers.structure import (
    edge_fractions,
    index_fraction,
    index_populations,
    voronoi,
    voronoi_cell,
)

CELLS = {
    "simple cubic": ([[0, 0, 0]], [1, 1, 1]),
    "bcc": ([[0, 0, 0], [0.5, 0.5, 0.5]], [1, 1, 1]),
    "fcc": ([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], [1, 1, 1]),
    "hcp": ([[0, 0, 0], [0.5, 0.5, 0], [0.5, 5 / 6, 0.5], [0, 1 / 3, 0.5]], [1, np.sqrt(3), np.sqrt(8 / 3)]),
}
INDICES = {"simple cubic": [0, 6, 0, 0], "bcc": [0, 6, 0, 8], "fcc": [0, 12, 0, 0], "hcp": [0, 12, 0, 0]}
PUBLISHED = {  # coordination; five-edged faces of 3 to 6 edges with and without the valley, icosahedral likewise
    "Ta": (12.19, 0.443, 0.450, 0.094, 0.108),
    "Pd1": (12.38, 0.448, 0.460, 0.090, 0.105),
    "Pd2": (12.35, 0.448, 0.461, 0.088, 0.105),
}


def crystal(name, repeats=4, a=3.0):
    """Return a periodic crystal and its box."""
    basis, cell = CELLS[name]
    corners = np.stack(np.meshgrid(*3 * [np.arange(repeats)], indexing="ij"), axis=-1).reshape(-1, 1, 3)
    cell = a * np.array(cell)
    return ((corners + np.array(basis)) * cell).reshape(-1, 3), repeats * cell


def packing(count=400, box=20.0, nearest=1.9, seed=0):
    """Return atoms at random in a box, none nearer than `nearest` to another (periodic)."""
    random = np.random.default_rng(seed)
    atoms = np.empty((0, 3))
    while len(atoms) < count:
        trial = random.uniform(0, box, 3)
        gap = atoms - trial
        gap -= box * np.round(gap / box)
        if not len(atoms) or (gap**2).sum(axis=1).min() > nearest**2:
            atoms = np.vstack([atoms, trial])
    return atoms


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"minimum_area": 0.0},
        {"minimum_area": 0.03},
        {"cutoff": 4.5},
        {"rebuild": False},
        {"max_radius": 4.0},
    ],
    ids=str,
)
def test_equals_scipy(options):
    positions = packing(250, 17.0)
    found = voronoi(positions, minimum_edge=0.0, **options)
    compared = 0
    for atom in np.argsort(((positions - 8.5) ** 2).sum(axis=1))[::4]:
        expected = naive.analyse(positions, atom, columns=found.faces.shape[1], **options)
        if expected is None:
            assert not found.closed[atom] and not found.faces[atom].any()
            assert np.isnan(found.volumes[atom]) and np.isnan(found.surfaces[atom])
            continue
        faces, volume, surface, radius = expected
        # rounding of the two codes: 1e-9 is far above it, far below any real difference
        np.testing.assert_allclose(
            [found.volumes[atom], found.surfaces[atom], found.radii[atom]], [volume, surface, radius], rtol=1e-9
        )
        assert found.closed[atom] == (faces is not None)
        if faces is not None:
            np.testing.assert_array_equal(found.faces[atom], faces)
            compared += 1
    assert compared > 10


@pytest.mark.parametrize("options", [{}, {"minimum_area": 0.03}, {"rebuild": False, "minimum_area": 0.0}], ids=str)
def test_distortion_is_that_of_the_worst_tetrahedron_at_a_vertex(options):
    positions = packing(250, 17.0)
    found = voronoi(positions, **options)
    compared = 0
    for atom in np.flatnonzero(found.closed)[::5]:
        around = np.delete(positions, atom, axis=0) - positions[atom]
        around = around[np.linalg.norm(around, axis=1) <= 12]
        polygons = naive.cell(around)
        areas = {j: naive.area(p) for j, p in polygons.items()}
        kept = [j for j in polygons if areas[j] >= options.get("minimum_area", 0.01) * sum(areas.values())]
        polygons, shell = naive.cell(around[kept]), np.vstack([np.zeros(3), around[kept]])
        corners = np.unique(np.vstack(list(polygons.values())).round(7), axis=0)
        meet = [[j + 1 for j, p in polygons.items() if np.abs(p - c).sum(axis=1).min() < 1e-6] for c in corners]
        if any(len(m) != 3 for m in meet):  # edges shorter than the two codes tell apart
            continue
        worst = structure.tetrahedron_distortion(shell, [[0, *m] for m in meet]).max()
        shortest = min(np.linalg.norm(p - np.roll(p, 1, axis=0), axis=1).min() for p in polygons.values())
        if shortest > 1e-3:  # shorter edges are not counted
            assert found.distortion[atom] == pytest.approx(worst, rel=1e-9)  # rounding
            compared += 1
    assert compared > 10
    assert np.isnan(found.distortion[~found.closed]).all()


def test_equals_freud_in_a_box():
    freud = pytest.importorskip("freud")
    box = np.array([19.0, 20.0, 21.0])
    positions = packing(400, 19.0)
    positions = positions.astype(np.float32).astype(float)  # freud keeps single precision
    theirs = freud.locality.Voronoi().compute((freud.box.Box(*box), positions - box / 2))
    ours = voronoi(positions, box=box, minimum_area=0.0, minimum_edge=0.0, max_radius=None)
    np.testing.assert_allclose(ours.volumes, theirs.volumes, rtol=1e-5)  # its planes are single precision too
    assert abs(ours.coordination.sum() - len(theirs.nlist)) <= 0.001 * len(theirs.nlist)  # faces of no area


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000])
def test_volumes_fill_the_box(count):
    box = np.array([11.0, 14.0, 17.0])
    gas = np.random.default_rng(count).uniform(-20, 40, (count, 3))  # atoms may lie outside the box
    found = voronoi(gas, box=box, max_radius=None)
    assert found.closed.all()
    np.testing.assert_allclose(found.volumes.sum(), box.prod(), rtol=1e-10)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("noise", [0.0, 1e-12, 1e-8, 1e-5])
def test_crystals(name, noise):
    positions, box = crystal(name)
    positions = positions + np.random.default_rng(0).normal(0, 1, positions.shape) * noise
    found = voronoi(positions, box=box)
    assert (found.indices == INDICES[name]).all()
    assert (found.coordination == sum(INDICES[name])).all()
    np.testing.assert_allclose(found.volumes, box.prod() / len(positions), rtol=1e-9 + 10 * noise)


@pytest.mark.parametrize("name", CELLS)
def test_turned_crystals_and_single_precision(name):
    positions, box = crystal(name, repeats=6)
    centre = np.argmin(((positions - box / 2) ** 2).sum(axis=1))
    for seed in range(3):
        turned = Rotation.random(random_state=seed).apply(positions - positions[centre])
        for atoms in (turned, turned.astype(np.float32)):
            assert voronoi(atoms).indices[centre].tolist() == INDICES[name]


def test_diamond_without_regulation():
    basis = np.array(CELLS["fcc"][0])
    corners = np.stack(np.meshgrid(*3 * [np.arange(3)]), axis=-1).reshape(-1, 1, 3)
    positions = 5.43 * (corners + np.vstack([basis, basis + 0.25])).reshape(-1, 3)
    found = voronoi(positions, box=3 * 5.43, minimum_area=0.0)
    assert (found.indices == [12, 0, 0, 4]).all()  # a triakis truncated tetrahedron


def test_icosahedron():
    golden = (1 + np.sqrt(5)) / 2
    shell = np.array([[0, s, t * golden] for s in (-1, 1) for t in (-1, 1)])
    shell = np.vstack([np.roll(shell, k, axis=1) for k in range(3)])
    positions = np.vstack([np.zeros(3), 2.8 * shell / np.linalg.norm(shell[0])])
    found = voronoi(positions)
    assert found.indices[0].tolist() == [0, 0, 12, 0]
    assert found.closed.tolist() == [True] + 12 * [False]
    assert np.isfinite(found.volumes).tolist() == found.closed.tolist()
    inradius = 1.4  # volume of the regular dodecahedron of this inradius
    edge = inradius / (np.sqrt(250 + 110 * np.sqrt(5)) / 20)
    np.testing.assert_allclose(found.volumes[0], (15 + 7 * np.sqrt(5)) / 4 * edge**3, rtol=1e-12)
    pentagon = np.sqrt(25 + 10 * np.sqrt(5)) / 4 * edge**2
    cell = voronoi_cell(positions, 0)
    np.testing.assert_allclose(cell.areas, pentagon, rtol=1e-12)
    assert cell.vertices.shape == (20, 3) and {len(f) for f in cell.faces} == {5}


def test_cell_agrees_with_the_tessellation():
    positions = packing(300, 18.0)
    found = voronoi(positions, minimum_area=0.0, minimum_edge=0.0)
    for atom in np.flatnonzero(found.closed)[:20]:
        cell = voronoi_cell(positions, int(atom))
        np.testing.assert_allclose(cell.areas.sum(), found.surfaces[atom], rtol=1e-12)
        assert np.bincount([len(f) for f in cell.faces], minlength=found.faces.shape[1] + 3)[3:].tolist() == (
            found.faces[atom].tolist()
        )
        heights = np.linalg.norm(cell.neighbours, axis=1) / 2
        np.testing.assert_allclose(cell.areas @ heights / 3, found.volumes[atom], rtol=1e-12)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), shift=st.floats(-50, 50))
def test_unchanged_when_turned_moved_and_shuffled(seed, shift):
    positions = packing(200, 15.5, seed=3)
    before = voronoi(positions, 4.4)
    order = np.random.default_rng(seed).permutation(len(positions))
    moved = Rotation.random(random_state=seed).apply(positions)[order] + shift
    after = voronoi(moved, 4.4)
    np.testing.assert_array_equal(after.closed, before.closed[order])
    np.testing.assert_allclose(after.volumes, before.volumes[order], rtol=1e-10)
    np.testing.assert_array_equal(after.faces, before.faces[order])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_unchanged_by_the_origin_of_the_box(seed):
    positions = packing(150, 15.0, seed=4)
    before = voronoi(positions, box=15.0)
    shift = np.random.default_rng(seed).uniform(-30, 30, 3)
    after = voronoi(positions + shift, box=15.0)
    np.testing.assert_allclose(after.volumes, before.volumes, rtol=1e-10)
    np.testing.assert_array_equal(after.faces, before.faces)


def test_box_equals_explicit_images():
    positions, box = packing(60, 10.0), 10.0
    shifts = box * np.stack(np.meshgrid(*3 * [[0, -1, 1]], indexing="ij"), axis=-1).reshape(-1, 1, 3)
    images = voronoi((positions + shifts).reshape(-1, 3))
    periodic = voronoi(positions, box=box)
    np.testing.assert_allclose(periodic.volumes, images.volumes[:60], rtol=1e-12)
    np.testing.assert_array_equal(periodic.faces, images.faces[:60, : periodic.faces.shape[1]])


@pytest.mark.usefixtures("all_threads")
def test_one_thread_equals_many():
    positions = packing(300, 18.0)
    threads = numba.get_num_threads()
    many = voronoi(positions)
    try:
        numba.set_num_threads(1)
        one = voronoi(positions)
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(one.volumes, many.volumes)
    np.testing.assert_array_equal(one.faces, many.faces)


def test_scratch_grows_with_the_cell():
    random = np.random.default_rng(0)
    sphere = random.normal(size=(400, 3))
    sphere *= (5 + random.uniform(0, 1e-3, 400))[:, None] / np.linalg.norm(sphere, axis=1, keepdims=True)
    found = voronoi(np.vstack([np.zeros(3), sphere]), minimum_area=0.0)
    assert found.coordination[0] > 350  # more faces than the first scratch holds
    # the cell lies between two balls
    assert 4 / 3 * np.pi * 2.5**3 < found.volumes[0] < 4 / 3 * np.pi * 2.75**3


def test_rounds_and_rebuilding():
    positions = packing(400, 20.0)
    options = ({}, {"rounds": 20}, {"minimum_area": 0.0}, {"rebuild": False})
    once, often, raw, kept = (voronoi(positions, box=20.0, minimum_edge=0.0, **o) for o in options)
    assert often.coordination.sum() <= once.coordination.sum() < raw.coordination.sum()
    np.testing.assert_array_equal(once.coordination, kept.coordination)  # the faces that remain stay
    # Euler: a cell in general position has 3 V = 2 E, so its faces have 6 - 12 / F edges on average
    sides = np.arange(3, raw.faces.shape[1] + 3)
    np.testing.assert_array_equal(raw.faces @ sides, 6 * raw.coordination - 12)
    np.testing.assert_array_equal(once.faces @ sides[: once.faces.shape[1]], 6 * once.coordination - 12)
    np.testing.assert_array_equal(once.volumes, raw.volumes)  # volumes are those of the unregulated cell


def test_statistics():
    found, fractions = index_populations([[0, 0, 12, 0], [0, 6, 0, 8], [0, 0, 12, 0], [0, 2, 8, 2]])
    assert found.tolist() == [[0, 0, 12, 0], [0, 2, 8, 2], [0, 6, 0, 8]]
    assert fractions.tolist() == [0.5, 0.25, 0.25]
    assert index_fraction(found) == pytest.approx(2 / 3)
    assert edge_fractions([[0, 6, 0, 8, 2]], widest=6).tolist() == [0, 6 / 14, 0, 8 / 14]
    empty = np.empty((0, 4), int)
    assert len(index_populations(empty)[0]) == 0 and np.isnan(index_fraction(empty))
    assert np.isnan(edge_fractions(empty)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.zeros((3, 5))}, "transpose"),
        ({"positions": np.full((4, 3), np.nan)}, "not finite"),
        ({"positions": np.empty((0, 3))}, "at least 1"),
        ({"positions": np.repeat(np.eye(3), 2, axis=0)}, "6 atoms lie where another one does"),
        ({"cutoff": 0.0}, "cutoff=0.0; expected a positive number"),
        ({"cutoff": -2.0}, "cutoff"),
        ({"box": [10.0, 0.0, 10.0]}, "positive lengths"),
        ({"minimum_area": 1.0}, "share of the surface"),
        ({"minimum_area": -0.1}, "share of the surface"),
        ({"minimum_edge": -1.0}, "minimum_edge"),
        ({"rounds": 0}, "rounds=0"),
        ({"max_radius": 0.0}, "max_radius"),
    ],
    ids=str,
)
def test_bad_input(change, message):
    arguments = {"positions": np.eye(3), **change}
    with pytest.raises(ValueError, match=message):
        voronoi(**arguments)


def test_bad_statistics_and_atoms():
    with pytest.raises(ValueError, match=r"expected \(N, 4\)"):
        index_populations([[1, 2, 3]])
    with pytest.raises(IndexError, match="not among the 3 atoms"):
        voronoi_cell(np.eye(3), 3)


def test_few_atoms_are_open():
    for positions in ([[0, 0, 0]], [[0, 0, 0], [3, 0, 0]], np.arange(12).reshape(4, 3)):
        found = voronoi(positions)
        assert not found.closed.any() and np.isnan(found.volumes).all()


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_models(published, name):
    sample = published(name)
    positions = sample.model().positions
    order = structure.bond_order(positions, sample.first_valley).normalised
    disordered = ~structure.find_nuclei(positions, order)
    coordination, five, five_valley, icosahedra, icosahedra_valley = PUBLISHED[name]
    found = voronoi(positions)
    use = disordered & found.closed
    assert found.coordination[use].mean() == pytest.approx(coordination, abs=0.01)
    assert edge_fractions(found.faces[use], widest=6)[2] == pytest.approx(five, abs=0.001)
    assert index_fraction(found.indices[use]) == pytest.approx(icosahedra, abs=0.001)
    found = voronoi(positions, sample.first_valley)
    use = disordered & found.closed
    assert edge_fractions(found.faces[use], widest=6)[2] == pytest.approx(five_valley, abs=0.001)
    assert index_fraction(found.indices[use]) == pytest.approx(icosahedra_valley, abs=0.001)
