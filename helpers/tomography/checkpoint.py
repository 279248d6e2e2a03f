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
    """Two successive volumes (z, x, y), the momentum between them, and R so far."""

    current: NDArray[np.float32]
    previous: NDArray[np.float32]
    momentum: float = 0.0
    clock: float = 1.0
    r_factor: list[float] = field(default_factory=list)

    @classmethod
    def begin(cls, shape: tuple[int, int, int], start: NDArray[np.float32] | None) -> State:
        """Begin from `start`, or from nothing."""
        nx, ny, nz = shape
        current = np.zeros((nz, nx, ny), np.float32) if start is None else np.array(start, np.float32)
        return cls(current, current.copy())

    def advance_momentum(self, *, restart: bool) -> None:
        """Nesterov's sequence: t ← (1 + √(1 + 4t²)) / 2, β = (t_before − 1) / t."""
        if restart:
            self.clock, self.momentum = 1.0, 0.0
            return
        after = (1.0 + np.sqrt(1.0 + 4.0 * self.clock**2)) / 2.0
        self.momentum, self.clock = (self.clock - 1.0) / after, after


def fingerprint(*parts: Any) -> str:
    """Hash of everything that decides the course of a run."""
    digest = hashlib.sha256()
    for part in parts:
        array = np.ascontiguousarray(getattr(part, "array", part)) if hasattr(part, "shape") or hasattr(part, "array") else None
        digest.update(array.tobytes() if array is not None else repr(part).encode())
    return digest.hexdigest()


def save_state(path: str | Path, state: State, key: str) -> None:
    """Write the state; a crash while writing leaves the one before."""
    with replacing(path) as part, h5py.File(part, "w") as file:
        file.create_dataset("current", data=state.current)
        file.create_dataset("previous", data=state.previous)
        file.create_dataset("r_factor", data=np.array(state.r_factor))
        file.attrs.update(fingerprint=key, momentum=state.momentum, clock=state.clock, axes="z x y")


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
            return State(
                file["current"][()],
                file["previous"][()],
                float(file.attrs["momentum"]),
                float(file.attrs["clock"]),
                file["r_factor"][()].tolist(),
            )
    except (OSError, KeyError) as error:
        raise ValueError(f"checkpoint {path.name} cannot be read ({error}); remove it to start anew") from error
