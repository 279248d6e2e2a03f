"""The crystalline-amorphous interface: exact planes, planted decays, slow versions, the published models."""

from __future__ import annotations

import naive_interface as naive
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from helpers.structure._triangles import _to_triangle, distances_to_blocks
from helpers.structure.bond_order import bond_order
from helpers.structure.interface import interface_distance, interface_profile, smeared_step
from helpers.structure.nuclei import find_nuclei

WIDTHS = {"Ta": 2.96, "Pd1": 4.06, "Pd2": 4.32}  # the paper: 3.0, 4.2, 4.3 Å


def packing(count, box, nearest=2.0, seed=0):
    """Return atoms at random in a cube, none nearer than `nearest` to another."""
    random, atoms = np.random.default_rng(seed), np.empty((0, 3))
    while len(atoms) < count:
        trial = random.uniform(0, box, 3)
        if not len(atoms) or ((atoms - trial) ** 2).sum(axis=1).min() > nearest**2:
            atoms = np.vstack([atoms, trial])
    return atoms


def slab(a=3.3, repeats=6):
    """Return a bcc crystal whose lower half is the nucleus, with an order that falls along z."""
    corners = np.stack(np.meshgrid(*3 * [np.arange(repeats)], indexing="ij"), axis=-1).reshape(-1, 1, 3)
    positions = a * (corners + np.array([[0, 0, 0], [0.5, 0.5, 0.5]])).reshape(-1, 3)
    top = a * (repeats / 2 - 0.5)
    return positions, 0.5 - 0.05 * (positions[:, 2] - top - 0.6), positions[:, 2] < top + 0.1, top


def inner(positions, margin=4.0):
    """Atoms away from the sides of the slab, for which the nearest point of the plane is straight below."""
    low, high = positions.min(axis=0) + margin, positions.max(axis=0) - margin
    return ((positions[:, :2] >= low[:2]) & (positions[:, :2] <= high[:2])).all(axis=1)


def test_plane_through_the_last_layer():
    a, layers = 3.0, 8  # close-packed layers: any three neighbours of a layer span a triangle of the surface
    i, j, k = np.meshgrid(np.arange(9), np.arange(9), np.arange(layers), indexing="ij")
    x = a * (i + j / 2 + (k % 3) / 2)
    y = a * np.sqrt(3) / 2 * (j + (k % 3) / 3)
    positions = np.column_stack([x.ravel(), y.ravel(), (a * np.sqrt(2 / 3) * k).ravel()])
    nuclei = k.ravel() < 4
    found = interface_distance(positions, np.zeros(len(positions)), nuclei)
    middle = (np.abs(i - 4) <= 1).ravel() & (np.abs(j - 4) <= 1).ravel()
    np.testing.assert_allclose(found[middle], a * np.sqrt(2 / 3) * (k.ravel()[middle] - 3), atol=1e-9)


def test_plane_where_the_order_crosses():
    positions, order, nuclei, top = slab()  # the order is linear, so the surface is flat
    found = interface_distance(positions, order, nuclei, surface="crossing")
    middle = inner(positions)
    np.testing.assert_allclose(found[middle], positions[middle, 2] - top - 0.6, atol=1e-9)
    halfway = interface_distance(positions, order, nuclei, surface="middle")
    assert (np.sign(halfway) == np.where(nuclei, -1, 1)).all()
    assert (halfway[~nuclei & middle] < positions[~nuclei & middle, 2] - top).all()


def test_equals_the_slow_version():
    positions = packing(120, 13.5)
    nuclei = np.linalg.norm(positions - 6.7, axis=1) < 4.5
    found = interface_distance(positions, np.zeros(120), nuclei)
    surface = naive.faces_of_nuclei(positions, nuclei)
    for atom in range(0, 120, 6):
        expected = min(naive.to_triangle(positions[atom], corners) for corners in surface)
        # 60 steps along edges of at most 8 Å: the nearest sample lies within 0.1 Å of the nearest point
        assert abs(found[atom]) <= expected + 1e-9
        assert np.hypot(found[atom], 0.1) >= expected - 1e-9


def test_distance_from_triangles_with_and_without_area():
    random = np.random.default_rng(0)
    for _ in range(50):
        corners, point = random.normal(size=(3, 3)), 2 * random.normal(size=3)
        for shape in ([0, 1, 2], [0, 1, 1], [0, 0, 1], [2, 2, 2]):
            flat = corners[shape]
            found = np.sqrt(_to_triangle(point, *flat))
            expected = naive.to_triangle(point, flat, 100)
            assert found <= expected + 1e-9 and np.hypot(found, 0.06) >= expected - 1e-9


def test_blocks_and_images_change_nothing():
    random = np.random.default_rng(3)
    triangles = random.uniform(0, 30, (40, 1, 3)) + random.normal(size=(40, 3, 3))
    points = random.uniform(0, 30, (60, 3))
    whole = distances_to_blocks(points, triangles, np.array([0, 40]), 50.0, None)
    parts = distances_to_blocks(points, triangles, np.arange(41), 50.0, None)
    np.testing.assert_allclose(parts, whole, rtol=1e-12)
    images = 30 * np.stack(np.meshgrid(*3 * [[-1, 0, 1]]), axis=-1).reshape(-1, 1, 1, 3)
    explicit = distances_to_blocks(points, (triangles + images).reshape(-1, 3, 3), np.array([0, 27 * 40]), 14.0, None)
    periodic = distances_to_blocks(points, triangles, np.arange(41), 14.0, np.full(3, 30.0))
    np.testing.assert_allclose(periodic, explicit, rtol=1e-12)


