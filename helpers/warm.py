"""Compile the kernels once, so that the first cell of a notebook starts at once: ``python -m helpers.warm``.

Each stage has a module ``_warm`` whose function of that name calls what is public there on a tiny input, with the types
that the notebooks use. Kernels are found by themselves: one that no call has reached is named, and the run fails.
"""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import helpers

from .digits import counted

#: Stages with kernels, the longest to compile first.
STAGES = ("structure", "atoms", "tomography", "imaging", "simulation")
_WITHOUT = ("book", "warm")  # parts of the package without kernels
_PROCESSES = 2  # Binder grants one or two cores


def kernels() -> dict[str, Any]:
    """Find every compiled function of the package by its full name; ``helpers.book`` has none."""
    from numba.core.dispatcher import Dispatcher

    found = {}
    for module in pkgutil.walk_packages(helpers.__path__, "helpers."):
        if module.name.split(".")[1] in _WITHOUT or module.name.endswith("_process"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Dispatcher) and value.py_func.__module__ == module.name:
                found[f"{module.name}.{name}"] = value
    return found


def compiled() -> set[str]:
    """Return the names of the kernels that were compiled, in this process or, as the cache on disk knows, before.

    What a compiled kernel calls was compiled with it, and is not even loaded when that one comes from the cache.
    """
    known = kernels()
    names = {kernel: name for name, kernel in known.items()}
    ready = [kernel for kernel in known.values() if kernel.signatures or _is_cached(kernel)]
    found: set[Any] = set()
    while ready:
        kernel = ready.pop()
        if kernel not in found:
            found.add(kernel)
            function = kernel.py_func
            called = (function.__globals__.get(name) for name in function.__code__.co_names)
            ready += [other for other in called if any(other is one for one in names)]
    return {names[kernel] for kernel in found}


def _is_cached(kernel: Any) -> bool:
    cache = getattr(kernel._cache, "_cache_file", None)  # none without cache=True
    return cache is not None and bool(cache._load_index())


def warm_stage(stage: str) -> set[str]:
    """Call everything of one stage; return the kernels that are compiled then."""
    importlib.import_module(f"helpers.{stage}._warm").warm()
    return compiled()


def warm(stages: Sequence[str] = STAGES) -> set[str]:
    """Warm several stages, two at a time, each in a process of its own; return the kernels that are compiled then.

    Raises
    ------
    RuntimeError
        If a stage fails; the message ends with its last words.
    """
    waiting, reached = list(stages), set[str]()
    running: dict[str, subprocess.Popen[str]] = {}
    while waiting or running:
        while waiting and len(running) < _PROCESSES:
            stage = waiting.pop(0)
            command = [sys.executable, "-m", f"{__package__}.warm", "--stage", stage]
            running[stage] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for stage, process in list(running.items()):
            try:
                output, complaint = process.communicate(timeout=0.2)
            except subprocess.TimeoutExpired:
                continue
            del running[stage]
            if process.returncode != 0:
                for other in running.values():
                    other.kill()
                last = (complaint.strip() or output.strip() or "no message").splitlines()[-1]
                msg = f"warming {stage} failed: {last}"
                raise RuntimeError(msg)
            reached |= set(json.loads(output.splitlines()[-1]))
    return reached


def main(arguments: Sequence[str] | None = None) -> int:
    """Warm everything; return 1, and name them, if kernels are left that nothing has compiled."""
    parser = argparse.ArgumentParser(description="Compile the kernels of every stage once.")
    parser.add_argument("--stage", choices=STAGES, help="only this one, in this process")
    stage = parser.parse_args(arguments).stage
    if stage:
        print(json.dumps(sorted(warm_stage(stage))))
        return 0
    began = time.perf_counter()
    try:
        left = sorted(set(kernels()) - warm())
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    if left:
        print(f"nothing has compiled {', '.join(left)}; call it in the _warm of its stage", file=sys.stderr)
        return 1
    print(f"{counted(len(kernels()), 'kernel')} compiled in {time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
