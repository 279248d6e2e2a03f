"""Tetrahedra: against Qhull, on crystals, and on the published models."""

from __future__ import annotations

import naive_tetrahedra as naive
import numba
import numpy as np
import pytest
from crystals import crystal, icosahedron
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import Delaunay
from scipy.spatial.transform import Rotation

from helpers import structure
from helpers.structure import _tetrahedron_kernels, find_tetrahedra, tetrahedron_distortion

DELTAS = 0.05 + 0.025 * np.arange(13)
PUBLISHED = {"Ta": (4.12, 19_655), "Pd1": (3.90, 119_889), "Pd2": (3.91, 167_505)}
REGULAR = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)


def glass(seed, count=300, box=(13.0, 14.5, 17.0)):
    return np.random.default_rng(seed).random((count, 3)) * box, np.array(box)


def volumes(positions, rows, box=None):
    spokes = positions[rows[:, 1:]] - positions[rows[:, :1]]
    if box is not None:
        spokes -= box * np.round(spokes / box)
    return np.abs(np.linalg.det(spokes)) / 6


# exact cases


def test_four_atoms_make_one_tetrahedron():
    assert find_tetrahedra(REGULAR, 2.9).tolist() == [[0, 1, 2, 3]]
    assert tetrahedron_distortion(REGULAR, [[0, 1, 2, 3]]) == pytest.approx(0, abs=1e-15)


def test_no_edge_longer_than_the_cutoff():
    assert find_tetrahedra(REGULAR, 2.8).shape == (0, 4)  # the edges are 2.83 long


def test_an_atom_in_the_sphere_spoils_it():
    inside = np.vstack([REGULAR, [[0, 0, 1.7]]])  # the circumradius is 1.732
    outside = np.vstack([REGULAR, [[0, 0, 1.8]]])
    assert [0, 1, 2, 3] not in find_tetrahedra(inside, 2.9).tolist()
    assert [0, 1, 2, 3] in find_tetrahedra(outside, 2.9).tolist()


def test_an_atom_on_the_sphere_leaves_the_tessellation_open():
    fifth = np.array([[0, 0, np.sqrt(3)]])
    assert len(find_tetrahedra(np.vstack([REGULAR, fifth]), 3.0, 0.6)) == 0
    # the tolerance decides how near counts as on
    near = np.vstack([REGULAR, fifth * (1 + 1e-7)])
    assert len(find_tetrahedra(near, 2.9)) == 1
    assert len(find_tetrahedra(near, 2.9, tolerance=1e-5)) == 0


def test_delta_limits_the_longest_edge():
    stretched = REGULAR * [1, 1, 1.4]
    value = tetrahedron_distortion(stretched, [[0, 1, 2, 3]])[0]
    edges = np.linalg.norm(stretched[[0, 0, 0, 1, 1, 2]] - stretched[[1, 2, 3, 2, 3, 3]], axis=1)
    assert value == pytest.approx(edges.max() / edges.mean() - 1, rel=1e-14)
    assert len(find_tetrahedra(stretched, 5.0, value * (1 + 1e-12))) == 1
    assert len(find_tetrahedra(stretched, 5.0, value * (1 - 1e-12))) == 0


def test_max_radius_limits_the_sphere():
    assert len(find_tetrahedra(REGULAR, 3.0, max_radius=1.74)) == 1
    assert len(find_tetrahedra(REGULAR, 3.0, max_radius=1.73)) == 0


def test_icosahedron_holds_twenty():
    rows = find_tetrahedra(icosahedron(), 3.1)
    assert len(rows) == 20
    assert (rows[:, 0] == 0).all()


@pytest.mark.parametrize(("name", "each"), [("fcc", 2), ("hcp", 2), ("bcc", 6), ("sc", 0)])
def test_tetrahedra_an_atom_in_perfect_crystals(name, each):
    """Octahedra and cubes, whose corners lie on one sphere, stay open however large delta is."""
    positions, box = crystal(name, (4, 3, 4))
    for cutoff, delta in ((3.6, 0.255), (4.3, 0.4)):
        rows = find_tetrahedra(positions, cutoff, delta, box)
        assert len(rows) == each * len(positions)
        assert len(np.unique(rows, axis=0)) == len(rows)


def test_bcc_is_filled():
    positions, box = crystal("bcc", (3, 4, 5))
    rows = find_tetrahedra(positions, 3.6, box=box)
    assert volumes(positions, rows, box).sum() == pytest.approx(np.prod(box), rel=1e-12)


