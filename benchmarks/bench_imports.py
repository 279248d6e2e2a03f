"""How long an import takes, in processor time: the package beyond NumPy, and each stage beyond numba.

Goals: 0.3 s for the package with NumPy, 1 s for a stage, and 1 s for the figures beyond plotly.graph_objects.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

REPEATS = 5
TASKS = {
    "helpers": "sys",
    **{f"helpers.{stage}": "numba" for stage in ("imaging", "tomography", "atoms", "structure", "simulation")},
    "helpers.book.figures": "plotly.graph_objects",
}


def measure(module: str, base: str) -> tuple[float, float]:
    """Return seconds of the base and of the module beyond it, each the median of several processes."""
    code = (
        f"import time; a = time.process_time(); import {base}; b = time.process_time(); import {module}; "
        "c = time.process_time(); print(b - a, c - b)"
    )
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(REPEATS)]
    return statistics.median(float(run[0]) for run in runs), statistics.median(float(run[1]) for run in runs)


if __name__ == "__main__":
    print(f"Imports\nload {os.getloadavg()[0]:.1f}, median of {REPEATS}")
    print(f"{'module':24}{'CPU s':>8}   beyond", flush=True)
    for name, beyond in TASKS.items():
        base_seconds, seconds = measure(name, beyond)
        note = "nothing" if beyond == "sys" else f"{beyond}, {base_seconds:.2f} s"
        print(f"{name:24}{seconds:8.2f}   {note}", flush=True)
