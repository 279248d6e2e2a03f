"""The border of every function on atoms: a model or an array comes in, positions and a box go on."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import given
from hypothesis import strategies as st

from helpers.arrays import Volume, as_positions, central

CRYSTAL = bulk("Ta", cubic=True).repeat((2, 3, 4))


def test_a_model_brings_its_box():
    positions, box = as_positions(CRYSTAL)
    np.testing.assert_array_equal(positions, CRYSTAL.positions)
    np.testing.assert_allclose(box, [6.62, 9.93, 13.24], rtol=1e-12)  # lattice constant 3.31 Å
    assert positions.flags.c_contiguous
    again, same = as_positions(CRYSTAL, box)
    np.testing.assert_array_equal(same, box)
    np.testing.assert_array_equal(again, positions)


def test_a_particle_has_no_box_even_if_a_cell_came_with_its_file():
    atoms = CRYSTAL.copy()
    atoms.pbc = False
    assert as_positions(atoms)[1] is None
    np.testing.assert_array_equal(as_positions(atoms, 50.0)[1], [50.0, 50.0, 50.0])


def test_arrays_of_any_layout_and_kind():
    rows = np.arange(12).reshape(4, 3)
    for came in (rows, rows.tolist(), rows.astype(np.float32), np.asfortranarray(rows), np.ma.array(rows)):
        positions, box = as_positions(came)
        assert positions.dtype == np.float64
        assert positions.flags.c_contiguous
        np.testing.assert_array_equal(positions, rows)
        assert box is None


def test_an_array_needs_no_ase():
    line = (
        "import sys, numpy; from helpers.arrays import as_positions; as_positions(numpy.eye(3)); "
        "from helpers import arrays; sys.exit(any(n == 'ase' for n in vars(arrays)))"
    )
    assert subprocess.run([sys.executable, "-c", line], check=False).returncode == 0


def changed(**attributes):
    atoms = CRYSTAL.copy()
    for name, value in attributes.items():
        setattr(atoms, name, value)
    return atoms


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            changed(pbc=(True, True, False)),
            "periodic along x and y only; expected all three axes, for a slab or a wire with vacuum where it ends",
        ),
        (bulk("Ta"), r"the angles \[109.471, 109.471, 109.471\]°.*expected an orthogonal box"),
        (
            changed(cell=[[6.6, 6.6, 0], [-9.9, 9.9, 0], [0, 0, 13.2]]),  # orthogonal, but turned about z
            r"angles \[90.0, 90.0, 90.0\]° and edges that need not follow x, y and z; .*turn the model: atoms.set_cell",
        ),
        (changed(cell=[[6.6, 0.01, 0], [0, 9.9, 0], [0, 0, 13.2]]), "edges that need not follow x, y and z"),
        (changed(cell=[6.6, 9.9, 0.0]), "periodic but has no cell with three edges"),
        (Atoms(), "positions holds 0 atoms"),
        (np.ma.masked_equal(np.arange(12).reshape(4, 3), 5), "masked in 1 place; expected real coordinates"),
        (np.ones((4, 3)) * 1j, "complex numbers; expected real coordinates"),
        ([["a", "b", "c"]], "values of type <U1; expected real coordinates"),
        ([[1.0, 2.0, 3.0], [4.0]], "no array of numbers"),
        (np.ones((3, 4)), r"shape \(3, 4\); expected \(N, 3\); transpose it"),
        ([[0.0, 0.0, np.inf]], "1 row that is not finite"),
    ],
)
def test_what_is_ambiguous_is_refused(model, message):
    with pytest.raises(ValueError, match=message):
        as_positions(model)


@pytest.mark.parametrize(
    "edges",
    [
        [[0, 9.9, 0], [0, 0, 13.2], [6.6, 0, 0]],  # in another order
        [[-6.6, 0, 0], [0, 9.9, 0], [0, 0, -13.2]],  # backwards
        [[6.6, 0, 0], [1.1e-5, 9.9, 0], [2e-5, -3e-5, 13.2]],  # of angles that were rounded to 0.0001°
    ],
)
def test_edges_in_any_order_and_direction_repeat_the_same_atoms(edges):
    np.testing.assert_allclose(as_positions(changed(cell=edges))[1], [6.6, 9.9, 13.2], rtol=1e-9)


def test_two_boxes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"box=\[6.0, 9.0, 13.0\] differs from the model's own"):
        as_positions(CRYSTAL, [6.0, 9.0, 13.0])


@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.lists(st.integers(1, 11), min_size=3, max_size=3))
def test_the_centre_stays_the_centre(sizes, lengths):
    away = np.meshgrid(*[np.arange(n) - n // 2 for n in sizes], indexing="ij")
    for axis, offset in enumerate(away):
        part = central(offset, lengths[: len(sizes)])
        assert part.shape == tuple(min(n, m) for n, m in zip(sizes, lengths, strict=False))
        assert part[tuple(n // 2 for n in part.shape)] == 0
        assert np.ptp(part) + 1 == part.shape[axis]  # nothing left out in between


def test_the_centre_of_images_is_cut_from_the_last_axes():
    stack = np.arange(2 * 5 * 4).reshape(2, 5, 4)
    np.testing.assert_array_equal(central(stack, (3, 2)), stack[:, 1:4, 1:3])
    part = central(Volume(stack, 0.4), (9, 3, 2))
    assert part.voxel_size == 0.4
    assert part.array.flags.c_contiguous
    np.testing.assert_array_equal(part.array, stack[:, 1:4, 1:3])


def test_what_cannot_be_cut_is_explained():
    with pytest.raises(ValueError, match=r"shape=\(3, 3\) has more axes than the array of shape \(5,\)"):
        central(np.zeros(5), (3, 3))
    for length in (0, -2, 2.5, np.nan):
        with pytest.raises(ValueError, match="expected a positive whole number"):
            central(np.zeros(5), [length])
