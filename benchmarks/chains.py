"""Time the steps of a chain, so that a short one is measured as surely as a long one."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from workers import _cpu, _peak, _reset_peak

#: Seconds that a turn lasts at least: the chain is repeated in it, and what it takes is the mean. The system tells its
#: own time from the program's by a look every 4 ms; of one call of a few milliseconds that says nothing.
LEAST = 1.0


def measure_chain(
    prepare: Callable[[int], Callable[[], Iterator[str]]], size: int, repeats: int
) -> dict[str, dict[str, Any]]:
    """Seconds, CPU seconds, those of them that the system did not take, and memory of each step, in this process.

    Memory is that of a first call, which also finds it. Where there are several turns, they are timed after it.
    """
    chain = prepare(size)
    before = _reset_peak()
    found: dict[str, dict[str, Any]] = {}
    first: dict[str, NDArray[np.float64]] = {}
    for step, spent in _steps(chain):
        first[step] = spent
        found[step] = {"seconds": [], "cpu": [], "user": [], "memory": max(0, _peak() - before)}
    times = max(1, round(LEAST / max(sum(spent[0] for spent in first.values()), LEAST / 1000)))
    for _ in range(repeats):
        sums = dict.fromkeys(first, np.zeros(3))
        for _ in range(times if repeats > 1 else 0):
            for step, spent in _steps(chain):
                sums[step] = sums[step] + spent / times
        for step, row in found.items():
            for key, value in zip(("seconds", "cpu", "user"), sums[step] if repeats > 1 else first[step], strict=True):
                row[key].append(float(f"{value:.5g}"))
    return found


def _steps(chain: Callable[[], Iterator[str]]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Go through a chain: the name of each step, and seconds, CPU seconds and the program's own of them."""
    start = _clocks()
    for step in chain():
        yield step, _clocks() - start
        start = _clocks()


def _clocks() -> NDArray[np.float64]:
    return np.array([time.perf_counter(), _cpu(), _user()])


def _user() -> float:
    """CPU time of this process and its threads without what the system took, most of it to find memory [s]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime
