"""Results come back as they were, and a failed write leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from ase import Atoms

from helpers import TiltSeries, Volume, store

NOTE = store.provenance({"step": 0.1}, seed=3)


def test_arrays_come_back(tmp_path):
    random = np.random.default_rng(0)
    series = TiltSeries(random.normal(size=(3, 4, 5)), [[0, -10, 0.2], [0, 0, 0], [0.4, 10, 0]], 0.5)
    store.save_tilt_series(tmp_path / "a.h5", series, NOTE)
    again = store.load_tilt_series(tmp_path / "a.h5")
    np.testing.assert_array_equal(again.images, series.images)
    np.testing.assert_array_equal(again.angles, series.angles)
    assert again.pixel_size == 0.5

    volume = Volume(random.normal(size=(3, 4, 5)).astype(np.float32), 0.4)
    store.save_volume(tmp_path / "v.h5", volume, NOTE)
    np.testing.assert_array_equal(store.load_volume(tmp_path / "v.h5").array, volume.array)


def test_atoms_tables_and_numbers_come_back_with_their_origin(tmp_path):
    atoms = Atoms("Ta2", [[0, 0, 0], [1.5, 2.25, -3]])
    atoms.set_array("planted", np.array([True, False]))
    store.save_atoms(tmp_path / "m.xyz", atoms, NOTE)
    again = store.load_atoms(tmp_path / "m.xyz")
    np.testing.assert_allclose(again.positions, atoms.positions)
    assert again.get_array("planted").tolist() == [True, False]
    assert "seed" in str(again.info["provenance"])

    table = pd.DataFrame({"r": [0.5, 1.5], "g": [0.0, 1.25]})
    for name in ("t.csv", "t.parquet"):
        store.save_table(tmp_path / name, table, NOTE)
        pd.testing.assert_frame_equal(store.load_table(tmp_path / name), table)

    store.save_numbers(tmp_path / "n.json", {"a": np.float64(1.5), "b": np.arange(2)}, NOTE)
    assert store.load_numbers(tmp_path / "n.json")["b"] == [0, 1]
    assert json.loads((tmp_path / "n.json").read_text())["provenance"]["parameters"] == {"step": 0.1}


def test_a_failed_write_leaves_the_old_result_and_no_litter(tmp_path):
    path = tmp_path / "n.json"
    store.save_numbers(path, {"a": 1}, NOTE)
    with pytest.raises(TypeError):
        store.save_numbers(path, {"a": object()}, NOTE)
    assert store.load_numbers(path)["a"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["n.json"]


def test_damaged_results_are_named(tmp_path):
    volume = Volume(np.ones((8, 8, 8)), 1.0)
    path = tmp_path / "v.h5"
    store.save_volume(path, volume, NOTE)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(ValueError, match=r"v\.h5 (has no seal|is damaged)"):
        store.load_volume(path)
    with pytest.raises(FileNotFoundError, match="run the notebook that makes it"):
        store.load_volume(tmp_path / "none.h5")
    store.save_volume(path, volume, NOTE)
    with pytest.raises(ValueError, match="expected images, angles too"):
        store.load_tilt_series(path)


def test_no_two_values_have_one_fingerprint():
    array, random = np.arange(6.0), np.random.default_rng(2).random(5000)
    other = random.copy()
    other[2500] += 1e-9  # in the middle, which the printed form of an array leaves out
    values = [
        None, "", "None", 0, 0.0, False, "0", [], {}, [0, 1], [[0], 1], {"a": 1}, {"b": 1},
        array, array.astype(np.float32), array.reshape(2, 3), array.tolist(), random, other,
        {"shifts": random}, {"shifts": other}, [random], [other],
        Volume(np.ones((2, 2, 2)), 1.0), Volume(np.ones((2, 2, 2)), 2.0), Atoms("Ta2", [[0, 0, 0], [0, 0, 3]]),
        Atoms("TaPd", [[0, 0, 0], [0, 0, 3]]),
    ]  # fmt: skip
    found = [store.fingerprint(value) for value in values]
    assert len(set(found)) == len(values)
    assert found == [store.fingerprint(value) for value in values]
    assert store.fingerprint(np.float64(0.5), np.asfortranarray(np.eye(2))) == store.fingerprint(0.5, np.eye(2))
    with pytest.raises(TypeError, match="cannot tell function from another"):
        store.fingerprint(lambda: 0)


def test_another_process_finds_the_same_fingerprint(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    code = (
        "import sys; from pathlib import Path; from helpers import store; "
        "print(store.fingerprint({'a': 1, 'b': 'x'}, Path(sys.argv[1])))"
    )
    made = subprocess.run([sys.executable, "-c", code, tmp_path / "a.txt"], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == store.fingerprint({"b": "x", "a": 1}, tmp_path / "a.txt")


def test_a_note_is_json_and_short():
    note = store.provenance({"shape": (3, 4), "shifts": np.zeros((99, 2)), "start": Volume(np.ones((9, 9, 9)), 1.0)})
    again = json.loads(json.dumps(note))
    assert again == note
    assert note["parameters"]["shape"] == [3, 4]
    assert note["parameters"]["shifts"].startswith("sha256:")
    assert len(json.dumps(note)) < 400


@pytest.mark.parametrize(
    ("parameters", "seed", "words"),
    [
        ({"step": 0.2, "limit": np.nan}, 3, "with step=0.1"),
        ({"step": 0.1}, 3, "with limit=NaN"),
        ({"step": 0.1, "limit": np.nan, "images": np.ones(50)}, 3, "without images"),
        ({"step": 0.1, "limit": np.nan}, 4, "with seed=3"),
        ({"step": 0.1, "limit": [np.nan]}, 3, "with limit=NaN"),
        ({"a": 1, "b": 2, "c": 3}, 4, "without a, without b, without c and 3 more"),
    ],
)
@pytest.mark.parametrize("name", ["v.h5", "v.json"])
def test_what_came_from_something_else_is_refused(tmp_path, name, parameters, seed, words):
    path, origin = tmp_path / name, store.provenance({"step": 0.1, "limit": np.nan}, seed=3)
    if name.endswith("h5"):
        store.save_volume(path, Volume(np.ones((2, 2, 2)), 1.0), {**origin, "r_factor": 0.1})
    else:
        store.claim(path, origin)
        store.claim(path, origin)
    store.check_origin(path, {**origin, "package": "amorphous-packing 0.0.1"})
    assert store.made_from(path, origin)
    other = store.provenance(parameters, seed=seed)
    with pytest.raises(ValueError, match=f"{name} was made {words}; remove it or name another place"):
        store.check_origin(path, other)
    assert not store.made_from(path, other)
    assert not store.made_from(tmp_path / "none.h5", origin)


def test_inputs_count_by_their_content(tmp_path):
    data, path = tmp_path / "a.txt", tmp_path / "n.json"
    data.write_text("one")
    store.claim(path, store.provenance({}, [data]))
    data.write_text("two")
    with pytest.raises(ValueError, match=r"n.json was made with other a.txt"):
        store.claim(path, store.provenance({}, [data]))


def test_a_result_without_a_note_is_not_believed(tmp_path):
    store.save_volume(tmp_path / "v.h5", Volume(np.ones((2, 2, 2)), 1.0), {})
    with pytest.raises(ValueError, match="v.h5 does not say what it was made from; remove it"):
        store.check_origin(tmp_path / "v.h5", NOTE)


def test_results_keep_to_the_stages():
    assert store.results_path("Ta", "atoms", "model.xyz").parts[-3:] == ("Ta", "atoms", "model.xyz")
    with pytest.raises(ValueError, match="expected one of imaging"):
        store.results_path("Ta", "tracing", "x")


@pytest.mark.parametrize(
    ("images", "angles", "message"),
    [
        (np.ones((3, 4, 4)), [0.0, 1.0], "3 images but 2 angles"),
        (np.ones((4, 4, 3)), [0.0, 1.0, 2.0], "numpy.moveaxis"),
        (np.ones((4, 4)), [0.0], "expected \\(tilts, x, y\\)"),
        (np.full((2, 4, 4), np.nan), [0.0, 1.0], "2 of 2 images hold NaN"),
        (np.ones((2, 4, 4)), [0.0, np.nan], "NaN or infinite"),
        (np.ones((4, 4, 4)), np.ones((3, 4)), "transpose"),
    ],
)
def test_bad_tilt_series(images, angles, message):
    with pytest.raises(ValueError, match=message):
        TiltSeries(images, angles, 1.0)


def test_radians_are_noticed():
    from helpers import AngleUnitWarning

    with pytest.warns(AngleUnitWarning, match=r"numpy\.rad2deg"):
        TiltSeries(np.ones((9, 4, 4)), np.linspace(-1.2, 1.2, 9), 1.0)
