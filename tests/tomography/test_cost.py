"""What a reconstruction will take: bytes against those allocated, seconds against a clock that is known."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from helpers import TiltSeries
from helpers.tomography import cost, reconstruct
from helpers.tomography._layout import _detector_lines
from helpers.tomography._passes import project_into

ANGLES = np.linspace(-66, 66, 12)
SHAPE, IMAGE = (60, 40, 50), (60, 40)


def lines():
    return _detector_lines(np.stack([0.1 * ANGLES, ANGLES, 0 * ANGLES], axis=1), SHAPE, IMAGE)


@pytest.mark.filterwarnings("ignore::helpers.imaging.verdicts.DoubtWarning")  # noise that fills the images
def test_the_bytes_are_those_that_are_allocated():
    series = TiltSeries(np.random.default_rng(0).random((len(ANGLES), *IMAGE)), ANGLES, 1.0)
    options = {"thickness": SHAPE[2], "progress": False}
    reconstruct(series, iterations=1, **options)  # compiles
    tracemalloc.start()
    try:
        reconstruct(series, iterations=3, **options)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    expected = cost.estimate_cost(lines(), SHAPE, IMAGE, 3).bytes
    assert peak == pytest.approx(expected, rel=0.15)  # checks and R hold an image or two for a moment


@pytest.mark.parametrize(
    ("second_a_plane", "thickest"),
    [(1.0, 3), (0.01, 12), (1e-5, 50)],  # a sixteenth of 50 planes, four times as many, all of them
)
def test_the_seconds_are_those_of_all_planes_and_iterations(monkeypatch, second_a_plane, thickest):
    timed = []

    def slab(_lines, _volume, _padded, planes):
        timed.append(planes)
        return second_a_plane * planes * (10 if len(timed) == 1 else 1)  # compiling must not count

    monkeypatch.setattr(cost, "_time_slab", slab)
    found = cost.estimate_cost(lines(), SHAPE, IMAGE, 7)
    assert found.seconds == pytest.approx(7 * SHAPE[2] * second_a_plane)
    assert max(timed) == thickest


def test_what_is_timed_is_the_middle_of_the_object(monkeypatch):
    seen = []

    def note(volume, slab, images):
        seen.append((np.full_like(volume, 1.0), slab))
        project_into(volume, slab, images)

    monkeypatch.setattr(cost, "project_into", note)
    padded = (len(ANGLES), IMAGE[0] + 2, IMAGE[1] + 2)
    assert cost._time_slab(lines(), SHAPE, padded, 8) > 0
    part, slab = seen[0]
    assert part.shape == (8, *SHAPE[:2])
    found, expected = np.empty((2, *padded), np.float32)
    project_into(part, slab, found)
    whole = np.zeros((SHAPE[2], *SHAPE[:2]), np.float32)
    whole[21:29] = 1.0
    project_into(whole, lines(), expected)
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())  # single precision


def test_it_prints_what_a_reader_can_use():
    assert str(cost.Cost(12_000_000, 3.2)) == "12 MB, about 3 s"
    assert str(cost.Cost(12_000_000_000, 600)) == "12.0 GB, about 10 min"
    assert str(cost.Cost(12_000_000, float("nan"))) == "12 MB"
