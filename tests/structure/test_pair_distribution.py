"""Pair distributions: gases, crystals, other programs, the exact shell correction, and the published curves."""

from __future__ import annotations

import naive_pair_distribution as naive
import numpy as np
import pytest
from ase import Atoms
from ase.cluster import Icosahedron, Octahedron
from crystals import crystal
from hypothesis import given, settings
from hypothesis import strategies as st
from said import of_kind
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from helpers.checks import ClosePairsWarning, VacuumWarning
from helpers.geometry.delaunay import alpha_shape
from helpers.structure import bond_order, find_nuclei, pair_distribution
from helpers.structure._sample_shape import _fill_voxels, inside_fraction

BOX = np.array([24.0, 21.0, 27.0])
R = 0.05 + 0.1 * np.arange(120)


def particle(radius=14.0, seed=0, nearest=2.2):
    """A ball of atoms that keep their distance, like a small glass."""
    random = np.random.default_rng(seed)
    atoms = np.zeros((1, 3))
    for trial in random.uniform(-radius, radius, (8000, 3)):
        if np.linalg.norm(trial) < radius and ((atoms - trial) ** 2).sum(axis=1).min() > nearest**2:
            atoms = np.vstack([atoms, trial])
    return atoms


@pytest.fixture(scope="module")
def ball():
    return particle()


def test_counts_equal_all_distances(ball):
    found = pair_distribution(ball, r_max=30.0, step=0.25, smoothing=0)
    np.testing.assert_array_equal(found.pairs, naive.count_pairs(ball, 0.25, 120))
    assert found.pairs.sum() == len(ball) * (len(ball) - 1)  # 30 Å is farther than any two atoms


@pytest.mark.parametrize("r_max", [2.0, 5.0, 10.0])
def test_counts_in_a_box_equal_freud(r_max):
    freud = pytest.importorskip("freud")
    side = 22.0
    box = freud.box.Box.cube(side)
    atoms = box.wrap(np.random.default_rng(1).uniform(0, side, (800, 3))).astype(np.float32)
    theirs = freud.density.RDF(20, r_max, normalization_mode="finite_size").compute((box, atoms), reset=True)
    ours = pair_distribution(atoms, r_max, r_max / 20, side, smoothing=0)
    # freud works in single precision: a few pairs fall on the other side of an edge
    assert abs(ours.pairs - theirs.bin_counts).max() <= 4
    np.testing.assert_allclose(ours.r, theirs.bin_centers, rtol=1e-6)
    full = theirs.bin_counts > 1000
    np.testing.assert_allclose(ours.g[full], theirs.rdf[full], rtol=5e-3)


def test_an_ideal_gas_is_one_everywhere():
    gas = np.random.default_rng(2).uniform(0, 1, (6000, 3)) * BOX
    found = pair_distribution(gas, 10.0, 0.5, BOX, smoothing=0)
    # Poisson noise of unordered pairs, five standard deviations
    np.testing.assert_array_less(abs(found.g - 1), 5 / np.sqrt(found.pairs / 2))


def test_a_finite_piece_of_gas_is_flat():
    # the alpha shape of a gas: dense enough to have no holes
    gas = np.random.default_rng(3).uniform(0, 1, (20000, 3)) * [30, 34, 25]
    found = pair_distribution(gas, 15.0, 0.5, smoothing=0)
    np.testing.assert_allclose(found.g[4:], 1, atol=0.02)  # noise 0.4 % at 2.25 Å, and the rim of the shape
    assert 0.9 < found.scale < 1.1


@pytest.mark.parametrize("name", ["fcc", "bcc", "hcp"])
def test_peaks_of_crystals(name):
    atoms, box = crystal(name, (5, 5, 5))
    found = pair_distribution(atoms, 5.0, 0.1, box, smoothing=0)
    nearest = found.pairs[29:31].sum() / len(atoms)  # 3 Å is the edge of two shells
    assert nearest == {"fcc": 12, "bcc": 8, "hcp": 12}[name]
    second = found.pairs[31:36].sum() / len(atoms)
    assert second == {"fcc": 0, "bcc": 6, "hcp": 0}[name]


