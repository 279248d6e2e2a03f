"""The state of a reconstruction, kept on disk so that a long run can go on where it stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import check_count
from ..digits import counted
from ..store import check_origin, expect, new_hdf5, open_hdf5, provenance


@dataclass(eq=False)
class State:
    """Where a reconstruction stands: volumes (z, x, y), the clock of the momentum, and R so far.

    Attributes
    ----------
    x : array
        The volume.
    w, z : array
        The last gradient step and the last point before positivity; empty without acceleration.
    clock, reach : float
        θ and L γ of the optimised gradient method.
    r_factor : list of float
        R before each update.
    error : float
        Squared residual before the last update, which tells whether the momentum starts anew at the next.
    """

    x: NDArray[np.float32]
    w: NDArray[np.float32]
    z: NDArray[np.float32]
    clock: float = 1.0
    reach: float = 1.0
    r_factor: list[float] = field(default_factory=list)
    error: float = np.inf

    @classmethod
    def begin(cls, shape: tuple[int, int, int], start: NDArray[np.float32] | None, accelerate: bool) -> State:
        """Begin from `start`, or from nothing."""
        nx, ny, nz = shape
        x = np.zeros((nz, nx, ny), np.float32) if start is None else np.array(start, np.float32)
        empty = np.empty((0, 0, 0), np.float32)
        return cls(x, np.zeros_like(x) if accelerate else empty, np.zeros_like(x) if accelerate else empty)

    def momentum(self) -> tuple[float, float, float]:
        """Advance the clock; return the weights a, b, c of the next step."""
        if self.w.size == 0:
            return 0.0, 0.0, 0.0
        before, reach = self.clock, self.reach
        self.clock = (1.0 + np.sqrt(1.0 + 4.0 * before**2)) / 2.0
        self.reach = (2.0 * before + self.clock - 1.0) / self.clock
        return (before - 1.0) / self.clock, before / self.clock, (before - 1.0) / (reach * self.clock)

    def restart(self) -> None:
        """Forget the momentum."""
        self.clock = self.reach = 1.0


class Checkpoint:
    """The file where a run keeps its state, or nothing if no path is given.

    Parameters
    ----------
    path : path or None
        HDF5 file.
    every : int
        Iterations between two states that are kept.
    **parameters
        Everything that decides the course of the run.
    """

    def __init__(self, path: str | Path | None, every: int, **parameters: Any) -> None:
        self._path = None if path is None else Path(path)
        self._every = check_count("checkpoint_every", every)
        self._origin = {} if path is None else provenance(parameters)

    def load(self, ends: Callable[[list[float]], bool]) -> State | None:
        """Read the state of the same run, or None if there is none yet.

        Parameters
        ----------
        ends : callable
            Whether the present run ends where R has been that, the last one included.

        Raises
        ------
        ValueError
            If the file is damaged, belongs to other data or parameters, or is beyond the end of the present run.
        """
        if self._path is None or not self._path.exists():
            return None
        check_origin(self._path, self._origin)
        with open_hdf5(self._path) as file:
            expect(file, self._path, "x", "w", "z", "r_factor")
            x, w, z = (file[name][()] for name in ("x", "w", "z"))
            clock, reach, error = (float(file.attrs[name]) for name in ("clock", "reach", "error"))
            state = State(x, w, z, clock, reach, file["r_factor"][()].tolist(), error)
        done = len(state.r_factor)
        last = next((n for n in range(done) if ends(state.r_factor[: n + 1])), done)
        if last < done:
            msg = (
                f"{self._path.name} holds {counted(done, 'iteration')}, but this run ends after {last}; ask "
                f"for {done} or more "
                "and the same tolerance, or name another place"
            )
            raise ValueError(msg)
        return state

    def save(self, state: State, *, due: bool = True) -> None:
        """Write the state, with ``due=False`` only when its turn has come; a crash leaves the one before."""
        if self._path is None or not (due or len(state.r_factor) % self._every == 0):
            return
        with new_hdf5(self._path, self._origin) as file:
            for name in ("x", "w", "z", "r_factor"):
                file.create_dataset(name, data=np.asarray(getattr(state, name)))
            file.attrs.update(clock=state.clock, reach=state.reach, error=state.error, axes="z x y")
