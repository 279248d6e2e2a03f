"""What is stored is not believed unless it is whole."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from ase import Atoms

import helpers
from helpers import TiltSeries, Volume, _seals, data, store
from helpers.tomography.checkpoint import Checkpoint, State

NOTE = store.provenance({"step": 0.1}, seed=3)


def checkpoint(path):
    """Uncompressed, so nothing but the seal can notice a changed number."""
    state = State.begin((6, 5, 4), np.random.default_rng(0).random((4, 6, 5)).astype(np.float32), accelerate=True)
    Checkpoint(path, 1, step=1.0).save(state)


RESULTS = {
    "v.h5": (
        lambda path: store.save_volume(path, Volume(np.random.default_rng(0).random((9, 8, 7)), 1.0), NOTE),
        store.load_volume,
    ),
    "s.h5": (
        lambda path: store.save_tilt_series(path, TiltSeries(np.arange(36.0).reshape(3, 3, 4), [-9, 0, 9], 1.0), NOTE),
        store.load_tilt_series,
    ),
    "state.h5": (checkpoint, lambda path: Checkpoint(path, 1, step=1.0).load(lambda r: False)),
    "t.csv": (lambda path: store.save_table(path, pd.DataFrame({"r": [0.5, 1.5], "g": "ab"}), NOTE), store.load_table),
    "t.parquet": (
        lambda path: store.save_table(path, pd.DataFrame({"r": np.arange(99.0), "g": "ab"}), NOTE),
        store.load_table,
    ),
    "m.xyz": (lambda path: store.save_atoms(path, Atoms("Ta9", np.ones((9, 3))), NOTE, decimals=3), store.load_atoms),
    "n.json": (lambda path: store.save_numbers(path, {"a": 1.25, "b": [1, 2]}, NOTE), store.load_numbers),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_flipped_bit_or_a_missing_end_is_never_believed(tmp_path, name):
    save, load = RESULTS[name]
    path = tmp_path / name
    save(path)
    load(path)
    whole, chance = path.read_bytes(), random.Random(name)
    assert whole.count(b"sealed-sha256:") == 1
    for _ in range(60):
        damaged = bytearray(whole)
        if chance.random() < 0.2:
            del damaged[chance.randrange(len(damaged)) :]
        else:
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(store.DamagedFile, match=re.escape(str(path))):
            load(path)
        assert not store.made_from(path, NOTE)


def test_a_file_that_changes_within_one_tick_of_the_clock_is_read_again(tmp_path):
    path = tmp_path / "n.json"
    store.save_numbers(path, {"a": 1.25}, NOTE)
    store.load_numbers(path)
    written, whole = path.stat().st_mtime_ns, path.read_bytes()
    path.write_bytes(whole.replace(b"1.25", b"1.35"))
    os.utime(path, ns=(written, written))
    with pytest.raises(store.DamagedFile, match="is damaged"):
        store.load_numbers(path)
    path.write_bytes(whole)
    os.utime(path, ns=(0, 0))  # it has long been as it is
    before = _seals._check.cache_info().misses
    for _ in range(3):
        store.load_numbers(path)
    assert _seals._check.cache_info().misses == before + 1


@pytest.mark.parametrize("name", [name for name in RESULTS if name != "state.h5"])
def test_content_and_note_are_one_file(tmp_path, name):
    RESULTS[name][0](tmp_path / name)
    assert store.load_note(tmp_path / name) == NOTE
    assert [path.name for path in tmp_path.iterdir()] == [name]
    first = (tmp_path / name).read_bytes()
    RESULTS[name][0](tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


def test_the_seal_is_the_hash_of_all_other_bytes(tmp_path):
    path = tmp_path / "n.json"
    store.save_numbers(path, {"a": 1}, NOTE)
    mark, digest = json.loads(path.read_text())["provenance"]["sha256"].split(":")
    assert mark == "sealed-sha256"
    assert hashlib.sha256(path.read_bytes().replace(digest.encode(), b"0" * 64)).hexdigest() == digest


def test_other_programs_read_a_table(tmp_path):
    table = pd.DataFrame({"r": [0.5, 1.5], "g": [0.0, 1.25]})
    store.save_table(tmp_path / "t.csv", table, NOTE)
    store.save_table(tmp_path / "t.parquet", table, NOTE)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv", comment="#"), table)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table)


def test_a_file_without_a_seal_is_refused(tmp_path):
    path = tmp_path / "n.json"
    path.write_text('{"a": 1}\n')
    with pytest.raises(
        store.DamagedFile, match=r"n\.json has no seal, so nothing can tell whether it is whole; remove"
    ):
        store.load_numbers(path)


def test_a_file_has_one_place_for_a_seal(tmp_path):
    with pytest.raises(ValueError, match="a file has 2 places for its seal; expected one"):
        store.save_numbers(tmp_path / "n.json", {"a": _seals.BLANK}, NOTE)


def test_files_that_come_with_the_package_are_registered_or_sealed():
    """After a file of ``data`` was made anew with older code: make register."""
    for name in data.embedded():
        store.verify(data.DATA_FOLDER / name)


def test_a_changed_digit_in_the_embedded_sample_is_noticed(tmp_path, monkeypatch):
    sample = replace(helpers.load_sample("demo"), folder=tmp_path)
    monkeypatch.setattr(data, "DATA_FOLDER", shutil.copytree(data.DATA_FOLDER / "demo", tmp_path / "demo").parent)
    assert len(sample.model()) > 1000
    path = tmp_path / "demo" / "particle.xyz"
    text = path.read_text()
    place = text.rindex(".") + 1
    path.write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])
    words = r"particle\.xyz is not the file of that name; remove it and make or fetch"
    with pytest.raises(store.DamagedFile, match=words):
        sample.model()


def test_the_register_holds_what_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "DATA_FOLDER", tmp_path)
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "a.xyz").write_text('1\nprovenance="{}"\nTa 0 0 0\n')
    assert data.register() == ["demo/a.xyz"]
    assert data.is_embedded(tmp_path / "demo" / "a.xyz")
    (tmp_path / "demo" / "a.xyz").write_text('1\nprovenance="{}"\nTa 0 0 1\n')
    assert data.is_embedded(tmp_path / "demo" / "a.xyz") is False
    assert data.is_embedded(tmp_path / "demo") is None
    data.embedded.cache_clear()
