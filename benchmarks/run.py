"""Run all bench files, one after the other, and say at the end which of them failed and what was missing.

::

    python benchmarks/run.py                    print the tables, keep them in _build/bench
    python benchmarks/run.py --record           keep them in data/recorded/bench, for the page on performance
    python benchmarks/run.py imports structure  these files alone
    QUICK=1 python benchmarks/run.py            small sizes, few repeats; never kept in data/recorded

Other programs are taken from the folder that PEERS names, ``_build/peers`` by default, which `make peers` fills. What
is not installed is left out and named.
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

from kept import QUICK, ROOT, keep, now

from helpers import store
from helpers.book.performance.records import FOLDER

LIMIT = 600  # seconds after which a file is stopped: it should take two minutes, but other programs may be running
PEERS = Path(os.environ.get("PEERS") or ROOT / "_build" / "peers")


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
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with the programs that it had started
        process.wait()
    seconds, cpu = round(time.perf_counter() - begin, 1), round(_cpu() - begin_cpu, 1)
    return {"file": path.stem.removeprefix("bench_"), "seconds": seconds, "CPU": cpu, "wrong": wrong}


def troubles(path: Path) -> list[str]:
    """Name the cases of a kept file that failed, then those whose programs are not installed."""
    if not path.is_file():
        return []
    rows = [row for table in store.load_numbers(path)["tables"] if table["kind"] == "cases" for row in table["rows"]]
    left = sorted((row for row in rows if "missing" in row), key=lambda row: not row.get("failed"))
    return list(dict.fromkeys(f"{row['task']}, {row['program']}: {row['missing']}" for row in left))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the files; return 1 if one of them or one of their cases failed."""
    parser = argparse.ArgumentParser(prog="python benchmarks/run.py", description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", help="names of bench files, such as imports; all by default")
    parser.add_argument("--record", action="store_true", help="keep the results in data/recorded/bench")
    options = parser.parse_args(arguments)
    if options.record and QUICK:
        parser.error("a QUICK run is not recorded")
    out = FOLDER if options.record else ROOT / "_build" / "bench"
    paths = sorted(Path(__file__).parent.glob("bench_*.py"))
    names = {path.stem.removeprefix("bench_"): path for path in paths}
    if unknown := [name for name in options.files if name not in names]:
        parser.error(f"no bench file {', '.join(unknown)}; there are {', '.join(names)}")
    begun, rows, failed = now(), [], False
    for path in [names[name] for name in options.files] or paths:
        kept = out / f"{path.stem}.json"
        before = kept.stat().st_mtime_ns if kept.is_file() else 0
        print(f"\n===== {path.name} =====", flush=True)
        row = run(path, out)
        fresh = kept.is_file() and kept.stat().st_mtime_ns != before
        found = troubles(kept) if fresh else []
        wrong = [word for word in found if "not installed" not in word]
        rows.append({**row, "wrong": "; ".join(filter(None, [row["wrong"], *wrong])) or None})
        failed |= bool(rows[-1]["wrong"])
        print("".join(f"left out: {word}\n" for word in found), end="", flush=True)
    print(f"\n{'file':20}{'seconds':>10}{'CPU s':>10}")
    for row in rows:
        print(f"{row['file']:20}{row['seconds']:10.1f}{row['CPU']:10.1f}  {row['wrong'] or ''}")
    print(f"{'all':20}{sum(row['seconds'] for row in rows):10.1f}{sum(row['CPU'] for row in rows):10.1f}")
    if not options.files:
        os.environ["BENCH_OUT"] = str(out)
        columns = {"file": "", "seconds": "s", "CPU": "s", "wrong": ""}
        table = {"title": "Bench files", "columns": list(columns.items()), "rows": rows, "plot": {}, "note": ""}
        keep({"kind": "table", "begun": begun, "ended": now(), **table})
    return 1 if failed else 0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