@pytest.mark.parametrize("name", ["fcc", "hcp", "bcc", "sc"])
def test_crystals_do_not_depend_on_direction_or_order(name):
    """Where spheres are shared, rounding must not decide."""
    positions, _ = crystal(name, (4, 4, 3))
    random = np.random.default_rng(3)
    expected = set(map(tuple, find_tetrahedra(positions, 4.3, 0.4).tolist()))
    for turn in Rotation.random(5, rng=random):
        order = random.permutation(len(positions))
        turned = turn.apply(positions)[order] + random.normal(0, 30, 3)
        rows = np.sort(order[find_tetrahedra(turned, 4.3, 0.4)], axis=1)
        assert set(map(tuple, rows.tolist())) == expected


# against Qhull


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cutoff=st.floats(2.5, 5.0), delta=st.sampled_from(DELTAS))
def test_equals_qhull_in_finite_samples(seed, cutoff, delta):
    positions, _ = glass(seed)
    expected = naive.delaunay_tetrahedra(positions, cutoff, delta)
    assert np.array_equal(find_tetrahedra(positions, cutoff, delta), expected)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), cutoff=st.floats(3.0, 4.5), delta=st.sampled_from(DELTAS))
def test_equals_qhull_in_boxes_with_explicit_images(seed, cutoff, delta):
    positions, box = glass(seed, 120, (9.0, 10.5, 12.0))
    expected = naive.delaunay_tetrahedra(positions, cutoff, delta, box=box)
    assert np.array_equal(find_tetrahedra(positions - 5.0, cutoff, delta, box), expected)


def test_atoms_far_apart_and_alone():
    """A stray atom far away makes a huge bounding box and must change nothing."""
    positions, _ = glass(5)
    expected = find_tetrahedra(positions, 4.0)
    assert np.array_equal(find_tetrahedra(np.vstack([positions, [[1e5, -1e6, 3e4]]]), 4.0), expected)


def test_wide_spheres_see_atoms_beyond_the_neighbours():
    """Nearly flat tetrahedra: the atom that spoils the sphere is farther than the cutoff from all corners."""
    triangle = 3.0 / np.sqrt(3) * np.array([[1, 0, 0], [-0.5, np.sqrt(0.75), 0], [-0.5, -np.sqrt(0.75), 0]])
    cap = np.vstack([triangle, [[0, 0, 0.5]]])
    assert len(find_tetrahedra(cap, 3.1, 0.5)) == 1
    radius = (0.25 + 3.0) / (2 * 0.5)  # of the sphere through the triangle and the cap
    far = np.array([[0, 0, 0.5 - 2 * radius + 0.01]])
    assert np.linalg.norm(cap - far, axis=1).min() > 3.1
    assert len(find_tetrahedra(np.vstack([cap, far]), 3.1, 0.5)) == 0
    assert len(find_tetrahedra(np.vstack([cap, far - [[0, 0, 0.1]]]), 3.1, 0.5)) == 1


# what must not matter


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_rotation_translation_and_order(seed):
    positions, _ = glass(seed)
    random = np.random.default_rng(seed)
    order = random.permutation(len(positions))
    turned = Rotation.random(rng=random).apply(positions)[order] + random.normal(0, 50, 3)
    rows = np.sort(order[find_tetrahedra(turned, 4.0)], axis=1)
    assert np.array_equal(rows[np.lexsort(rows.T[::-1])], find_tetrahedra(positions, 4.0))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shift=st.tuples(*[st.floats(-100, 100)] * 3))
def test_origin_of_the_box(seed, shift):
    positions, box = glass(seed)
    expected = find_tetrahedra(positions, 4.0, box=box)
    assert np.array_equal(find_tetrahedra(positions + shift, 4.0, box=box), expected)
    assert np.array_equal(find_tetrahedra((positions + shift) % box, 4.0, box=box), expected)


def test_tetrahedra_do_not_overlap():
    positions, _ = glass(11, 600)
    rows = find_tetrahedra(positions, 5.0, 0.9, max_radius=10.0)
    faces = np.concatenate([np.delete(rows, k, axis=1) for k in range(4)])
    assert np.unique(faces, axis=0, return_counts=True)[1].max() == 2
    random = np.random.default_rng(0)
    inside = np.zeros(2000)
    points = random.random((2000, 3)) * positions.max(axis=0)
    for row in rows:  # barycentric coordinates
        base = positions[row[1:]] - positions[row[0]]
        weights = np.linalg.solve(base.T, (points - positions[row[0]]).T)
        inside += (weights >= 0).all(axis=0) & (weights.sum(axis=0) <= 1)
    assert inside.max() == 1


