"""Periodic boxes: wrapping and nearest images, in arrays and in kernels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.geometry.boxes import NO_BOX, _nearest, _shift, _wrapped, bounds, nearest_image, sides_of, wrap

LENGTHS = np.array([10.0, 3.5, 1e3])
NUMBERS = st.floats(-1e4, 1e4)


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS))
@example((0.0, 0.0, -5e-324))
def test_wrapped_lies_in_the_box_at_a_whole_number_of_boxes(values):
    inside = wrap(np.array(values), LENGTHS)
    assert ((inside >= 0) & (inside < LENGTHS)).all()
    boxes = (np.array(values) - inside) / LENGTHS
    assert boxes == pytest.approx(np.round(boxes), abs=1e-8)  # rounding of 1e4 in units of the shortest side


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS))
def test_the_nearest_image_is_the_shortest(values):
    image = nearest_image(np.array(values), LENGTHS)
    assert (np.abs(image) <= LENGTHS / 2 * (1 + 1e-9)).all()
    boxes = (np.array(values) - image) / LENGTHS
    assert boxes == pytest.approx(np.round(boxes), abs=1e-8)


@settings(deadline=None)  # the first call compiles
@given(NUMBERS, st.sampled_from([*LENGTHS, NO_BOX]))
def test_kernels_equal_their_source_and_the_arrays(value, side):
    lengths = None if side == NO_BOX else np.full(1, side)
    for compiled, array in ((_wrapped, wrap), (_nearest, nearest_image)):
        plain = getattr(compiled, "py_func", compiled)
        assert compiled(value, side) == plain(value, side) == array(np.array([value]), lengths)[0]


def test_without_a_box_nothing_is_moved():
    points = np.array([[1e30, -5.0, 0.0]])
    assert wrap(points, None) is points
    assert nearest_image(points, None) is points
    assert (sides_of(None) == NO_BOX).all()
    assert _shift(0, NO_BOX) == 0.0
    assert _shift(-2, 10.0) == -20.0


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_bounds_are_the_extremes_of_every_axis(count):
    points = np.random.default_rng(count).normal(0, [1, 10, 100], (count, 3))
    for layout in (points, np.asfortranarray(points), points[::-1]):
        np.testing.assert_array_equal(bounds(layout), (points.min(axis=0), points.max(axis=0)))
