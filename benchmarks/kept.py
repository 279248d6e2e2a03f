"""What a run of a bench file leaves behind: its tables, with computer, load, date, commit and versions."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from workers import version_of

from helpers import store
from helpers.book.performance.records import FOLDER

ROOT = Path(__file__).resolve().parents[1]
#: Whether small sizes and few repeats are wanted.
QUICK = os.environ.get("QUICK", "") not in ("", "0")
_ALWAYS = ("python", "numpy", "numba", "scipy")
_TABLES: list[dict[str, Any]] = []


def machine() -> dict[str, Any]:
    """Describe the computer: processor, cores that may be used, memory [GB], system."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    system = f"{platform.system()} {platform.machine()}"
    return {"cpu": cpu, "cores": cores(), "memory": round(memory, 1), "system": system}


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def now() -> dict[str, Any]:
    """Return the time, the load of the last minute and the cores that carry it."""
    time = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {"time": time, "load": round(os.getloadavg()[0], 2), "cores": cores()}


#: When this run began.
BEGUN = now()


def commit() -> str:
    """Return the commit of the code, with a plus sign if something in it was changed since."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "helpers", "benchmarks")
        return git("rev-parse", "--short", "HEAD") + "+" * bool(changed)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def keep(table: dict[str, Any]) -> Path | None:
    """Keep a table, or what has been added to it; nothing where ``BENCH_OUT`` names no folder.

    Raises
    ------
    ValueError
        If a quick run would replace what a full one recorded.
    """
    if not os.environ.get("BENCH_OUT"):
        return None
    folder = Path(os.environ["BENCH_OUT"])
    if QUICK and folder.resolve() == FOLDER.resolve():
        msg = f"QUICK runs are not kept in {folder}; name another folder in BENCH_OUT"
        raise ValueError(msg)
    if all(known is not table for known in _TABLES):
        _TABLES.append(table)
    versions = {name: version_of(name) for name in _ALWAYS}
    for row in (row for known in _TABLES for row in known["rows"]):
        if row.get("peer") and row.get("version"):
            versions[row["peer"]] = row["version"]
    path = folder / f"{Path(sys.argv[0]).stem}.json"
    content = {"machine": machine(), "commit": commit(), "quick": QUICK, "versions": versions, "tables": _TABLES}
    store.save_numbers(path, content, store.provenance())
    return path
