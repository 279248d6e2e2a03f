"""Whatever geometry is given: a right answer or an error of ours."""

from __future__ import annotations

import numpy as np
from fuzzing import answer, boxes, fuzz, numbers, positions, spoilt
from hypothesis import given
from hypothesis import strategies as st

from helpers import geometry
from helpers.geometry.neighbours import neighbours

ANGLES = st.one_of(spoilt(np.linspace(-60, 60, 7)), spoilt(np.random.default_rng(0).uniform(-60, 60, (5, 3))))


@fuzz(30)
@given(positions(), numbers(3.0, 4.0), boxes())
def test_fuzz_neighbours(atoms, cutoff, box):
    found = answer(neighbours, atoms, cutoff, box)
    if found is None:
        return
    assert len(found.indices) == len(found.distances) == found.offsets[-1]
    assert (found.distances <= found.cutoff).all()
    answer(found.within, cutoff)
    answer(found.closer_than, cutoff)


@fuzz()
@given(ANGLES)
def test_fuzz_rotations(angles):
    matrices = answer(geometry.rotation_matrices, angles)
    if matrices is not None:
        np.testing.assert_allclose(
            matrices @ np.swapaxes(matrices, 1, 2), np.broadcast_to(np.eye(3), matrices.shape), atol=1e-9
        )
        np.testing.assert_allclose(geometry.rotation_matrices(geometry.euler_angles(matrices)), matrices, atol=1e-6)
    answer(geometry.euler_angles, angles)


@fuzz()
@given(positions(models=False), ANGLES, spoilt(np.zeros((7, 2))))
def test_fuzz_detectors(atoms, angles, shifts):
    answer(geometry.detector_coordinates, atoms, angles)
    answer(geometry.origin_shifts, shifts, angles)
