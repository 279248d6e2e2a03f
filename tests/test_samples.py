"""Samples: every one is described well, and a wrong description is refused in one sentence."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from scipy.spatial import cKDTree

import helpers
from helpers import data, store
from helpers.checks import UnknownName
from helpers.imaging import DoubtWarning


def test_every_file_is_in_the_registry_or_here():
    for name in helpers.sample_names():
        sample = helpers.load_sample(name)
        for role, entry in sample.files.items():
            low, high = entry.get("range", (0, 0))
            for number in {low, high}:
                if "path" in entry:
                    path = entry["path"].format(area=number)
                    assert path in data.registry(), f"{role} of {name}"


def test_demo_is_always_there():
    assert "demo" in helpers.available()
    model = helpers.load_sample("demo").model()
    assert 1300 <= len(model) <= 1700
    assert model.get_array("planted").any()
    np.testing.assert_array_equal(helpers.load_sample("demo").model("truth").positions, model.positions)


def test_quench_snapshots_are_periodic():
    hot, cold = (helpers.load_sample(f"MD{t}").model() for t in (5200, 300))
    assert hot.pbc.all()
    assert len(hot) == len(cold) == 31_250
    assert cold.info["density"] > hot.info["density"]
    assert abs(hot.info["measured_temperature"] - 5200) < 120  # 31,250 atoms fluctuate by T·sqrt(2/3N) = 24 K
    assert hot.info["potential_energy"] > cold.info["potential_energy"]


def test_every_sample_has_its_own_display_name():
    names = [helpers.load_sample(name).short for name in helpers.sample_names()]
    assert len(set(names)) == len(names)
    shown = {"Ta": "Ta film", "Pd1": "Pd 1", "Pd2": "Pd 2", "demo": "simulated particle"}
    snapshots = {"MD": "simulated Ta", "MD5200": "simulated liquid (5,200 K)", "MD300": "simulated glass (300 K)"}
    for name, short in {**shown, **snapshots}.items():
        assert helpers.load_sample(name).short == short


def test_measured_samples_come_before_simulated_ones(published):
    published("Ta")
    simulated = [helpers.load_sample(name).simulated for name in helpers.available(download=False)]
    assert simulated == sorted(simulated)
    assert True in simulated and False in simulated


@pytest.fixture
def imaged(tmp_path):
    """A small sample of one's own whose tilt series is made when asked for."""
    points = np.random.default_rng(2).uniform(-6, 6, (40, 3))
    write(tmp_path / "mine.xyz", Atoms("Ta40", points))
    (tmp_path / "own.toml").write_text(
        '[mine]\nelements = ["Ta"]\nkind = "particle"\npixel_size = 0.8\ntilts = 9\nfiles.model = "mine.xyz"\n'
        'files.raw_frames = { make = "helpers.simulation:image_sample", options = { seed = 1 } }\n'
        'files.tilt_series = { make = "helpers.simulation:take_series", options = { method = "gaussian", seed = 1 } }\n'
    )
    return helpers.load_sample("mine", file=tmp_path / "own.toml")


def aligned(sample):
    """The series; its field is so small that what lies under the particle at the ends of the tilts is not all found."""
    with pytest.warns(DoubtWarning, match="image 0 sums to 4 of what most images sum to"):
        return sample.tilt_series()


def test_a_series_is_made_of_the_model(imaged):
    raw = imaged.raw_frames(misalignment=0.0)
    assert raw.frames.shape[:2] == (9, 3)
    assert not raw.truth.shifts.any()
    np.testing.assert_array_equal(imaged.raw_frames().truth.angles, imaged.raw_frames(seed=1).truth.angles)
    series = aligned(imaged)
    assert series.images.shape == (9, *imaged.raw_frames().frames.shape[2:])
    assert series.pixel_size == 0.8


def test_a_stored_series_is_believed_if_it_was_made_the_same_way(imaged):
    path = store.results_path("mine", "imaging", "aligned.h5")
    stored = helpers.TiltSeries(np.ones((2, 3, 4)), [0.0, 10.0], 0.8)
    same = {"method": "gaussian", "seed": 1}
    store.save_tilt_series(path, stored, imaged.origin(same))
    np.testing.assert_array_equal(imaged.tilt_series().images, stored.images)
    for other in ({**same, "seed": 2}, {**same, "misalignment": 5.0}):
        store.save_tilt_series(path, stored, imaged.origin(other))
        assert len(aligned(imaged)) == 9
    store.save_tilt_series(path, stored, imaged.origin(same))
    model = imaged.path("model")
    model.write_text(model.read_text().replace("Ta ", "Ta  "))  # another file, if only by its spaces
    assert len(aligned(imaged)) == 9