def test_box_and_finite_sample_agree_on_a_crystal():
    random = np.random.default_rng(4)
    atoms, box = crystal("fcc", (11, 11, 11))
    atoms = atoms + random.normal(0, 0.15, atoms.shape)
    periodic = pair_distribution(atoms, 12.0, box=box)
    finite = pair_distribution(atoms, 12.0, tail=2.0)
    high = periodic.g > 1
    # an eighth of the atoms of the cube lie on its surface and see another density
    np.testing.assert_allclose(finite.g[high], periodic.g[high], rtol=0.05)
    assert abs(finite.first_valley - periodic.first_valley) < 0.02


def test_inside_fraction_equals_points_on_spheres(ball):
    corners, volume = alpha_shape(ball, 4.0)
    r = np.array([0.5, 1.5, 3.0, 5.0, 8.0, 12.0, 16.0, 20.0])
    exact = naive.inside_fraction(ball, 4.0, r)
    found = inside_fraction(ball, corners, r, 0.5)
    # voxels smear the rim by half of their edge: error voxel² / 8 times the fraction's Laplacian, and 400 points
    np.testing.assert_allclose(found, exact, atol=3e-3)
    np.testing.assert_allclose(inside_fraction(ball, corners, r, 1.0), exact, atol=1e-2)
    assert volume == pytest.approx(4 / 3 * np.pi * 13**3, rel=0.1)  # the atoms reach out to 14 Å


@pytest.mark.parametrize("part", ["core", "cap"])
def test_inside_fraction_of_some_atoms_counts_the_whole_sample(ball, part):
    corners, _ = alpha_shape(ball, 4.0)
    some = ball[np.linalg.norm(ball, axis=1) < 4] if part == "core" else ball[ball[:, 0] > 9]
    r = np.array([0.5, 1.5, 3.0, 5.0, 8.0])
    exact = naive.inside_fraction(ball, 4.0, r, centres=some)
    np.testing.assert_allclose(inside_fraction(some, corners, r, 0.5), exact, atol=6e-3)  # of fewer atoms
    np.testing.assert_array_equal(inside_fraction(some + 1000.0, corners, r, 0.5), 0)


def test_stray_atoms_do_no_harm(ball):
    corners, _ = alpha_shape(ball, 4.0)
    r = np.array([1.0, 5.0, 10.0])
    inside = inside_fraction(ball, corners, r, 0.5)
    strays = np.vstack([ball, [[1e6, 0, 0], [0, -1e6, 0]]])
    together, _ = alpha_shape(strays, 4.0)
    expected = inside * len(ball) / len(strays)
    np.testing.assert_allclose(inside_fraction(strays, together, r, 0.5), expected, atol=1e-3)
    one_near = np.vstack([ball, [[20.0, 0, 0]]])  # 6 Å outside: its spheres meet the sample
    corners, _ = alpha_shape(one_near, 4.0)
    exact = naive.inside_fraction(one_near, 4.0, r, points=150)
    np.testing.assert_allclose(inside_fraction(one_near, corners, r, 0.5), exact, atol=3e-3)


