"""Time programs side by side: every case in a process of its own, seconds, ratio to ours, peak memory.

    CASES = [Case("neighbours", "ours", prepare_ours), Case("neighbours", "freud", prepare_freud)]
    if __name__ == "__main__":
        compare("What is compared", CASES)

`prepare` loads what is needed, compiles, and returns the function to time; an ImportError in it leaves the case out.
`error`, where a case has one, compares what that function returns with the truth.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPEATS = 5
LONGEST = 600  # seconds that one case may take


@dataclass(frozen=True)
class Case:
    """One program at one task; the first case of a task is the one that the others are compared with."""

    task: str
    program: str
    prepare: Callable[[], Callable[[], object]]
    error: Callable[[Any], float] | None = None


def compare(title: str, cases: list[Case], repeats: int = REPEATS) -> None:
    """Print a table of all cases, or, called by itself with the number of a case, measure that one."""
    if len(sys.argv) == 3 and sys.argv[1] == "--case":
        print(json.dumps(_measure(cases[int(sys.argv[2])], repeats)))
        return
    only = sys.argv[1:]  # names of tasks
    known = any(case.error for case in cases)
    print(f"{title}\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, median of {repeats}")
    head = f"{'task':24}{'program':12}{'seconds':>10}{'CPU s':>10}{'ratio':>8}{'memory':>12}"
    print(head + f"{'error':>10}" * known, flush=True)
    first: dict[str, float] = {}
    for number, case in enumerate(cases):
        if only and case.task not in only:
            continue
        found = _run(number)
        if "missing" in found:
            print(f"{case.task:24}{case.program:12}{found['missing']}", flush=True)
            continue
        ratio = found["cpu"] / first.setdefault(case.task, found["cpu"])
        print(
            f"{case.task:24}{case.program:12}{found['seconds']:10.3f}{found['cpu']:10.3f}{ratio:8.1f}"
            f"{found['memory'] / 1e6:9.0f} MB" + (f"{found['error']:10.3f}" if "error" in found else ""),
            flush=True,
        )
    print("ratio: CPU time over that of the first program of the task, for it depends less on what else is running")
    print("memory: highest resident size during the first call above that before it")


def _run(number: int) -> dict:
    """Measure one case in a fresh process."""
    command = [sys.executable, sys.argv[0], "--case", str(number)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return {"missing": f"longer than {LONGEST} s"}
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return {"missing": f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"}
    return json.loads(lines[-1])


def _measure(case: Case, repeats: int) -> dict:
    """Prepare, call once for the memory, then repeat for the time."""
    try:
        function = case.prepare()
    except ImportError as error:
        return {"missing": f"not installed ({error.name})"}
    before = _reset_peak()
    result = function()
    memory = _peak() - before
    error = {} if case.error is None else {"error": float(case.error(result))}
    seconds, cpu = [], []
    for _ in range(repeats):
        start, start_cpu = time.perf_counter(), time.process_time()
        function()
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - start_cpu)
        if sum(seconds) > LONGEST / 4:
            break
    return {"seconds": statistics.median(seconds), "cpu": statistics.median(cpu), "memory": memory, **error}


def _reset_peak() -> int:
    """Forget what preparing took, where the system can, and return the resident size now, bytes."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # hand freed memory back, so that using it again counts
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    """Highest resident size of this process since the reset, bytes."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
