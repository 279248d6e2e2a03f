"""Run all bench files, one after the other, and say at the end what was missed of the goals, and what was left out.

::

    python benchmarks/run.py                    print the tables, keep them in _build/bench
    python benchmarks/run.py --record           keep them in data/recorded/bench, for the page on performance
    python benchmarks/run.py imports structure  these files alone; the film only so, for it takes minutes by itself
    QUICK=1 python benchmarks/run.py            small sizes, few repeats; never kept in data/recorded

Other programs are taken from the folder that PEERS names, ``_build/peers`` by default, which `make peers` fills. What
is not installed is left out and named. Every table is kept as soon as it is there, with the commit of the code: a run
that is interrupted leaves what it has done, and the files that it did not reach as they were.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kept import BEGUN, QUICK, ROOT, commit, keep, now

from helpers import store
from helpers.book.performance import goals, records
from helpers.book.performance.records import FOLDER
from helpers.digits import counted

#: Files that take minutes by themselves: recorded where they are named, and tried by QUICK runs.
ALONE = ("film",)
LIMIT = 600  # seconds after which a file is stopped: it should take two minutes, but other programs may be running
PEERS = Path(os.environ.get("PEERS") or ROOT / "_build" / "peers")
FILES = Path(__file__).parent
_COLUMNS = {"file": "", "seconds": "s", "CPU": "s", "wrong": ""}
_DONE, _INTERRUPTED = "Bench files", "was interrupted"


def run(path: Path, out: Path) -> dict[str, Any]:
    """Run one bench file; return its name, seconds, CPU seconds and what went wrong."""
    search = [str(ROOT), os.environ.get("PYTHONPATH", ""), str(PEERS.resolve())]
    environment = {**os.environ, "BENCH_OUT": str(out), "PYTHONPATH": os.pathsep.join(filter(None, search))}
    begin, begin_cpu = time.perf_counter(), _cpu()
    process = subprocess.Popen([sys.executable, str(path)], env=environment, start_new_session=True)
    try:
        code = process.wait(LIMIT)
        wrong = f"ended with code {code}" if code else ""
    except subprocess.TimeoutExpired:
        wrong = f"was stopped after {LIMIT} s"
    except KeyboardInterrupt:
        wrong = _INTERRUPTED
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with the programs that it had started
        process.wait()
    seconds, cpu = round(time.perf_counter() - begin, 1), round(_cpu() - begin_cpu, 1)
    return {"file": path.stem.removeprefix("bench_"), "seconds": seconds, "CPU": cpu, "wrong": wrong}


def troubles(path: Path) -> list[tuple[str, bool]]:
    """Name the cases of a kept file that are missing, and whether that is a failure; failures come first."""
    if not path.is_file():
        return []
    rows = [row for table in store.load_numbers(path)["tables"] if table["kind"] == "cases" for row in table["rows"]]
    left = sorted((row for row in rows if "missing" in row), key=lambda row: not row.get("failed"))
    return list(dict.fromkeys((_words(row), bool(row.get("failed"))) for row in left))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the files; return 1 if one of them or one of their cases failed, 130 if the run was interrupted."""
    parser = argparse.ArgumentParser(prog="python benchmarks/run.py", description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", help="names of bench files, such as imports; all by default")
    parser.add_argument("--record", action="store_true", help="keep the results in data/recorded/bench")
    options = parser.parse_args(arguments)
    if options.record and QUICK:
        parser.error("a QUICK run is not recorded")
    out = FOLDER if options.record else ROOT / "_build" / "bench"
    names = {path.stem.removeprefix("bench_"): path for path in sorted(FILES.glob("bench_*.py"))}
    if unknown := [name for name in options.files if name not in names]:
        parser.error(f"no bench file {', '.join(unknown)}; there are {', '.join(names)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = options.files or [name for name in names if QUICK or name not in ALONE]
    rows = _run_all([names[name] for name in chosen], out, _recorded(), is_whole=not options.files)
    print(f"\n{'file':20}{'seconds':>10}{'CPU s':>10}")
    for row in rows:
        print(f"{row['file']:20}{row['seconds']:10.1f}{row['CPU']:10.1f}  {row['wrong'] or ''}")
    print(f"{'all':20}{sum(row['seconds'] for row in rows):10.1f}{sum(row['CPU'] for row in rows):10.1f}")
    print(f"\n{goals.goals_text(records.load(out))}", flush=True)
    if rows[-1]["wrong"] and rows[-1]["wrong"].startswith(_INTERRUPTED):
        print("interrupted; what was done is kept")
        return 130
    return 1 if any(row["wrong"] for row in rows) else 0


def _run_all(paths: Sequence[Path], out: Path, last: dict[str, float], *, is_whole: bool) -> list[dict[str, Any]]:
    """Run files one after the other; keep how long each took after each, where none is left out."""
    rows: list[dict[str, Any]] = []
    table = {"kind": "table", "title": f"{_DONE} so far", "columns": list(_COLUMNS.items()), "rows": rows,
             "plot": {}, "note": "", "begun": BEGUN}  # fmt: skip
    print(f"{counted(len(paths), 'file')}, commit {commit()}, {time.strftime('%H:%M')}, kept in {out}", flush=True)
    begin = time.perf_counter()
    for number, path in enumerate(paths, start=1):
        kept = out / f"{path.stem}.json"
        before = kept.stat().st_mtime_ns if kept.is_file() else 0
        name = path.stem.removeprefix("bench_")
        so_far = f"{(time.perf_counter() - begin) / 60:.1f} min so far"
        usual = f", {last[name]:.0f} s last time" if name in last and not QUICK else ""
        print(f"\n===== {path.name} ({number} of {len(paths)}; {so_far}{usual}) =====", flush=True)
        row = run(path, out)
        fresh = kept.is_file() and kept.stat().st_mtime_ns != before
        found = troubles(kept) if fresh else []
        failed = [words for words, is_failure in found if is_failure]
        rows.append({**row, "wrong": "; ".join(filter(None, [row["wrong"], *failed])) or None})
        print("".join(f"missing: {words}\n" for words, _ in found), end="", flush=True)
        is_interrupted = row["wrong"] == _INTERRUPTED
        if is_whole:
            if number == len(paths) and not is_interrupted and not QUICK:  # by its title the goal finds it
                table["title"] = _DONE
            table["ended"] = now()
            os.environ["BENCH_OUT"] = str(out)
            keep(table)
        if is_interrupted:
            break
    return rows


def _words(row: dict[str, Any]) -> str:
    size = "" if row["size"] is None else f", {row['size']:,}"
    return f"{row['task']}{size}, {row['program']}: {row['missing']}"


def _recorded() -> dict[str, float]:
    """Seconds that each file took when it was recorded last."""
    path = FOLDER / "run.json"
    rows = store.load_numbers(path)["tables"][0]["rows"] if path.is_file() else []
    return {row["file"]: row["seconds"] for row in rows}


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
