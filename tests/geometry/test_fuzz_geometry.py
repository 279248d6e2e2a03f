"""Whatever geometry is given: a right answer or an error of ours."""

from __future__ import annotations

from fuzzing import answer, boxes, fuzz, numbers, positions
from hypothesis import given

from helpers.geometry.neighbours import neighbours


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
