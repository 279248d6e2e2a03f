"""The state of a reconstruction, kept on disk so that a long run can go on where it stopped."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..store import replacing


@dataclass
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
    """

    x: NDArray[np.float32]
    w: NDArray[np.float32]
    z: NDArray[np.float32]
    clock: float = 1.0
    reach: float = 1.0
    r_factor: list[float] = field(default_factory=list)

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


def fingerprint(*parts: Any) -> str:
    """Hash of everything that decides the course of a run."""
    digest = hashlib.sha256()
    for part in parts:
        content = getattr(part, "array", part)
        digest.update(np.ascontiguousarray(content).tobytes() if hasattr(content, "tobytes") else repr(part).encode())
    return digest.hexdigest()


def save_state(path: str | Path, state: State, key: str) -> None:
    """Write the state; a crash while writing leaves the one before."""
    with replacing(path) as part, h5py.File(part, "w") as file:
        for name in ("x", "w", "z", "r_factor"):
            file.create_dataset(name, data=np.asarray(getattr(state, name)))
        file.attrs.update(fingerprint=key, clock=state.clock, reach=state.reach, axes="z x y")


def load_state(path: str | Path, key: str) -> State | None:
    """Read the state of the same run, or None if there is none yet.

    Raises
    ------
    ValueError
        If the file is damaged or belongs to other data or parameters.
    """
    path = Path(path)
    if not path.exists():
        return None
    try:
        with h5py.File(path) as file:
            if file.attrs["fingerprint"] != key:
                raise ValueError(f"checkpoint {path.name} is of other data or parameters; remove it or name another")
            x, w, z = (file[name][()] for name in ("x", "w", "z"))
            return State(x, w, z, file.attrs["clock"], file.attrs["reach"], file["r_factor"][()].tolist())
    except (OSError, KeyError) as error:
        raise ValueError(f"checkpoint {path.name} cannot be read ({error}); remove it to start anew") from error
