"""Programs in processes of their own, called in turns, and what a call takes."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import math
import multiprocessing
import os
import platform
import resource
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

#: Packages of other programs, by the first word of a program's name.
PEERS = {
    "ASTRA": "astra-toolbox",
    "BM3D": "bm3d",
    "bm3d": "bm3d",
    "OVITO": "ovito",
    "Python": "python",
    "dynasor": "dynasor",
    "freud": "freud-analysis",
    "mdapy": "mdapy",
    "numpy": "numpy",
    "pyscal3": "pyscal3",
    "scikit-image": "scikit-image",
    "skimage": "scikit-image",
    "scipy": "scipy",
    "tomopy": "tomopy",
    "trackpy": "trackpy",
}
# Closures reach a forked process as they are, and it need not import anything again.
_FORK = multiprocessing.get_context("fork")
#: Seconds that loading, making the data and compiling may take.
PREPARING = 240.0
_LOOK = 0.1  # seconds between two looks at the memory of a program


@dataclass(frozen=True)
class Case:
    """One program at one task."""

    task: str
    program: str
    prepare: Callable[[], Callable[[], object]]
    error: Callable[[Any], float] | None = None
    size: int | None = None
    repeats: int | None = None
    left_out: str = ""  # why it is named in the table and not run
    longest: float | None = None  # seconds that a call may take, where a minute is not enough
    span: float = 0.0  # seconds that a turn lasts at least: as many calls as it takes, of which the mean is noted


def peer_of(program: str) -> str | None:
    """Name the package of a program; None for one of ours.

    Examples
    --------
    >>> peer_of("ASTRA linear, 2 x"), peer_of("ours")
    ('astra-toolbox', None)
    """
    return PEERS.get(program.replace(",", " ").split()[0])


def version_of(package: str) -> str | None:
    """Return the version of a package; None where it is not installed."""
    if package == "python":
        return platform.python_version()
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


class Worker:
    """A case in a process of its own that is called when its turn comes, and ended where it asks for too much.

    `longest` is what one call may take [s], `memory` how large its process may be [bytes]. Another program that goes
    beyond is missing with the reason; one of ours has failed.
    """

    def __init__(self, case: Case, longest: float, memory: float = math.inf) -> None:
        _expect_no_threads()
        peer = peer_of(case.program)
        self._result: dict[str, Any] = {"peer": peer, "version": version_of(peer) if peer else None}
        self._found: list[dict[str, float]] = []
        self._longest, self._memory = longest, memory
        self._pipe, there = _FORK.Pipe()
        self._process = _FORK.Process(target=_serve, args=(case, there))
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        self._process.start()
        there.close()
        self._first: dict[str, float] | None = None
        self.taken = 0.0

    @property
    def works(self) -> bool:
        """Whether nothing has gone wrong so far."""
        return "missing" not in self._result

    def first(self) -> None:
        """Wait until it is prepared and was called for its memory."""
        if self._answer(PREPARING, " to prepare") is None:
            return
        answer = self._answer(self._longest)
        if answer is not None:
            self._first = answer.pop("call")
            self._result |= answer

    def turn(self) -> None:
        """Let it run once more."""
        if not self.works:
            return
        self._pipe.send("again")
        answer = self._answer(self._longest)
        if answer is not None:
            self._found.append(answer["call"])
            self.taken += answer["call"]["seconds"]

    def finish(self) -> dict[str, Any]:
        """End the process; return what was found, the first call only where there was no other."""
        self._process.kill()
        self._process.join()
        self._pipe.close()
        if self.works:
            calls = self._found or [self._first or {}]
            self._result |= {key: [call[key] for call in calls if call] for key in ("seconds", "cpu")}
        return self._result

    def _answer(self, patience: float, what: str = "") -> dict[str, Any] | None:
        end = time.monotonic() + patience
        too_much = {"failed": self._result["peer"] is None}
        answer: dict[str, Any]
        try:
            while not self._pipe.poll(min(_LOOK, max(end - time.monotonic(), 0))):
                if resident(self._process.pid) > self._memory:
                    answer = {"missing": f"more than {self._memory / 1e9:.2g} GB of memory", **too_much}
                    break
                if time.monotonic() >= end:
                    answer = {"missing": f"longer than {patience:g} s{what}", **too_much}
                    break
            else:
                answer = self._pipe.recv()
        except EOFError:
            self._process.join()
            answer = {"missing": f"failed: the process ended with code {self._process.exitcode}", "failed": True}
        if "missing" in answer:
            self._process.kill()  # now, for the others want the processor
            self._result |= answer
            return None
        return answer


def resident(pid: int | None) -> int:
    """Return the resident size of a process [bytes]; nothing where the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def spare_memory() -> float:
    """Return three quarters of the memory that is free [bytes]; no limit where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return math.inf
    free = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), "inf")
    return 0.75 * 1024 * float(free)


def apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own and return what it returns.

    For what a bench file computes beside its cases, before the last `compare`: that starts processes by forking, which
    numba's threads do not survive.

    Raises
    ------
    RuntimeError
        If the function fails; the message is its traceback.
    """
    _expect_no_threads()
    here, there = _FORK.Pipe(duplex=False)

    def call() -> None:
        try:
            there.send((True, function(*arguments)))
        except BaseException:
            there.send((False, traceback.format_exc()))

    process = _FORK.Process(target=call)
    process.start()
    there.close()
    try:
        fine, value = here.recv()
    except EOFError:
        process.join()
        fine, value = False, f"the process ended with code {process.exitcode}"
    process.join()
    if not fine:
        raise RuntimeError(value)
    return value


def _expect_no_threads() -> None:
    parallel = sys.modules.get("numba.np.ufunc.parallel")
    if parallel is not None and parallel._is_initialized:
        msg = "numba has threads in this process, which forked ones would not survive; compute with apart(…) before"
        raise RuntimeError(msg)


def _serve(case: Case, pipe: Any) -> None:
    """Prepare a case, call it for its memory, then, for every message, once or as often as its turn lasts."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what programs print would tear the table
        function = case.prepare()
        pipe.send({})
        before = _reset_peak()
        call, result = _call(function)
        answer: dict[str, Any] = {"memory": max(0, _peak() - before), "call": call}
        if case.error is not None:
            error = float(case.error(result))
            answer["error"] = error if math.isfinite(error) else None
        del result
        pipe.send(answer)
        while pipe.recv():
            pipe.send({"call": _call(function, case.span)[0]})
    except ImportError as error:
        pipe.send({"missing": f"not installed ({error.name or error})"})
    except EOFError:
        pass
    except Exception as error:
        traceback.print_exc()
        words = str(error).strip().splitlines() or [""]
        pipe.send({"missing": f"failed: {type(error).__name__}: {words[0]}", "failed": True})


def _call(function: Callable[[], object], span: float = 0.0) -> tuple[dict[str, float], object]:
    """Return what a call takes, or the mean of as many as fill the span [s], and the last result."""
    start, start_cpu, calls, taken = time.perf_counter(), _cpu(), 0, 0.0
    while not calls or taken < span:
        result = function()
        calls, taken = calls + 1, time.perf_counter() - start
    found = {"seconds": taken / calls, "cpu": (_cpu() - start_cpu) / calls}
    return {key: float(f"{value:.5g}") for key, value in found.items()}, result


def _cpu() -> float:
    """CPU time of this process with all its threads, and of processes it started that have ended [s]."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


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