def test_voxels_hold_the_volume_of_tetrahedra():
    cube = np.array([(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=float) * [6.0, 5.0, 4.0]
    corners, volume = alpha_shape(cube, 10.0)
    assert volume == pytest.approx(120)
    mask = np.zeros((10, 9, 8), dtype=np.float32)
    _fill_voxels(0, 1, corners + 1.5, mask)  # faces on faces of voxels, upright and flat ones among them
    expected = np.zeros_like(mask)
    expected[2:8, 2:7, 2:6] = 1
    np.testing.assert_allclose(mask, expected, atol=1e-6)
    turned = Rotation.from_euler("zyx", [20, 30, 40], degrees=True).apply(cube) * 5
    corners, volume = alpha_shape(turned, 60.0)
    mask = np.zeros((60, 60, 60), dtype=np.float32)
    _fill_voxels(0, 1, corners - turned.min(axis=0) + 2, mask)
    assert mask.sum() == pytest.approx(volume, rel=1e-3)
    assert mask.max() < 1 + 1e-5


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_invariances(ball, seed):
    random = np.random.default_rng(seed)
    before = pair_distribution(ball, 10.0)
    moved = random.permutation(ball) + random.uniform(-100, 100, 3)
    after = pair_distribution(moved, 10.0)
    np.testing.assert_allclose(after.raw, before.raw, rtol=2e-3, atol=2e-3)  # the grid falls elsewhere
    assert abs(after.pairs - before.pairs).sum() <= 8  # rounding at edges
    turned = pair_distribution(Rotation.random(rng=random).apply(ball), 10.0)
    np.testing.assert_allclose(turned.raw, before.raw, rtol=3e-3, atol=3e-3)
    assert turned.volume == pytest.approx(before.volume, rel=1e-6)


def test_images_of_a_box_change_nothing():
    atoms = np.random.default_rng(5).uniform(0, 1, (500, 3)) * BOX
    once = pair_distribution(atoms, 10.0, box=BOX)
    steps = np.array([(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    eight = pair_distribution((atoms + (steps * BOX)[:, None]).reshape(-1, 3), 10.0, box=2 * BOX)
    assert abs(eight.pairs - 8 * once.pairs).max() <= 16  # rounding at edges


def test_smoothing_is_a_gaussian_that_keeps_the_area():
    random = np.random.default_rng(6)
    atoms = random.uniform(0, 1, (800, 3)) * BOX
    found = pair_distribution(atoms, 10.0, box=BOX, smoothing=1.5)
    expected = gaussian_filter1d(found.raw, 1.5, truncate=2, mode="nearest")
    np.testing.assert_allclose(found.g, expected, atol=1e-12)
    none = pair_distribution(atoms, 10.0, box=BOX, smoothing=0)
    np.testing.assert_array_equal(none.g, none.raw)


def test_the_shape_of_an_earlier_result(ball):
    first = pair_distribution(ball, 10.0)
    np.testing.assert_array_equal(pair_distribution(ball, 10.0, shape_of=first).g, first.g)
    moved = ball + np.random.default_rng(7).normal(0, 0.1, ball.shape)
    short = pair_distribution(moved, 10.0, shape_of=first)
    np.testing.assert_allclose(short.raw, pair_distribution(moved, 10.0).raw, rtol=0.01)
    with pytest.raises(ValueError, match="shape_of has 100 shells up to 9.95 Å; expected 80 up to 7.95 Å"):
        pair_distribution(ball, 8.0, shape_of=first)


def test_beyond_the_sample_g_is_undefined(ball):
    found = pair_distribution(ball, 40.0)
    assert np.isnan(found.g[-50:]).all()
    assert np.isfinite(found.g[:200]).all()
    assert found.pairs[np.isnan(found.raw)].sum() == 0


LATTICE, SIDES = crystal("fcc", (4, 4, 4))


def test_the_range_follows_a_narrow_box():
    found = pair_distribution(LATTICE, box=SIDES)
    assert found.r[-1] < SIDES[0] / 2 < found.r[-1] + 0.2
    assert pair_distribution(LATTICE).r[-1] < 16  # as narrow, and finite
    assert pair_distribution(particle(16.0)).r[-1] == pytest.approx(19.95)


def test_a_cluster_in_a_large_box_is_measured_as_a_cluster():
    """Taken as full of atoms, the box of 60 Å would give a g(6) of ten or more."""
    with pytest.warns(VacuumWarning, match="is not filled"):
        found = pair_distribution(LATTICE, 9.0, box=60.0)
    np.testing.assert_array_equal(found.g, pair_distribution(LATTICE, 9.0).g)
    with pytest.raises(ValueError, match="is too small: the atoms reach over"):
        pair_distribution(LATTICE + np.random.default_rng(0).normal(0, 0.1, LATTICE.shape), 4.0, box=10.0)


def test_atoms_traced_twice_are_named_once():
    twice = np.concatenate([LATTICE, LATTICE[:20] + [0.3, 0, 0]])
    with pytest.warns(ClosePairsWarning, match="20 pairs of atoms .* the closest 0.3 Å apart") as said:
        pair_distribution(twice, 6.0, box=SIDES)
    assert len(of_kind(said, ClosePairsWarning)) == 1


def test_what_would_take_minutes_or_all_memory_is_refused_beforehand():
    with pytest.raises(MemoryError, match=r"1.2e\+10 shells of 1e-09 Å would take .* raise step, or lower r_max"):
        pair_distribution(LATTICE, 12.0, 1e-9)
    gas = np.random.default_rng(0).uniform(0, 200, (20_000, 3))
    with pytest.raises(
        ValueError, match=r"20,000 atoms have about .* pairs within r_max=95 Å, more than most_pairs=1e"
    ):
        pair_distribution(gas, 95.0, 5.0, box=200.0, most_pairs=1e6)


@pytest.mark.parametrize(
    ("positions", "options", "message"),
    [
        (np.zeros((1, 3)), {}, "positions holds 1 atom; expected at least 2"),
        (np.eye(3), {}, "no four of the 3 atoms lie on a sphere of radius 4 Å"),
        (np.random.default_rng(0).uniform(0, 90, (20, 3)), {}, "give a larger radius, or the box"),
        (np.arange(30.0).reshape(10, 3), {}, "no four of the 10 atoms"),  # on a line
        (LATTICE, {"box": SIDES, "r_max": 20}, r"r_max=20 Å exceeds half the box \(8.48528 Å\)"),
        (np.eye(3), {"step": 0}, "step=0; expected a positive number"),
        (np.eye(3), {"step": 30.0}, "step=30 Å exceeds r_max=8 Å"),
        (np.eye(3), {"smoothing": -1.0}, "smoothing=-1.0; expected one finite number from 0 to 80"),
    ],
)
def test_bad_input(positions, options, message):
    with pytest.raises(ValueError, match=message):
        pair_distribution(positions, **options)


def test_the_valleys_between_sharp_shells():
    atoms, box = crystal("bcc", (5, 5, 5))  # shells at 3, 3.46 and 4.90 Å
    found = pair_distribution(atoms, 8.5, 0.1, box, smoothing=0)
    assert found.first_valley == pytest.approx((3.46 + 4.90) / 2, abs=0.1)
    atoms, box = crystal("fcc", (5, 5, 5))  # 3 and 4.24 Å
    assert pair_distribution(atoms, 8.5, 0.1, box).first_valley == pytest.approx((3.0 + 4.24) / 2, abs=0.1)


@pytest.mark.parametrize("part", ["entire", "disordered"])
def test_published_ta(part, published):
    """Maximum and g(4.15 Å) of the published definition, from an independent slow evaluation of it."""
    atoms = published("Ta").model().positions
    maximum, valley, volume = {"entire": (1.917, 0.653, 150323), "disordered": (1.713, 0.681, 119061)}[part]
    if part == "disordered":
        atoms = atoms[~find_nuclei(atoms, bond_order(atoms, 4.12).normalised)]
    found = pair_distribution(atoms)
    top = np.argmax(found.g)
    assert found.r[top] == pytest.approx(3.05)
    assert found.g[top] == pytest.approx(maximum, abs=0.01)  # its scale: one noisy shell at 19.85 Å against five
    assert found.g[41] == pytest.approx(valley, abs=0.01)
    assert found.volume == pytest.approx(volume, rel=1e-4)


@pytest.mark.parametrize(("name", "paper", "cutoff"), [("Ta", 4.12, 4.12), ("Pd1", 3.90, 3.90), ("Pd2", 3.91, 3.91)])
def test_first_valleys_of_the_disordered_atoms(name, paper, cutoff, published):
    atoms = published(name).model().positions
    disordered = atoms[~find_nuclei(atoms, bond_order(atoms, cutoff).normalised)]
    # the valley is flat: 0.03 Å either way changes g by 0.002, less than its noise
    assert pair_distribution(disordered).first_valley == pytest.approx(paper, abs=0.03)


@pytest.mark.parametrize(
    ("model", "valley"),
    [
        *[(Octahedron("Pt", length, cut), (2.77, 3.38)) for length, cut in ((4, 1), (5, 1), (6, 1), (7, 2))],
        *[(Icosahedron("Pt", shells), (2.85, 3.5)) for shells in (3, 4, 5)],
    ],
    ids=lambda value: str(len(value)) if isinstance(value, Atoms) else "",
)
def test_a_small_particle_has_the_first_peak_and_valley_of_its_lattice(model, valley):
    """38 to 309 atoms: nearly across a particle few pairs make ratios higher than its first peak."""
    places = model.positions + np.random.default_rng(0).normal(0, 0.05, (len(model), 3))
    found = pair_distribution(places)
    assert found.r[-1] < 20
    # peaks to the 5 pm of the displacements, valleys to half a shell
    np.testing.assert_allclose([found.first_peak, found.first_valley], valley, atol=0.05)


def test_a_part_reaches_as_far_as_the_whole():
    whole = pair_distribution(Octahedron("Pt", 6, 1).positions)
    part = pair_distribution(Octahedron("Pt", 5, 1).positions, shape_of=whole)
    np.testing.assert_array_equal(part.r, whole.r)
