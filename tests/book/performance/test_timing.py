"""The frame of the benchmarks: turns, failures by name, and a record that a quick run leaves alone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import store
from helpers.book.performance import records

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
SCRIPT = """
import os, sys
import time
import chains
import timing
from timing import Case, apart, compare, record, stages

timing.LONGEST = 1.5
timing.spare_memory = lambda: 5e8
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

def chain(size):
    def steps():
        yield "a"
        if size > 5:
            raise MemoryError("no room")
        yield "b"
    return steps

def short(size):
    def steps():
        with open(LOG + "s", "a") as file:
            print("call", file=file)
        time.sleep(0.02)
        yield "a"
        yield "b"
    return steps

def slow(seconds):
    return lambda: lambda: time.sleep(seconds)

WATCHED = os.path.exists("/proc/self/statm")

def greedy():
    held = bytearray(700_000_000)
    time.sleep(60 if WATCHED else 0)
    return lambda: held

LOG = sys.argv.pop(1)
LIMITED = [
    Case("once", "scipy", slow(0.1), size=7),
    Case("once", "freud", slow(5), size=7),
    Case("once", "OVITO", greedy, size=7),
    Case("once", "mdapy", slow(0.01), size=7),
    Case("once", "ours", work(10_000, LOG), size=700, repeats=1),
    Case("once", "scipy", broken, size=700),
    Case("once", "freud", broken, size=700),
    Case("once", "OVITO", broken, size=700),
    Case("once", "mdapy", broken, size=700, left_out="tedious"),
]
if __name__ == "__main__":
    title = apart(lambda: "Trial")
    compare(title, [
        Case("add", "ours", work(10_000, LOG), error=lambda total: total - 49_995_000),
        Case("add", "scipy", work(20_000, LOG)),
        Case("add", "freud", missing),
        Case("add", "OVITO", broken),
        Case("add", "mdapy", killed),
        Case("once", "ours", work(10_000, LOG), size=7, repeats=1),
        *(LIMITED if "LIMITED" in os.environ else []),
    ], repeats=3, errors={"add": "difference"})
    record("Shares", [{"part": "a", "seconds": 0.5}], {"part": "", "seconds": "s"},
           plot={"kind": "bars", "x": "seconds", "y": "part"}, note="Of one second.")
    stages("Chain", [5, 6], chain)
    chains.LEAST = 0.1
    stages("Short chain", [5], short, lambda size: 3)
