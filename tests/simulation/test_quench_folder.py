"""The folder of a quench: what is in it is believed only if it is whole and of the same run."""

from __future__ import annotations

import random

import numpy as np
import pytest
from ase import Atoms

from helpers import store
from helpers.simulation._checkpoint import Checkpoint

ORIGIN = store.provenance({"rate": 1e13}, seed=0)


class Writer:
    """Writes a restart file in the place of LAMMPS."""

    def commands(self, text):
        from pathlib import Path

        Path(text.split('"')[1]).write_bytes(text.encode() * 9)


@pytest.fixture
def folder(tmp_path):
    kept = Checkpoint(tmp_path, ORIGIN)
    for temperature in (3000.0, 2000.0, 1000.0):
        atoms = Atoms("Ta5", np.random.default_rng(int(temperature)).random((5, 3)), cell=[9, 9, 9], pbc=True)
        atoms.info["temperature"] = temperature
        kept.add(Writer(), atoms)
    return tmp_path


def test_a_run_goes_on_from_the_last_snapshot(folder):
    kept = Checkpoint(folder, ORIGIN)
    assert [atoms.info["temperature"] for atoms in kept.snapshots()] == [3000.0, 2000.0, 1000.0]
    assert kept.restart == folder / "02.restart"
    assert sorted(path.name for path in folder.iterdir()) == ["00.npz", "01.npz", "02.npz", "02.restart", "recipe.json"]


def test_snapshots_without_their_recipe_are_refused(folder):
    (folder / "recipe.json").unlink()
    with pytest.raises(
        ValueError, match=r"has snapshots but no recipe\.json that says of what; start in an empty folder"
    ):
        Checkpoint(folder, store.provenance({"rate": 1e13}, seed=1))


def test_another_run_is_refused(folder):
    with pytest.raises(ValueError, match=r"recipe\.json was made with seed=0"):
        Checkpoint(folder, store.provenance({"rate": 1e13}, seed=1))


def test_a_missing_snapshot_is_named(folder):
    (folder / "01.npz").unlink()
    with pytest.raises(ValueError, match=r"has 00\.npz, 02\.npz, so one is missing; start anew in an empty folder"):
        Checkpoint(folder, ORIGIN)


@pytest.mark.parametrize("name", ["02.npz", "02.restart", "recipe.json"])
def test_a_flipped_bit_changes_nothing_or_is_refused(folder, name):
    path = folder / name
    whole, chance = path.read_bytes(), random.Random(name)
    sound = np.array([atoms.positions for atoms in Checkpoint(folder, ORIGIN).snapshots()])
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            kept = Checkpoint(folder, ORIGIN)
            found, restart = kept.snapshots(), kept.restart
        except store.DamagedFile as error:
            assert name in str(error)  # noqa: PT017
            refused += 1
        else:
            np.testing.assert_array_equal([atoms.positions for atoms in found], sound)
            assert [atoms.info["temperature"] for atoms in found] == [3000.0, 2000.0, 1000.0]
            assert restart.read_bytes() == (folder / "02.restart").read_bytes()
    assert refused == 60 if name != "02.npz" else refused > 30  # a zip file has bytes that mean nothing


def test_a_second_run_in_the_same_folder_is_refused(folder):
    with (
        Checkpoint(folder, ORIGIN).alone(),
        pytest.raises(store.Busy, match=rf"the quench in {folder} is in use by"),
        Checkpoint(folder, ORIGIN).alone(),
    ):
        pass
