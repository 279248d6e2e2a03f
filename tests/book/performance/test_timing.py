"""The frame of the benchmarks: turns, failures by name, and a record that a quick run leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import store
from helpers.book.performance import records

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
SCRIPT = """
import os, sys
from timing import Case, apart, compare, record

turns = []

def work(times, log):
    def prepare():
        def call():
            with open(log, "a") as file:
                print(os.getpid(), file=file)
            return sum(range(times))
        return call
    return prepare

def missing():
    import a_package_that_nobody_has

def broken():
    return lambda: 1 / 0

def killed():
    return lambda: os._exit(9)

LOG = sys.argv.pop(1)
if __name__ == "__main__":
    title = apart(lambda: "Trial")
    compare(title, [
        Case("add", "ours", work(10_000, LOG), error=lambda total: total - 49_995_000),
        Case("add", "scipy", work(20_000, LOG)),
        Case("add", "freud", missing),
        Case("add", "OVITO", broken),
        Case("add", "mdapy", killed),
        Case("once", "ours", work(10_000, LOG), size=7, repeats=1),
    ], repeats=3, errors={"add": "difference"})
    record("Shares", [{"part": "a", "seconds": 0.5}], {"part": "", "seconds": "s"},
           plot={"kind": "bars", "x": "seconds", "y": "part"}, note="Of one second.")
"""


def run(tmp_path, **environment):
    path = tmp_path / "bench_trial.py"
    path.write_text(SCRIPT)
    search = os.pathsep.join([str(BENCHMARKS), str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")])
    known = {k: v for k, v in os.environ.items() if k not in ("QUICK", "BENCH_OUT")}
    return subprocess.run(
        [sys.executable, str(path), str(tmp_path / "log")], env={**known, "PYTHONPATH": search, **environment},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the benchmarks fork")
def test_programs_take_turns_and_a_failing_one_hides_no_other(tmp_path):
    done = run(tmp_path, BENCH_OUT=str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    (found,) = records.load(tmp_path / "out")
    assert (found.file, found.content["quick"]) == ("trial", False)
    cases, table = found.content["tables"]
    rows = {(row["task"], row["program"]): row for row in cases["rows"]}
    assert len(rows["add", "ours"]["cpu"]) == len(rows["add", "scipy"]["seconds"]) == 3
    assert len(rows["once", "ours"]["cpu"]) == 1
    assert rows["add", "ours"]["error"] == 0
    assert rows["add", "scipy"]["version"] == found.content["versions"]["scipy"]
    assert rows["add", "freud"]["missing"] == "not installed (a_package_that_nobody_has)"
    assert rows["add", "OVITO"]["missing"] == "failed: ZeroDivisionError: division by zero"
    assert rows["add", "mdapy"]["missing"] == "failed: the process ended with code 9"
    assert table["columns"] == [["part", ""], ["seconds", "s"]]
    pids = (tmp_path / "log").read_text().split()
    ours, other = pids[0], pids[1]
    assert pids[:8] == [ours, other, ours, other, other, ours, ours, other], "first calls, then turns, each way round"
    assert pids[8] not in (ours, other)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the benchmarks fork")
def test_a_quick_run_never_touches_the_record(tmp_path):
    done = run(tmp_path, BENCH_OUT=str(records.FOLDER), QUICK="1")
    assert done.returncode != 0
    assert "QUICK runs are not kept in" in done.stderr
    assert not (records.FOLDER / "bench_trial.json").exists()
    assert run(tmp_path, BENCH_OUT=str(tmp_path / "out"), QUICK="1").returncode == 0
    (found,) = records.load(tmp_path / "out")
    assert found.content["quick"] is True
    assert len(found.content["tables"][0]["rows"][0]["cpu"]) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the benchmarks fork")
def test_nothing_is_kept_unless_a_folder_is_named(tmp_path):
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench_trial.py", "log"]
    assert "Shares" in done.stdout


def test_a_command_is_recorded_with_its_newest_time(tmp_path):
    script = (
        f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); import took; from pathlib import Path\n"
        f"took.FOLDER = Path({str(tmp_path)!r}); took.PATH = took.FOLDER / 'took.json'\n"
        "import kept; sys.argv[0] = 'took.py'\n"
        "for name, code in (('b', 0), ('a', 0), ('b', 0), ('c', 3)):\n"
        "    kept._TABLES.clear()\n"
        "    code_of = f'import time; time.sleep(0.2); raise SystemExit({code})'\n"
        "    assert took.main([name, '--goal', '5', '--', sys.executable, '-c', code_of]) == code\n"
    )
    search = os.pathsep.join([str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": search}, check=True, timeout=120)
    rows = store.load_numbers(tmp_path / "took.json")["tables"][0]["rows"]
    assert [row["command"] for row in rows] == ["a", "b"], "one row a command, none for one that failed"
    assert all(row["goal"] == 5 and row["seconds"] >= 0.2 for row in rows)
