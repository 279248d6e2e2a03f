"""Run a command and record how long it took, for the page on performance.

::

    python benchmarks/took.py "make book, cold" --goal 360 -- make book

One row a name, the newest; seconds, CPU seconds, the date and the load before stand beside it. A command that fails is
not recorded.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence

import kept

from helpers import store
from helpers.book.performance.records import FOLDER

PATH = FOLDER / "took.json"
COLUMNS = {"command": "", "seconds": "s", "CPU": "s", "goal": "s", "load before": "", "date": "", "commit": ""}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python benchmarks/took.py", description=__doc__.split("\n")[0])
    parser.add_argument("name", help="what the row is called")
    parser.add_argument("--goal", type=float, help="seconds that it shall stay below")
    parser.add_argument("command", nargs="+", help="what is run, after --")
    options = parser.parse_args(arguments)
    before, begin, begin_cpu = kept.now(), time.perf_counter(), _cpu()
    code = subprocess.run(options.command, check=False).returncode
    seconds, cpu = time.perf_counter() - begin, _cpu() - begin_cpu
    print(f"{options.name}: {seconds:.1f} s, {cpu:.1f} s of CPU", file=sys.stderr)
    if code:
        return code
    old = store.load_numbers(PATH)["tables"][0]["rows"] if PATH.is_file() else []
    row = {
        "command": options.name, "seconds": round(seconds, 1), "CPU": round(cpu, 1),
        "goal": options.goal, "load before": before["load"], "date": before["time"][:10], "commit": kept.commit(),
    }  # fmt: skip
    rows = sorted([*(each for each in old if each["command"] != options.name), row], key=lambda each: each["command"])
    os.environ["BENCH_OUT"] = str(FOLDER)
    table = {"title": "Building and testing", "columns": list(COLUMNS.items()), "rows": rows, "plot": {}, "note": ""}
    kept.keep({"kind": "table", "begun": before, "ended": kept.now(), **table})
    return 0


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
