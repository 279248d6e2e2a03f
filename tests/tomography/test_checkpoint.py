"""A run that goes on gives what an uninterrupted one gives, wherever it stopped."""

from __future__ import annotations

import numpy as np
import pytest

from helpers import TiltSeries
from helpers.tomography import project, reconstruct

# The noise has a mean, which looks like a background, and a step that is too long ends badly at first.
pytestmark = pytest.mark.filterwarnings("ignore::helpers.imaging.verdicts.DoubtWarning")

ANGLES = np.arange(-60.0, 61.0, 20.0)


@pytest.fixture(scope="module")
def series():
    """Noisy enough that the momentum starts anew several times."""
    volume = np.zeros((11, 7, 11))
    volume[3:8, 2:5, 4:8] = np.random.default_rng(1).random((5, 3, 4))
    images = project(volume, ANGLES)
    return TiltSeries(images + 0.3 * np.random.default_rng(2).random(images.shape), ANGLES, 1.0)


def test_a_run_goes_on_to_the_same_bit_from_every_iteration(series, tmp_path, monkeypatch):
    from helpers.tomography.checkpoint import State

    restarts, restart = [], State.restart
    monkeypatch.setattr(State, "restart", lambda self: (restarts.append(len(self.r_factor)), restart(self)))
    options = {"step": 1.5, "progress": False}  # too long a step, so that the residual grows now and then
    whole = reconstruct(series, iterations=30, **options)
    assert restarts, "no restart of the momentum: nothing is tested"
    for stop in sorted({3, 17, *restarts[:3], *(n - 1 for n in restarts[:3])}):
        path = tmp_path / f"{stop}.h5"
        reconstruct(series, iterations=stop, checkpoint=path, **options)
        rest = reconstruct(series, iterations=30, checkpoint=path, **options)
        np.testing.assert_array_equal(rest.volume.array, whole.volume.array, err_msg=f"stopped after {stop}")
        np.testing.assert_array_equal(rest.r_factor, whole.r_factor)
        assert rest.final_r_factor == whole.final_r_factor


def test_a_longer_run_does_not_answer_for_a_shorter_one(series, tmp_path):
    reconstruct(series, iterations=12, checkpoint=tmp_path / "s.h5", progress=False)
    with pytest.raises(ValueError, match=r"s\.h5 holds 12 iterations, but this run ends after 5; ask for 12 or more"):
        reconstruct(series, iterations=5, checkpoint=tmp_path / "s.h5", progress=False)
    again = reconstruct(series, iterations=12, checkpoint=tmp_path / "s.h5", progress=False)
    assert len(again.r_factor) == 12


def test_a_run_beyond_its_tolerance_does_not_answer_either(series, tmp_path):
    short = reconstruct(series, iterations=40, tolerance=0.02, progress=False)
    stop = len(short.r_factor)
    assert 6 < stop < 40
    reconstruct(series, iterations=40, checkpoint=tmp_path / "s.h5", progress=False)
    with pytest.raises(ValueError, match=f"holds 40 iterations, but this run ends after {stop}; .* the same tolerance"):
        reconstruct(series, iterations=40, tolerance=0.02, checkpoint=tmp_path / "s.h5", progress=False)
    for _ in range(2):
        found = reconstruct(series, iterations=40, tolerance=0.02, checkpoint=tmp_path / "t.h5", progress=False)
        np.testing.assert_array_equal(found.volume.array, short.volume.array)