def test_the_notebook_stores_what_the_embedded_sample_asks_for():
    (notebook,) = (Path(__file__).parents[1] / "book" / "notebooks").glob("02_*.ipynb")
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    (cell,) = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    values = {line.target.id: ast.literal_eval(line.value) for line in ast.parse("".join(cell["source"])).body}
    entry = helpers.load_sample(values["sample"]).files["tilt_series"]
    assert entry["options"] == {key: values[key] for key in ("misalignment", "method", "seed")}


def test_what_has_no_file_says_so():
    with pytest.raises(UnknownName, match="sample 'Ta' has no raw frames; .*image_sample makes some from its model"):
        helpers.load_sample("Ta").raw_frames()
    with pytest.raises(UnknownName, match=r"tilt_series of sample 'demo' is no file: .* call sample.tilt_series\(\)"):
        helpers.load_sample("demo").path("tilt_series")
    assert helpers.load_sample("demo").has("tilt_series")


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UnknownName, match="no sample 'pd1'; did you mean 'Pd1'"):
        helpers.load_sample("pd1")
    with pytest.raises(UnknownName, match="has no file for 'tilts'; it has model, "):
        helpers.load_sample("demo").path("tilts")
    with pytest.raises(UnknownName, match="area=66 of sample 'Ta'; expected 1 to 65"):
        helpers.load_sample("Ta").path("areas", area=66)
    with pytest.raises(UnknownName, match="pass area="):
        helpers.load_sample("Ta").path("areas")


def test_your_own_samples(tmp_path):
    atoms = Atoms("Ta4", [[0, 0, 0], [2.8, 0, 0], [0, 2.8, 0], [0, 0, 2.8]])
    write(tmp_path / "mine.xyz", atoms)
    (tmp_path / "own.toml").write_text(
        '[mine]\ntitle = "Mine"\nelements = ["Ta"]\nkind = "particle"\nfiles.model = "mine.xyz"\n'
    )
    sample = helpers.load_sample("mine", file=tmp_path / "own.toml")
    np.testing.assert_allclose(sample.model().positions, atoms.positions)
    (tmp_path / "mine.xyz").unlink()
    with pytest.raises(FileNotFoundError, match="model of sample 'mine' should be"):
        sample.model()


def test_own_samples_join_the_others(tmp_path, monkeypatch):
    (tmp_path / "own.toml").write_text('[mine]\nkind = "particle"\nfiles.model = "mine.xyz"\n')
    monkeypatch.setenv("AET_SAMPLES", str(tmp_path / "own.toml"))
    assert {"mine", "demo", "Ta"} <= set(helpers.sample_names())


def test_published_models(published):
    counts = {"Ta": 8284, "Pd1": 52308, "Pd2": 76238}
    for name, count in counts.items():
        atoms = published(name).model()
        assert len(atoms) == count
        assert set(atoms.get_chemical_symbols()) == {name.rstrip("12")}


def test_peaks_are_put_about_the_middle(tmp_path):
    (tmp_path / "peaks.txt").write_text("4 7 10\n1 1 4\n0 0 0\n")
    (tmp_path / "samples.toml").write_text(
        """[mine]
        title = "Mine"
        elements = ["Ta"]
        kind = "particle"
        pixel_size = 0.6
        files.peaks = { file = "peaks.txt", centre = [4, 4, 4], oversampling = 3 }
        """
    )
    peaks = helpers.load_sample("mine", tmp_path / "samples.toml").peaks()
    np.testing.assert_allclose(
        peaks, [[0, 0.6, 1.2], [-0.6, -0.6, 0]], atol=1e-12
    )  # the row of zeros only fills up the file


@pytest.mark.parametrize(("name", "count"), [("Ta", 36037), ("Pd1", 99141), ("Pd2", 136505)])
def test_published_peaks_hold_nearly_all_published_atoms(published, name, count):
    sample = published(name, "peaks")
    peaks = sample.peaks()
    assert len(peaks) == count
    away = cKDTree(peaks).query(published(name, "model_unrefined").model("unrefined").positions)[0]
    assert np.median(away) < 1e-9  # most atoms were taken over as they were traced
    assert 0 < np.mean(away > 1.0) < 0.01  # the others were added by hand: 0.70, 0.16 and 0.12 %


def test_published_tilt_series(published):
    series = published("ResireExample", "tilt_series").tilt_series()
    assert series.images.shape == (59, 61, 61)
    assert series.angles.shape == (59, 3)