"""


def run(tmp_path, **environment):
    path = tmp_path / "bench_trial.py"
    path.write_text(SCRIPT)
    search = os.pathsep.join([str(BENCHMARKS), str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")])
    known = {k: v for k, v in os.environ.items() if k not in ("QUICK", "BENCH_OUT")}
    return subprocess.run(
        [sys.executable, str(path), str(tmp_path / "log")], env={**known, "PYTHONPATH": search, **environment},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the benchmarks fork")
def test_programs_take_turns_and_a_failing_one_hides_no_other(tmp_path):
    done = run(tmp_path, BENCH_OUT=str(tmp_path / "out"), LIMITED="1")
    assert done.returncode == 0, done.stderr
    (found,) = records.load(tmp_path / "out")
    assert (found.file, found.content["quick"]) == ("trial", False)
    cases, table, chain, short = found.content["tables"]
    rows = {(row["task"], row["program"]): row for row in cases["rows"]}
    assert len(rows["add", "ours"]["cpu"]) == len(rows["add", "scipy"]["seconds"]) == 3
    assert len(rows["once", "ours"]["cpu"]) == 1
    assert rows["add", "ours"]["error"] == 0
    assert rows["add", "scipy"]["version"] == found.content["versions"]["scipy"]
    assert rows["add", "freud"]["missing"] == "not installed (a_package_that_nobody_has)"
    assert rows["add", "OVITO"]["missing"] == "failed: ZeroDivisionError: division by zero"
    assert rows["add", "mdapy"]["missing"] == "failed: the process ended with code 9"
    large = {program: row.get("missing") for program, row in
             ((row["program"], row) for row in cases["rows"] if row["size"] == 700)}  # fmt: skip
    for program, words in (("freud", "longer than 1.5 s"), ("OVITO", "more than 0.5 GB of memory")):
        if program == "OVITO" and not Path("/proc/self/statm").is_file():
            continue
        (row,) = (row for row in cases["rows"] if (row["program"], row["size"]) == (program, 7))
        assert (row["missing"], row["failed"]) == (words, False), "a limit of another program is no failure"
        assert large[program] == f"left out, as at 7: {words}"
    assert large["ours"] is None
    assert re.fullmatch(r"left out: [0-9.]+ s at 7, so more than 1.5 s here", large["scipy"])
    assert re.fullmatch(r"left out: tedious; [0-9.]+ s at 7", large["mdapy"])
    steps = [(row["task"], row["size"], row.get("missing")) for row in chain["rows"]]
    no = "failed: MemoryError: no room"
    assert steps == [("a", 5, None), ("b", 5, None), ("a", 6, no), ("b", 6, no)]
    calls = len((tmp_path / "logs").read_text().split())
    assert calls % 3 == 1, "one call for the memory, then three turns of as many calls each"
    assert calls >= 4
    assert all(len(row[key]) == 3 for row in short["rows"] for key in ("seconds", "cpu", "user"))
    assert min(short["rows"][0]["seconds"]) >= 0.02, "what one call takes"
    assert min(short["rows"][1]["seconds"]) < 0.02
    assert table["columns"] == [["part", ""], ["seconds", "s"]]
    pids = (tmp_path / "log").read_text().split()
    ours, other = pids[0], pids[1]
    assert pids[:8] == [ours, other, ours, other, other, ours, ours, other], "first calls, then turns, each way round"
    assert pids[8] not in (ours, other)
    assert pids.count(pids[8]) == 1, "one turn is the first call"


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
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench_trial.py", "log", "logs"]
    assert "Shares" in done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the benchmarks fork")
@pytest.mark.parametrize("is_interrupted", [False, True])
def test_a_run_keeps_what_is_done_and_ends_with_the_goals(tmp_path, is_interrupted):
    record = 'from timing import record\nrecord("T", [{"a": 1}], {"a": ""})\n'
    (tmp_path / "bench_first.py").write_text(record)
    stop = "import os, signal, time\nos.kill(os.getppid(), signal.SIGTERM)\ntime.sleep(60)\n"
    (tmp_path / "bench_second.py").write_text(stop if is_interrupted else record)
    (tmp_path / "bench_third.py").write_text(record)
    out = tmp_path / "out"
    script = (
        f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); import run; from pathlib import Path\n"
        f"run.FILES, run.FOLDER = Path({str(tmp_path)!r}), Path({str(out)!r})\n"
        "sys.argv[0] = 'run.py'; raise SystemExit(run.main(['--record']))\n"
    )
    known = {k: v for k, v in os.environ.items() if k not in ("QUICK", "BENCH_OUT")}
    search = os.pathsep.join([str(BENCHMARKS), str(BENCHMARKS.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", script], env={**known, "PYTHONPATH": search}, capture_output=True, text=True,
        check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == (130 if is_interrupted else 0), done.stderr
    assert "bench_second.py (2 of 3; 0." in done.stdout
    assert re.search(r"before +goal +now +what\n", done.stdout)
    (table,) = store.load_numbers(out / "run.json")["tables"]
    assert table["title"] == ("Bench files so far" if is_interrupted else "Bench files"), "else a part passes for all"
    files = [row["file"] for row in table["rows"]]
    assert files == (["first", "second"] if is_interrupted else ["first", "second", "third"])
    assert (out / "bench_first.json").is_file()
    assert (out / "bench_third.json").is_file() is not is_interrupted


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
    subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": search}, check=True, timeout=600)
    rows = store.load_numbers(tmp_path / "took.json")["tables"][0]["rows"]
    assert [row["command"] for row in rows] == ["a", "b"], "one row a command, none for one that failed"
    assert all(row["goal"] == 5 and row["seconds"] >= 0.2 for row in rows)
