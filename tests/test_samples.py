"""Samples: every one is described well, and a wrong description is refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

import helpers
from helpers import data
from helpers.checks import UnknownName


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
    assert len(hot) == len(cold) == 4394
    assert cold.info["density"] > hot.info["density"]
    assert abs(hot.info["measured_temperature"] - 5200) < 300  # 4,394 atoms fluctuate by T·sqrt(2/3N) = 64 K
    assert hot.info["potential_energy"] > cold.info["potential_energy"]


def test_unknown_names_suggest_the_nearest():
    with pytest.raises(UnknownName, match="no sample 'pd1'; did you mean 'Pd1'"):
        helpers.load_sample("pd1")
    with pytest.raises(UnknownName, match="has no file for 'tilts'; it has model"):
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[a]\nkind = "particle"\npixelsize = 1\n', "unknown fields: 'pixelsize' \\(did you mean 'pixel_size'"),
        ('[a]\nkind = "blob"\n', "kind='blob'; expected one of particle"),
        ('[a]\nkind = "film"\nfiles.model = { array = "x" }\n', "needs one of path, file or make"),
        ("[a\n", "is not valid TOML"),
    ],
)
def test_wrong_descriptions(tmp_path, text, message):
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(ValueError, match=message):
        helpers.load_sample("a", file=tmp_path / "own.toml")


def test_published_models(published):
    counts = {"Ta": 8284, "Pd1": 52308, "Pd2": 76238}
    for name, count in counts.items():
        atoms = published(name).model()
        assert len(atoms) == count
        assert set(atoms.get_chemical_symbols()) == {name.rstrip("12")}


def test_published_tilt_series(published):
    series = published("ResireExample", "tilt_series").tilt_series()
    assert series.images.shape == (59, 61, 61)
    assert series.angles.shape == (59, 3)
