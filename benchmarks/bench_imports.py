"""How long imports take, beyond the packages that they cannot do without: the best of three fresh processes."""

from __future__ import annotations

import re
import subprocess
import sys

from timing import QUICK, record

REPEATS = 1 if QUICK else 3
STAGES = ("imaging", "tomography", "atoms", "structure", "simulation")
#: Module, what is loaded before it and does not count, and the seconds that we allow.
CASES = [
    ("helpers", "numpy", 0.3),
    *[(f"helpers.{stage}", "numba", 1.0) for stage in STAGES],
    ("helpers.book.figures", "plotly.graph_objects", 1.0),
    ("helpers.book.ledger", "numpy", 0.3),
]
CODE = """
import sys, time
import {before}
start = time.process_time()
print("loaded", file=sys.stderr)
import {module}
print("took", time.process_time() - start, file=sys.stderr)
"""


def import_times(module: str, before: str) -> tuple[float, dict[str, float]]:
    """Processor time [s] that a module takes to load after another one, and the share of each package in it."""
    command = [sys.executable, "-X", "importtime", "-c", CODE.format(before=before, module=module)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stderr.split("loaded\n")[1]
    own: dict[str, float] = {}
    for microseconds, name in re.findall(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\w+)", text):
        own[name] = own.get(name, 0.0) + float(microseconds)
    return float(text.split("took ")[1]), {name: time / sum(own.values()) for name, time in own.items()}


def main() -> None:
    rows = []
    for module, before, allowed in CASES[1::3] if QUICK else CASES:
        seconds, shares = min((import_times(module, before) for _ in range(REPEATS)), key=lambda found: found[0])
        dearest = sorted(shares.items(), key=lambda item: -item[1])[:3]
        words = ", ".join(f"{name} {share:.0%}" for name, share in dearest)
        rows.append({"module": module, "beyond": before, "CPU": seconds, "allowed": allowed, "of which": words})
    columns = {"module": "", "beyond": "", "CPU": "s", "allowed": "s", "of which": ""}
    note = f"CPU time beyond that of the package named beside it, the best of {REPEATS} fresh processes"
    record("CPU time of imports", rows, columns, plot={"kind": "bars", "x": "CPU", "y": "module"}, note=note)


if __name__ == "__main__":
    main()
