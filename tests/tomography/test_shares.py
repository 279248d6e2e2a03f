"""How the threads of a projection and of a back-projection share the work."""

import re

import numpy as np
import pytest

from helpers.kernels import kernel, share
from helpers.tomography import project
from helpers.tomography._layout import _detector_lines
from helpers.tomography._tickets import draw
from helpers.tomography._tilts import ANY, NEAR, STRAIGHT, kinds_of, tilts_of


@kernel
def _draw_all(part, parts, tickets, drawn):
    while True:
        number = draw(tickets, 1)
        if number >= len(drawn):
            return
        drawn[number] += 1


@pytest.mark.usefixtures("all_threads")
@pytest.mark.parametrize("do", [_draw_all, _draw_all.py_func if hasattr(_draw_all, "py_func") else _draw_all])
def test_every_ticket_is_drawn_once(do):
    """Two threads at it at the same time would draw some numbers twice, were there a gap between look and step."""
    for count in (0, 1, 50_000):
        tickets, drawn = np.zeros(3, np.int64), np.zeros(count, np.int64)
        share(do, 4, tickets, drawn)
        assert (drawn == 1).all()
        assert tickets[[0, 2]].tolist() == [0, 0]
        assert count < tickets[1] <= count + 4


def _lines(angles, volume_shape, shape):
    euler = np.stack([0 * angles, angles, 0 * angles], axis=1)
    return _detector_lines(euler, volume_shape, shape)


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 31, 40])
@pytest.mark.parametrize("volume_shape", [(120, 5, 20), (40, 5, 40), (3, 2, 50)])
def test_every_tilt_has_one_part_and_flat_ones_come_first(parts, volume_shape):
    angles = np.random.default_rng(1).uniform(-89.0, 89.0, 31)
    lines = _lines(angles, volume_shape, (20, 5))
    shares = [tilts_of(part, parts, lines, volume_shape, 22) for part in range(parts)]
    together = np.concatenate(shares)
    np.testing.assert_array_equal(together, np.argsort(abs(lines[:, 2]), kind="stable"))


def test_parts_take_about_as_long():
    """A film, whose steep tilts see far more than the others: counted are voxels added, and voxels read to be added."""
    angles, shape, nu = np.linspace(-63.0, 56.0, 46), (543, 63, 131), 133
    lines = _lines(angles, shape, (131, 61))
    x, z = np.meshgrid(np.arange(shape[0]), np.arange(shape[2]), indexing="ij")
    work = []
    for part in range(2):
        mine = lines[tilts_of(part, 2, lines, shape, nu)]
        u = mine[:, 0, None, None] * x + mine[:, 2, None, None] * z + mine[:, 3, None, None]
        seen = (u > 0) & (u < nu - 1)
        work.append(seen.sum() + 2.5 * seen.any(axis=0).sum())
    assert 0.8 < work[0] / work[1] < 1.25  # equal numbers of tilts would give 0.67


def test_kinds_of_tilt():
    euler = np.array([[0.0, 30.0, 0.0], [0.2, -50.0, 0.3], [0.0, 20.0, 60.0], [0.0, 30.0, 0.0]])
    shifts = np.array([[0.3, 2.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.5]])
    lines = _detector_lines(euler, (9, 8, 7), (9, 8), shifts)
    assert kinds_of(lines).tolist() == [STRAIGHT, NEAR, ANY, NEAR]


@pytest.mark.usefixtures("all_threads")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [(0, 0, 0), (40, 30, 20), (99, 59, 39), (50, 0, 1)])
def test_what_is_not_finite_is_found_wherever_it_is(value, place):
    """Also where no ray goes, and whichever thread looks there."""
    volume = np.ones((100, 60, 40), np.float32)
    volume[place] = value
    words = re.escape(f"volume holds 1 value that is NaN or infinite, the first at {place}; expected finite voxels")
    with pytest.raises(ValueError, match=words):
        project(volume, np.linspace(-60.0, 60.0, 90), (8, 60))
    volume[place] = -3e38
    assert np.isfinite(project(volume, [0.0], (8, 60))).all()  # large, but a number
