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

from helpers.warm import STAGES

#: Seconds of processor time that a stage may take, imports included.
ALLOWED = {"structure": 25.0, "tomography": 15.0, "atoms": 15.0, "imaging": 15.0, "simulation": 15.0}
_SHOWN = 0.15  # seconds: kernels that took less, for one set of types, are summed up in one line


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


def show(stage: str, found: dict[str, Any]) -> None:
    """Print one stage, its dearest kernels first."""
    seconds, signatures = found["seconds"], found["signatures"]
    compiled = sum(seconds.values())
    print(f"\n{stage}: {found['total']:.1f} s, allowed {ALLOWED[stage]:.0f} s")
    print(f"{'imports':56}{found['imports']:8.2f}")
    rows: dict[str, list[float]] = {}
    for name, took in seconds.items():
        ours = name.startswith("helpers.")
        short = name.removeprefix("helpers.") if ours else "within numba: " + name.split(".<")[0].rpartition(".")[0]
        small = took < _SHOWN and len(signatures[name]) == 1
        row = rows.setdefault(f"kernels of less than {_SHOWN:g} s" if ours and small else short, [0.0, 0])
        row[0] += took
        row[1] += len(signatures[name])
    for name, (took, types) in sorted(rows.items(), key=lambda item: -item[1][0]):
        print(f"{name:56}{took:8.2f}{types:6}")
    print(f"{'calls, loading and storing':56}{found['total'] - found['imports'] - compiled:8.2f}", flush=True)


def main(arguments: list[str]) -> None:
    """Print a table for every stage, or measure one in this process and print what was found."""
    if arguments[:1] == ["--measure"]:
        print(json.dumps(measure(arguments[1])))
        return
    print(f"Compilation on an empty cache: processor seconds\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"{'kernel':56}{'CPU s':>8}{'types':>6}")
    for stage in arguments or (["imaging"] if os.environ.get("QUICK") else STAGES):
        show(stage, fresh(stage))


if __name__ == "__main__":
    main(sys.argv[1:])
