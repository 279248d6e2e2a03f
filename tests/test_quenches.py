"""The stored quenches: what they are is what the script makes, and each says from which potential."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import helpers
from helpers import data, snapshots, store
from helpers.geometry.neighbours import neighbours

SCRIPT = Path(__file__).parents[1] / "data" / "quench" / "make_quench.py"
NAMES = [
    name for name in helpers.available("quench") if helpers.load_sample(name).path("quench").parent == SCRIPT.parent
]


@pytest.fixture(scope="module")
def runs():
    spec = importlib.util.spec_from_file_location("make_quench", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.RUNS


def test_there_are_some():
    assert "MD" in NAMES
    assert sum(helpers.load_sample(name).path("quench").stat().st_size for name in NAMES) < 4e6


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_what_the_script_makes(name, runs):
    path = helpers.load_sample(name).path("quench")
    note, options = store.load_note(path), runs[path.stem]
    parameters = note["parameters"]
    for key, value in options.items():
        if key not in ("seed", "atoms"):
            assert parameters[key] == value, key
    assert note["seed"] == options["seed"]
    assert parameters["atoms"] == pytest.approx(options["atoms"], rel=0.05)  # whole cells
    if options["potential"] in data.registry():
        assert parameters["potential_sha256"] == data.registry()[options["potential"]].sha256
    assert len(parameters["potential_sha256"]) == 64


@pytest.mark.parametrize("name", NAMES)
def test_snapshots_cool(name):
    sample = helpers.load_sample(name)
    shots = sample.snapshots()
    parameters = store.load_note(sample.path("quench"))["parameters"]
    temperatures = [atoms.info["temperature"] for atoms in shots]
    assert (temperatures[0], temperatures[-1]) == (parameters["start"], parameters["stop"])
    assert temperatures == sorted(temperatures, reverse=True)
    for atoms in shots:
        assert set(atoms.symbols) == set(sample.elements)
        assert len(atoms) == parameters["atoms"]
        assert atoms.pbc.all()
        assert ((atoms.positions >= 0) & (atoms.positions < atoms.cell.lengths())).all()
        # six standard deviations of the temperature of so many atoms, and what the target falls in two
        # times of the thermostat (0.2 ps), which lags behind it, most while heat of crystallisation is set free
        set_to = atoms.info["temperature"]
        wide = 6 * set_to * np.sqrt(2 / 3 / len(atoms)) + 2 * 0.2e-12 * parameters["rate"]
        assert atoms.info["measured_temperature"] == pytest.approx(set_to, abs=wide)
    densities = [atoms.info["density"] for atoms in shots]
    assert densities == sorted(densities)
    near = neighbours(shots[0], 3.0)
    assert near.shortest > 1.5  # atoms repel each other: nothing was mixed up


def test_the_run_has_the_same_snapshots_as_its_samples():
    shots = helpers.load_sample("MD").snapshots()
    for atoms in (shots[0], shots[-1]):
        one = helpers.load_sample(f"MD{atoms.info['temperature']:.0f}").model()
        np.testing.assert_array_equal(one.positions, atoms.positions)
    with pytest.raises(KeyError, match="no file for 'model'; it has quench"):
        helpers.load_sample("MD").model()
    assert snapshots.load_log(helpers.load_sample("MD").path("quench")) == {}  # made before logs were kept
