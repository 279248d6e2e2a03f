"""What a quench keeps on its way, so that it can go on where it stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import store
from .lammps import Lammps

if TYPE_CHECKING:
    from ase import Atoms


class Checkpoint:
    """Snapshots and the restart file of a run, on disk if a folder is given, else in memory."""

    def __init__(self, folder: str | Path | None, origin: dict[str, Any]) -> None:
        self._memory: list[Atoms] = []
        self._folder = Path(folder).resolve() if folder is not None else None
        if self._folder is not None:
            store.claim(self._folder / "recipe.json", origin)

    def __len__(self) -> int:
        return len(self._memory) if self._folder is None else len(self._files())

    @property
    def advice(self) -> str:
        """How to go on after an interruption."""
        if self._folder is None:
            return "nothing was kept: name a folder= to be able to go on"
        return f"call it again with the same arguments to go on from the last of {len(self)} snapshots"

    @property
    def restart(self) -> Path:
        """What LAMMPS goes on from."""
        assert self._folder is not None
        path = self._folder / f"{len(self) - 1:02d}.restart"
        if not path.is_file():
            msg = f"{self._folder} has snapshots but no {path.name}; start anew in an empty folder"
            raise ValueError(msg)
        return path

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[0-9][0-9].npz")) if self._folder else []

    def snapshots(self) -> list[Atoms]:
        """Return all snapshots, from hot to cold."""
        return list(self._memory) if self._folder is None else [_read(file) for file in self._files()]

    def add(self, lammps: Lammps, snapshot: Atoms) -> None:
        """Keep a snapshot; on disk it counts once it is whole."""
        if self._folder is None:
            self._memory.append(snapshot)
            return
        number = len(self)
        lammps.commands(f'write_restart "{self._folder / f"{number:02d}.restart"}"')
        with store.replacing(self._folder / f"{number:02d}.npz") as part:
            np.savez(
                part, symbols=snapshot.get_chemical_formula(), positions=snapshot.positions,
                cell=snapshot.cell.lengths(), info=json.dumps(snapshot.info),
            )  # fmt: skip
        if number:
            (self._folder / f"{number - 1:02d}.restart").unlink(missing_ok=True)


def _read(file: Path) -> Atoms:
    """Read a snapshot back."""
    from ase import Atoms

    try:
        with np.load(file) as data:
            atoms = Atoms(str(data["symbols"]), data["positions"], cell=data["cell"], pbc=True)
            atoms.info.update(json.loads(str(data["info"])))
    except (OSError, ValueError, KeyError) as error:
        msg = f"{file} cannot be read ({error}); start anew in an empty folder"
        raise ValueError(msg) from error
    return atoms