@pytest.mark.usefixtures("all_threads")
def test_threads_and_room_make_no_difference(monkeypatch):
    positions, box = glass(7, 900)
    expected = find_tetrahedra(positions, 4.2, 0.35, box)
    monkeypatch.setattr(_tetrahedron_kernels, "_ROOM", 0)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert np.array_equal(find_tetrahedra(positions, 4.2, 0.35, box), expected)
    finally:
        numba.set_num_threads(threads)


def test_a_sweep_is_one_search():
    positions, box = glass(9, 600)
    rows = find_tetrahedra(positions, 4.0, DELTAS[-1], box)
    values = tetrahedron_distortion(positions, rows, box=box)
    for delta in DELTAS:
        assert np.array_equal(rows[values <= delta], find_tetrahedra(positions, 4.0, delta, box))


def test_a_given_neighbour_list_is_used():
    positions, box = glass(13)
    found = structure.neighbours(positions, 4.5, box)
    expected = find_tetrahedra(positions, 4.0, box=box)
    assert np.array_equal(find_tetrahedra(positions, 4.0, box=box, neighbours=found), expected)
    assert np.array_equal(find_tetrahedra(positions, 4.0, neighbours=found), expected)


def test_positions_are_left_alone():
    positions, box = glass(1)
    before = positions.copy()
    find_tetrahedra(positions, 4.0, box=box)
    assert np.array_equal(positions, before)


# published models


@pytest.mark.parametrize("name", ["Ta", "Pd1", pytest.param("Pd2", marks=pytest.mark.slow)])
def test_published_models_equal_qhull(name, published):
    cutoff, count = PUBLISHED[name]
    positions = published(name).model().positions
    assert len(find_tetrahedra(positions, cutoff)) == count
    rows = find_tetrahedra(positions, cutoff, DELTAS[-1])
    values = tetrahedron_distortion(positions, rows)
    simplices = np.sort(Delaunay(positions).simplices, axis=1)
    simplices = simplices[np.lexsort(simplices.T[::-1])]
    longest, distortion, radius = naive.shapes(positions[simplices])
    fits = (longest <= cutoff) & (radius <= 4.0)
    for delta in DELTAS:
        assert np.array_equal(rows[values <= delta], simplices[fits & (distortion <= delta)])


# bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": REGULAR[:3]}, "at least 4"),
        ({"positions": REGULAR.T[:2]}, "expected \\(N, 3\\)"),
        ({"positions": np.vstack([REGULAR, REGULAR[:1]])}, "atoms 0 and 4; remove"),
        ({"positions": np.vstack([REGULAR, [[0, np.nan, 0]]])}, "not finite"),
        ({"positions": REGULAR * [1, 1, 0] + [0, 0, 5]}, "one plane"),
        ({"positions": np.arange(12.0).reshape(4, 3)}, "one plane"),
        ({"box": 5.0}, "half the box"),
        ({"box": [10, 10, -1]}, "box"),
        ({"cutoff": 0}, "cutoff"),
        ({"cutoff": np.nan}, "cutoff"),
        ({"delta": 0}, "delta"),
        ({"delta": -0.1}, "delta"),
        ({"max_radius": 0}, "max_radius"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(ValueError, match=message):
        find_tetrahedra(**{"positions": REGULAR, "cutoff": 2.9, **change})


def test_bad_rows():
    with pytest.raises(ValueError, match="refers to index 4; expected 0 to 3"):
        tetrahedron_distortion(REGULAR, [[0, 1, 2, 4]])
    with pytest.raises(ValueError, match=r"expected \(M, 4\) integers"):
        tetrahedron_distortion(REGULAR, [[0.0, 1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="row 0 of tetrahedra has its four atoms in one place"):
        tetrahedron_distortion(REGULAR, [[1, 1, 1, 1]])
    assert tetrahedron_distortion(REGULAR, np.empty((0, 4), int)).shape == (0,)


def test_crowds_are_refused_before_the_search():
    crowd = np.random.default_rng(0).uniform(0, 1e-3, (240, 3))
    with pytest.raises(
        ValueError, match="atom 0 has 239 neighbours within cutoff=4 Å, .* or raise most_neighbours=200"
    ):
        find_tetrahedra(crowd, 4.0)
    ball = np.random.default_rng(0).normal(0, 1.0, (40, 3))
    with pytest.raises(ValueError, match="has .* neighbours within cutoff=4 Å"):
        find_tetrahedra(ball, 4.0, most_neighbours=20)
    assert find_tetrahedra(ball, 4.0, most_neighbours=39).shape[1] == 4


def test_within_a_tolerance_beyond_numbers_all_atoms_lie_in_one_plane():
    ball = np.random.default_rng(0).normal(0, 1.0, (10, 3))
    with pytest.raises(ValueError, match="all atoms lie in one plane"):
        find_tetrahedra(ball, 4.0, tolerance=1e300)
