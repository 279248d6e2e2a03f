"""What the first call costs: processor time of compiling every kernel of a stage, on an empty cache.

``python benchmarks/bench_cold.py structure imaging`` for some stages. Every stage is warmed in a fresh process; numba
says when the compilation of a kernel begins and ends, and what a kernel calls is counted for itself. What numba
compiles of its own (sorting, filling, messages of errors) is summed by module. The last column counts sets of
argument types.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from numba.core import event
from timing import QUICK, record

from helpers.warm import STAGES

#: Seconds of processor time that a stage may take, imports included.
ALLOWED = {"structure": 25.0, "tomography": 15.0, "atoms": 15.0, "imaging": 15.0, "simulation": 15.0}
_SHOWN = 30  # kernels, the dearest of all stages; all of them where stages are named


class Compilations(event.Listener):
    """Processor time [s] and argument types of every compilation, without the kernels compiled on the way."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.signatures: dict[str, list[str]] = {}
        self._inner: list[list[float]] = []

    def on_start(self, event: Any) -> None:
        """Note when the compilation of a kernel begins."""
        self._inner.append([time.process_time(), 0.0])

    def on_end(self, event: Any) -> None:
        """Add what the compilation took to the kernel's account."""
        began, inner = self._inner.pop()
        took = time.process_time() - began
        if self._inner:
            self._inner[-1][1] += took
        function = event.data["dispatcher"].py_func
        name = f"{function.__module__}.{function.__qualname__}"
        self.seconds[name] = self.seconds.get(name, 0.0) + took - inner
        self.signatures.setdefault(name, []).append(str(event.data["args"]))


def measure(stage: str) -> dict[str, Any]:
    """Warm a stage in this process: seconds in all, of imports and of every kernel, and the signatures."""
    listener = Compilations()
    event.register("numba:compile", listener)
    warm = importlib.import_module(f"helpers.{stage}._warm").warm
    imports = time.process_time()
    warm()
    return {
        "total": time.process_time(), "imports": imports,
        "seconds": listener.seconds, "signatures": listener.signatures,
    }  # fmt: skip


def fresh(stage: str) -> dict[str, Any]:
    """Measure a stage in a new process with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        command = [sys.executable, __file__, "--measure", stage]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def parts(stage: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Share out what a stage took: imports, its own kernels, what numba compiles of its own, and the rest."""
    ours = sum(took for name, took in found["seconds"].items() if name.startswith("helpers."))
    compiled = sum(found["seconds"].values())
    shares = {
        "imports": found["imports"], "our kernels": ours, "within numba": compiled - ours,
        "calls, loading, storing": found["total"] - found["imports"] - compiled,
    }  # fmt: skip
    return [{"stage": stage, "part": part, "CPU": took} for part, took in shares.items()]


def kernels(stage: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row a kernel, or a module of numba's own, with its sets of argument types."""
    rows: dict[str, dict[str, Any]] = {}
    for name, took in found["seconds"].items():
        ours = name.startswith("helpers.")
        short = name.removeprefix("helpers.") if ours else "numba: " + name.split(".<")[0].rpartition(".")[0]
        row = rows.setdefault(short, {"stage": stage, "kernel": short, "CPU": 0.0, "types": 0})
        row["CPU"] += took
        row["types"] += len(found["signatures"][name])
    return list(rows.values())


def main(arguments: list[str]) -> None:
    """Print tables for every stage, or measure one in this process and print what was found."""
    if arguments[:1] == ["--measure"]:
        print(json.dumps(measure(arguments[1])))
        return
    of_stages, of_kernels = [], []
    for stage in arguments or (["imaging"] if QUICK else STAGES):
        found = fresh(stage)
        print(f"{stage}: {found['total']:.1f} s of CPU, allowed {ALLOWED[stage]:.0f} s", flush=True)
        of_stages += parts(stage, found)
        of_kernels += kernels(stage, found)
    of_kernels.sort(key=lambda row: -row["CPU"])
    note = "CPU time of a fresh process that calls every function of a stage once, with an empty cache of kernels"
    columns = {"stage": "", "part": "", "CPU": "s"}
    record("The first start of a stage", of_stages, columns, note=note,
           plot={"kind": "bars", "x": "CPU", "y": "stage", "series": "part"})  # fmt: skip
    shown = of_kernels if arguments else of_kernels[:_SHOWN]
    note = f"The {len(shown)} dearest of {len(of_kernels)}; a kernel that calls others is counted for itself"
    columns = {"kernel": "", "stage": "", "CPU": "s", "types": ""}
    record("Compiling kernels", shown, columns, note=note,
           plot={"kind": "bars", "x": "CPU", "y": "kernel", "series": "stage"})  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