@pytest.mark.parametrize("surface", ["atoms", "crossing", "middle"])
def test_unchanged_when_turned_moved_and_shuffled(surface):
    positions = packing(400, 20.0, seed=1)
    radius = np.linalg.norm(positions - 10, axis=1)
    order, nuclei = 0.8 - 0.05 * radius, radius < 6
    before = interface_distance(positions, order, nuclei, surface=surface)
    shuffle = np.random.default_rng(0).permutation(400)
    moved = Rotation.random(random_state=0).apply(positions)[shuffle] + 7
    after = interface_distance(moved, order[shuffle], nuclei[shuffle], surface=surface)
    np.testing.assert_allclose(after, before[shuffle], atol=1e-9)


def test_unchanged_by_the_origin_of_the_box():
    box, a = 26.4, 3.3
    corners = np.stack(np.meshgrid(*3 * [np.arange(8)], indexing="ij"), axis=-1).reshape(-1, 1, 3)
    positions = a * (corners + np.array([[0, 0, 0], [0.5, 0.5, 0.5]])).reshape(-1, 3)
    positions += np.random.default_rng(0).normal(0, 0.2, positions.shape)
    nuclei = np.linalg.norm(positions - box / 2, axis=1) < 6
    order = np.where(nuclei, 0.7, 0.3)
    before = interface_distance(positions, order, nuclei, box=box)
    after = interface_distance(np.mod(positions + 11.7, box), order, nuclei, box=box)
    np.testing.assert_allclose(after, before, atol=1e-9)
    open_space = interface_distance(positions, order, nuclei)
    near = np.abs(before) < 4  # the nucleus lies in the middle, away from the sides
    np.testing.assert_allclose(open_space[near], before[near], atol=1e-9)


def test_finds_a_planted_width():
    positions = packing(1500, 36.0, nearest=2.2, seed=2)
    nuclei = np.linalg.norm(positions - 18, axis=1) < 7
    for planted in (2.0, 4.0):
        distance = interface_distance(positions, np.zeros(1500), nuclei)
        order = 0.3 * np.exp(-distance / planted) + 0.25
        order += np.random.default_rng(0).normal(0, 0.03, 1500)
        found = interface_profile(positions, order, nuclei)
        assert abs(found.width - planted) < 3 * found.width_error  # exponentials averaged over narrow bins
        assert found.width_error < 0.4
        np.testing.assert_allclose([found.amplitude, found.background], [0.3, 0.25], atol=0.05)
        np.testing.assert_allclose(found.curve(0.0), found.amplitude + found.background)
        assert found.counts.sum() <= 1500 and (np.diff(found.distance) > 0).all()


def test_a_sharp_border_seems_as_wide_as_the_mean_over_neighbours():
    """A step has no width without neighbours; the wider the shell, the wider it seems, never wider than the shell."""
    positions, _, nuclei, _ = slab()
    order = np.where(nuclei, 0.75, 0.25)  # sums of quarters are exact
    none, near, far = (smeared_step(positions, order, nuclei, cutoff, 0.25) for cutoff in (1.0, 3.0, 5.0))
    assert none == 0
    assert 0 < near < far < 5.0
    assert np.isnan(smeared_step(positions, order, np.zeros(len(positions), bool), 3.0, 0.25))


def test_free_surface_can_be_left_out():
    positions = packing(600, 24.0, seed=4)
    nuclei = np.linalg.norm(positions - 12, axis=1) < 6
    order = np.where(nuclei, 0.7, 0.3)
    every = interface_profile(positions, order, nuclei, least=2)
    without = interface_profile(positions, order, nuclei, least=2, max_radius=4.0)
    assert 0 < without.counts.sum() < every.counts.sum() <= 600


@pytest.mark.parametrize("fill", [False, True])
def test_without_an_interface(fill):
    positions = packing(60, 11.0)
    found = interface_profile(positions, np.full(60, 0.3), np.full(60, fill))
    assert np.isnan(found.width) and np.isnan(found.distances).all()
    assert len(found.distance) == len(found.order) == 0


def test_one_lonely_atom_of_a_nucleus():
    positions = packing(60, 11.0)
    nuclei = np.zeros(60, bool)
    nuclei[np.argmin(np.linalg.norm(positions - 5.5, axis=1))] = True
    found = interface_distance(positions, np.zeros(60), nuclei)
    np.testing.assert_allclose(found, np.linalg.norm(positions - positions[nuclei], axis=1), atol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": np.zeros((3, 60))}, "expected"),
        ({"positions": np.full((60, 3), np.nan)}, "not finite"),
        ({"order": np.zeros(59)}, "order has shape"),
        ({"nuclei": np.zeros(60)}, r"expected a mask \(60,\)"),
        ({"nuclei": np.zeros(3, bool)}, r"expected a mask \(60,\)"),
        ({"step": 0.0}, "step=0.0"),
        ({"fit_range": (5.0, 5.0)}, "two ascending distances"),
        ({"surface": "hull"}, "'atoms', 'crossing', 'middle'"),
        ({"max_radius": -1.0}, "max_radius"),
        ({"box": 0.0}, "positive lengths"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_bad_input(change, message):
    positions = packing(60, 11.0)
    arguments = {"positions": positions, "order": np.zeros(60), "nuclei": positions[:, 0] < 4, **change}
    with pytest.raises(ValueError, match=message):
        interface_profile(**arguments)


@pytest.mark.parametrize("name", WIDTHS)
def test_published_models(published, name):
    sample = published(name)
    positions = sample.model().positions
    order = bond_order(positions, sample.first_valley).normalised
    found = interface_profile(positions, order, find_nuclei(positions, order))
    assert found.width == pytest.approx(WIDTHS[name], abs=0.03)
    assert 0.1 < found.width_error < 0.2
