"""Files that were read, or refused, are closed at once, not when the garbage collector comes by.

A file that stays open keeps its disk space after it is deleted, cannot be replaced on some systems, and counts against
the few hundred that a process may hold; the warning of Python about it comes at a moment that nobody can foresee.
"""

from __future__ import annotations

import gc
import random
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from small_files import ANGLES, IMAGES, MODELS, STACK

from helpers import Volume, readers, store
from helpers.simulation import _checkpoint

DESCRIPTORS = Path("/proc/self/fd")
pytestmark = pytest.mark.skipif(not DESCRIPTORS.is_dir(), reason="the system does not list open files in /proc")


@pytest.fixture(autouse=True)
def _no_collector():
    """What refers to itself stays until somebody ends it."""
    gc.disable()
    yield
    gc.enable()


def still_open(folder: Path) -> set[str]:
    """Names of the files in a folder that this process holds open."""
    found = set()
    for entry in DESCRIPTORS.iterdir():
        try:
            path = entry.readlink()
        except FileNotFoundError:  # the one that lists them
            continue
        if folder in path.parents:
            found.add(path.name)
    return found


def accidents(content: bytes, seed: str):
    """A file as it is, cut at several places, empty, and with bytes changed, most of them in its header."""
    yield content
    for length in (0, 7, 50, len(content) // 2, len(content) - 1):
        yield content[:length]
    chance = random.Random(seed)
    for reach in 12 * [16, 300, len(content)]:
        spoilt = bytearray(content)
        spoilt[chance.randrange(min(reach, len(content)))] ^= 1 << chance.randrange(8)
        yield bytes(spoilt)


def check(path: Path, read) -> None:
    read(path)  # what is loaded at the first call is loaded now
    outcomes = set()
    for number, content in enumerate(accidents(path.read_bytes(), path.name)):
        path.unlink()  # a new file: one that is still open is found among the deleted
        path.write_bytes(content)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", ResourceWarning)
            try:
                read(path)
                outcomes.add("read")
            except (ValueError, MemoryError):
                outcomes.add("refused")
        assert still_open(path.parent) == set(), f"accident {number}, {outcomes}"
        left = [str(warning.message) for warning in said if str(path) in str(warning.message)]
        assert left == [], f"accident {number}, {outcomes}: closed by Python, for nobody did"
    assert outcomes == {"read", "refused"}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")  # of damaged files
@pytest.mark.parametrize("name", [*IMAGES, *ANGLES, *MODELS])
def test_no_file_stays_open(name, tmp_path):
    path = tmp_path / name
    (IMAGES | ANGLES | MODELS)[name](path)
    if name in IMAGES:
        check(path, readers.read_images)
    elif name in ANGLES:
        check(path, readers.read_angles)
    else:
        check(path, lambda path: readers.read_atoms(path, elements=["Cu"]))


@pytest.mark.parametrize("damage", [None, 0, 30, -30])
def test_no_archive_stays_open(tmp_path, damage):
    """A file of numpy.savez under the name of an array."""
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        np.savez(file, x=STACK)
    if damage is not None:
        path.write_bytes(path.read_bytes()[:damage])
    with pytest.raises(ValueError, match=r"a\.npy (is an archive of arrays|is truncated|is empty)"):
        readers.read_images(path)
    assert still_open(tmp_path) == set()


NOTE = store.provenance({"step": 0.1}, seed=3)
RESULTS = {
    "v.h5": (lambda path: store.save_volume(path, Volume(STACK, 1.0), NOTE), store.load_volume),
    "t.csv": (lambda path: store.save_table(path, pd.DataFrame({"r": [1.0]}), NOTE), store.load_table),
    "t.parquet": (lambda path: store.save_table(path, pd.DataFrame({"r": [1.0]}), NOTE), store.load_table),
    "m.xyz": (lambda path: store.save_atoms(path, Atoms("Ta"), NOTE), store.load_atoms),
    "n.json": (lambda path: store.save_numbers(path, {"r": 1}, NOTE), store.load_numbers),
}


@pytest.mark.parametrize("name", RESULTS)
def test_no_result_stays_open(name, tmp_path):
    save, load = RESULTS[name]
    save(tmp_path / name)
    assert still_open(tmp_path) == set()
    check(tmp_path / name, load)


def test_no_snapshot_of_a_quench_stays_open(tmp_path):
    np.savez(
        tmp_path / "00.npz", symbols="Ta", positions=np.zeros((1, 3)), cell=np.ones(3), info="{}", restart="none"
    )  # fmt: skip
    check(tmp_path / "00.npz", _checkpoint._load)
