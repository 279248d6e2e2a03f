"""One area of a film as a job of its own: what it stores is taken up by whoever joins the areas."""

from __future__ import annotations

import functools
from types import SimpleNamespace

import numpy as np
import pytest

from helpers import TiltSeries, area, store, tomography

ANGLES = np.arange(-60.0, 61.0, 20.0)


@pytest.fixture
def film(tmp_path, monkeypatch):
    """A sample with two areas, in the place of a published one."""
    truth = np.zeros((31, 9, 5))
    truth[4:28:6, 3:6, 2] = 1.0
    series = TiltSeries(tomography.project(truth, ANGLES, (41, 19)), ANGLES, 1.0)
    layout = tomography.tile_film(truth.shape, (15, 9))

    def tilt_series(role, area):
        assert role == "areas"
        return tomography.cut_area(series, layout, area)

    sample = SimpleNamespace(name="film", path=lambda role: tmp_path / role, tilt_series=tilt_series)
    monkeypatch.setattr(area, "load_sample", lambda name: sample)
    monkeypatch.setattr(tomography, "read_layout", lambda path, shape: layout)
    return sample, layout


def test_areas_are_stored_one_by_one_and_joined(film, tmp_path):
    sample, layout = film
    sources = {n: functools.partial(sample.tilt_series, "areas", area=n) for n in layout.numbers}
    whole = tomography.reconstruct_film(sources, layout, iterations=3, progress=False)
    for number in layout.numbers:
        target = tmp_path / "areas" / f"area_{number:02d}.h5"
        words = ["film", str(number), "--shape", "31", "9", "5", "--iterations", "3", "--output", str(target)]
        assert area.main(words) == 0
        assert target.is_file()
    joined = tomography.reconstruct_film(sources, layout, iterations=3, folder=tmp_path / "areas", progress=False)
    np.testing.assert_array_equal(joined.array, whole.array)


def test_results_of_the_film_are_where_it_goes_by_default(film):
    assert area.main(["film", "1", "--shape", "31", "9", "5", "--iterations", "1"]) == 0
    assert (store.results_path("film", "tomography", "areas") / "area_01.h5").is_file()


def test_what_is_wrong_is_said(film, tmp_path, capsys, monkeypatch):
    assert area.main(["film", "99", "--shape", "31", "9", "5"]) == 1
    assert "the layout has no areas [99]" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        area.main(["film", "1", "--shape", "31", "9", "5", "--output", str(tmp_path / "other.h5")])
    assert "expected a file area_01.h5" in capsys.readouterr().err
