"""What a reconstruction refuses, mends, doubts, and says when it is stopped."""

from __future__ import annotations

import os
import random
import signal
import sys

import numpy as np
import pytest
from said import nothing_said, of_kind

from helpers import TiltSeries, Volume, memory
from helpers.imaging import DoubtWarning, OutlierWarning
from helpers.tomography import (
    _film_areas,
    angles,
    back_project,
    correlation,
    cut_area,
    project,
    reconstruct,
    reconstruct_film,
    refine_angles,
    stitch,
    tile_film,
)

ANGLES = np.linspace(-60, 60, 13)


@pytest.fixture(scope="module")
def truth():
    """Balls off the centre, well inside the field."""
    x, y, z = np.meshgrid(*[np.arange(n) - n // 2 for n in (41, 15, 41)], indexing="ij")
    volume = np.zeros((41, 15, 41), np.float32)
    for cx, cy, cz, radius in [(-5, 2, 3, 4.0), (4, -3, -4, 3.0), (2, 3, 5, 2.5)]:
        volume += np.exp(-((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) / radius**2)
    return volume


@pytest.fixture(scope="module")
def images(truth):
    return project(truth, ANGLES)


def series(images):
    return TiltSeries(images, ANGLES, 1.0)


def run(images, **options):
    return reconstruct(series(images), **{"iterations": 15, "progress": False, **options})


@pytest.mark.parametrize("height", [16, 1e5])
def test_a_stuck_pixel_leaves_the_volume_as_it_was(images, truth, height):
    stuck = images.copy()
    stuck[:, 25, 9] = height * images.max()
    with pytest.warns(OutlierWarning, match=r"images hold 13 pixels .*, the first at image 0, pixel \(25, 9\)") as seen:
        found = run(stuck)
    assert of_kind(seen, OutlierWarning)[0].filename == __file__
    clean = run(images)
    assert correlation(found.volume.array, truth) > correlation(clean.volume.array, truth) - 0.01
    with pytest.warns(OutlierWarning) as seen:
        refined = refine_angles(series(stuck), rounds=2, progress=False)
    assert [each.filename for each in of_kind(seen, OutlierWarning)] == [__file__]
    assert refined.r_factor[-1] < 0.2


def test_a_good_series_raises_no_doubt(images):
    with nothing_said():
        run(images)
        refine_angles(series(images), rounds=1, progress=False)


def test_a_background_and_inverted_contrast_are_doubted(images):
    words = "50% of the images' total lie evenly under them.*subtract it, or pass extended=True if the sample goes on"
    with pytest.warns(DoubtWarning, match=words) as seen:
        run(images + images.mean(), iterations=2)
    assert of_kind(seen, DoubtWarning)[0].filename == __file__
    with pytest.warns(DoubtWarning, match="the contrast seems inverted; turn it round"):
        run(images.max() - images, iterations=2)
    with pytest.warns(DoubtWarning, match="50% of the images' total") as seen:
        refine_angles(series(images + images.mean()), rounds=2, iterations=2, progress=False)
    assert len(of_kind(seen, DoubtWarning)) == 1
    with pytest.raises(
        ValueError, match=r"the images sum to -.*: is the contrast inverted, or was too much background"
    ):
        run(-images)
    assert run(-images, positivity=False).volume.array.min() < 0


def test_a_film_is_not_doubted():
    film = np.zeros((121, 15, 9), np.float32)
    film[:, :, 3:6] = np.random.default_rng(0).random((121, 15, 3))
    field = project(film, ANGLES, (31, 15))
    with nothing_said():
        run(field, extended=True, thickness=9, iterations=3)
        refine_angles(series(field), rounds=1, iterations=2, progress=False, extended=True, thickness=9)
    with pytest.warns(DoubtWarning, match="pass extended=True"):
        run(field, thickness=9, iterations=3)


def test_results_that_explain_nothing_are_refused_or_doubted(images):
    mixed = -np.abs(images) - 1
    mixed[:, :5] = 50.0  # no voxel of so small an object gets there
    words = r"the volume is empty after 2 iterations \(R=.*turn the contrast round"
    with pytest.warns(DoubtWarning), pytest.raises(ValueError, match=words):
        run(mixed, iterations=2, shape=(5, 5, 5))
    with pytest.warns(DoubtWarning, match=r"R=.* after 1 iteration: the volume explains the images worse than"):
        run(images, iterations=1, step=30.0)


@pytest.mark.parametrize(
    "call",
    [
        lambda im: run(im, shape=(4000, 4000, 4000)),
        lambda im: run(im, thickness=10**9),
        lambda im: run(im, thickness=10**9, extended=True),
        lambda im: run(im, projector="fourier", oversampling=(100, 100, 100)),
        lambda im: project(np.ones((5, 5, 5)), ANGLES, (10**6, 10**6)),
        lambda im: back_project(im, ANGLES, (10**5, 10**5, 10**5)),
        lambda im: refine_angles(series(im), thickness=10**9, progress=False),
        lambda im: stitch({1: Volume(np.ones((5, 5, 10**6)), 1.0)}, tile_film((4000, 5, 10**6), (5, 5), overlap=0)),
    ],
)
def test_what_exceeds_the_memory_is_refused_before_it_is_allocated(images, call, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 2e9)
    with pytest.raises(MemoryError, match=r"would take [\d.,]+ [GT]B of memory but 2\.0 GB are free; \w+"):
        call(images)


def interrupt(done, *_):
    if done == 5:
        raise KeyboardInterrupt


def test_an_interruption_keeps_the_state_and_says_how_to_go_on(images, tmp_path):
    path = tmp_path / "state.h5"
    words = r"stopped after 5 of 15 iterations; .*state\.h5 keeps its state, and the same call goes on from there"
    with pytest.raises(KeyboardInterrupt, match=words):
        run(images, checkpoint=path, callback=interrupt)
    whole, rest = run(images), run(images, checkpoint=path)
    np.testing.assert_array_equal(rest.volume.array, whole.volume.array)
    with pytest.raises(KeyboardInterrupt, match=r"after 5 of 15 iterations and nothing is kept; pass checkpoint="):
        run(images, callback=interrupt)


class Interrupted:
    """Raises KeyboardInterrupt at one line of the package, as Python does when Ctrl-C comes at that moment.

    Lines are counted, for a signal after so many seconds comes at another line on another computer, or after the end.
    """

    def __init__(self, at: int | None = None) -> None:
        self.at, self.lines = at, 0

    def __enter__(self):
        self.before = sys.gettrace()
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_):
        sys.settrace(self.before)

    def trace(self, frame, event, _):
        if not frame.f_globals.get("__name__", "").startswith("helpers."):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.at:
                raise KeyboardInterrupt
        return self.trace


@pytest.mark.parametrize("part", range(12))
def test_an_interruption_at_any_line_leaves_a_state_that_is_whole_or_none(images, tmp_path, part):
    path, options = tmp_path / "state.h5", {"iterations": 30, "checkpoint_every": 4}
    whole = run(images, **options)
    with Interrupted() as counted:
        run(images, checkpoint=tmp_path / "other.h5", **options)
    line = 1 + int((part + random.Random(part).random()) / 12 * counted.lines)
    with pytest.raises(KeyboardInterrupt), Interrupted(line):
        run(images, checkpoint=path, **options)
    rest = run(images, checkpoint=path, **options)
    np.testing.assert_array_equal(rest.volume.array, whole.volume.array)
    np.testing.assert_array_equal(rest.r_factor, whole.r_factor)


def test_an_interrupted_refinement_says_what_to_do(images, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(angles, "_improve", stop)
    with pytest.raises(
        KeyboardInterrupt, match=r"stopped in round 1 of at most 4 and nothing is kept; .*start_shifts="
    ):
        refine_angles(series(images), rounds=4, iterations=1, progress=False)


class Scan:
    """Areas of a small film."""

    def __init__(self):
        film = np.zeros((31, 9, 5))
        film[4:28:6, 3:6, 2] = 1.0
        self.plan = tile_film(film.shape, (15, 9))
        whole = TiltSeries(project(film, ANGLES, (41, 19)), ANGLES, 1.0)
        self.areas = {n: cut_area(whole, self.plan, n) for n in self.plan.numbers}


def test_an_interrupted_film_keeps_its_areas(tmp_path, monkeypatch):
    scan = Scan()
    original = _film_areas.reconstruct
    calls = []

    def stop(*args, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args, **options)

    monkeypatch.setattr(_film_areas, "reconstruct", stop)
    options = {"iterations": 2, "progress": False}
    with pytest.raises(KeyboardInterrupt, match=r"after 2 of 4 areas; .*keeps those, and the same call goes on"):
        reconstruct_film(scan.areas, scan.plan, folder=tmp_path, **options)
    assert len(list(tmp_path.glob("area_*.h5"))) == 2
    found = reconstruct_film(scan.areas, scan.plan, folder=tmp_path, **options)
    assert len(calls) == 5  # the two that were kept were not computed again
    np.testing.assert_array_equal(found.array, reconstruct_film(scan.areas, scan.plan, **options).array)
    calls[:] = [1, 1]
    with pytest.raises(KeyboardInterrupt, match=r"after 0 of 4 areas and nothing is kept; pass folder="):
        reconstruct_film(scan.areas, scan.plan, **options)


def die():
    """Be the source of an area whose process is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_gives_one_clear_error(tmp_path):
    plan = Scan().plan
    with pytest.raises(RuntimeError, match=r"one of the 2 processes .* died, .* keeps the finished areas: call again"):
        _run_dying(plan, tmp_path)


def _run_dying(plan, folder):
    tasks = [(n, die, plan.size(n), None, {"iterations": 1}) for n in plan.numbers[:2]]
    list(_film_areas.run_areas(tasks, 2, folder))
