"""Files appear whole or not at all: full disks, killed writers, two at once."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ase import Atoms

from helpers import Volume, _files, store

NOTE = store.provenance({"step": 0.1}, seed=3)
ROOT = Path(__file__).parents[1]

#: One writer of each format, with content that tells its version.
WRITERS = {
    "v.h5": lambda path, n: store.save_volume(path, Volume(np.random.default_rng(n).random((40, 40, 9)), 1.0), NOTE),
    "t.csv": lambda path, n: store.save_table(path, pd.DataFrame({"r": np.arange(5000.0), "n": n}), NOTE),
    "t.parquet": lambda path, n: store.save_table(
        path, pd.DataFrame({"r": np.random.default_rng(n).random(5000)}), NOTE
    ),
    "m.xyz": lambda path, n: store.save_atoms(path, Atoms(f"Ta{900 + n}", np.ones((900 + n, 3))), NOTE),
    "n.json": lambda path, n: store.save_numbers(path, {"r": list(range(9000)), "n": n}, NOTE),
}


def parts(folder):
    return [path.name for path in folder.iterdir() if ".part" in path.name]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("fill", [0, 1000, 0.5, 0.99])
def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, name, fill):
    """The limit on the size of a file stands in for a disk with so much left."""
    path = tmp_path / name
    WRITERS[name](path, 1)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(fill if fill == 0 or fill > 1 else fill * len(before)), hard))
    try:
        with pytest.raises(
            store.NoSpace, match=rf"^{name} needs [\d.,]+ [kM]B and cannot be written .*left in .*"
        ) as found:
            WRITERS[name](path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(tmp_path) in str(found.value)
    assert "make room or name another place; the file that was there before is as it was" in str(found.value)
    assert path.read_bytes() == before
    assert parts(tmp_path) == []


def test_whatever_fills_the_disk_while_a_file_is_replaced_is_named(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with (
            pytest.raises(store.NoSpace, match=r"^a\.txt cannot be written"),
            store.replacing(tmp_path / "a.txt") as part,
        ):
            part.write_text("more than ten bytes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def write_and_be_killed() -> None:
    """Go on writing all formats into a folder, in a process that is killed after as many seconds as each line says.

    In a process of its own, which has no threads: a child of one that has may wait forever for a lock that one held.
    """
    for line in sys.stdin:
        child = os.fork()
        n = 0
        while child == 0:
            n = n % 5 + 1
            for name, write in WRITERS.items():
                write(Path(sys.argv[1]) / name, n)
        time.sleep(float(line))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print("killed", flush=True)


def test_killed_writers_leave_whole_files_and_their_traces_are_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "_FRESH", np.inf)  # a slow computer takes more than a minute for all this
    for name, write in WRITERS.items():
        write(tmp_path / name, 5)
    chance, left = random.Random(5), 0
    code = (
        "import numpy; from helpers import _files; _files._FRESH = numpy.inf\n"
        "import test_files; test_files.write_and_be_killed()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as killer:  # fmt: skip
        for number in range(200):
            killer.stdin.write(f"{chance.uniform(0.02, 0.15) * (1 + number // 12)}\n")  # longer where all is slow
            killer.stdin.flush()
            assert killer.stdout.readline() == "killed\n"
            left = max(left, len(parts(tmp_path)))
            for name in WRITERS:
                assert store.load_note(tmp_path / name) == NOTE
            if number >= 11 and left:
                break
    assert left > 0, "no writer was killed at work"
    WRITERS["n.json"](tmp_path / "n.json", 1)
    assert parts(tmp_path), "a trace is left alone for a minute"
    monkeypatch.setattr(_files, "_FRESH", 0.0)
    WRITERS["n.json"](tmp_path / "n.json", 1)
    assert parts(tmp_path) == []


def test_traces_are_swept_by_age_and_owner(tmp_path):
    def trace(host, process, age, name="v"):
        path = tmp_path / f".{name}.{host}-{process}-0.part.h5"
        path.write_text("half")
        os.utime(path, (time.time() - age,) * 2)
        return path

    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine, elsewhere = _files._HOST, "00000000"
    swept = {trace(mine, gone.pid, 100), trace(elsewhere, 1, 2 * 86400)}
    kept = {
        trace(mine, gone.pid, 5, "young"), trace(mine, os.getpid(), 100), trace(elsewhere, 2, 100),
        trace(mine, os.getppid(), 100), tmp_path / ".mine.part.h5", tmp_path / "v.h5",
    }  # fmt: skip
    for name in (".mine.part.h5", "v.h5"):
        (tmp_path / name).write_text("not ours to judge")
    assert set(_files.sweep(tmp_path)) == swept
    assert set(tmp_path.iterdir()) == kept


HOLD = (
    "import sys, time; from helpers import store\n"
    "with store.holding(sys.argv[1], 'the quench'):\n    print('held', flush=True); time.sleep(float(sys.argv[2]))"
)


@contextmanager
def hold(path, seconds):
    """Another process that holds the lock, ended after the block."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HOLD, str(path), str(seconds)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_the_second_is_refused_and_a_killed_holder_holds_nobody_up(tmp_path):
    with hold(tmp_path / ".lock", 600) as first:
        words = rf"^the quench is in use by process {first.pid} on .* since \d\d:\d\d on .*; wait until it has ended"
        with pytest.raises(store.Busy, match=words), store.holding(tmp_path / ".lock", "the quench"):
            pass
    with store.holding(tmp_path / ".lock", "the quench"), pytest.raises(store.Busy):
        store.holding(tmp_path / ".lock", "the quench").__enter__()
    assert list(tmp_path.iterdir()) == []


def test_who_waits_gets_the_lock(tmp_path):
    with hold(tmp_path / ".lock", 0.3) as first, store.holding(tmp_path / ".lock", "the quench", wait=120):
        assert first.wait(timeout=120) == 0
    assert list(tmp_path.iterdir()) == []
