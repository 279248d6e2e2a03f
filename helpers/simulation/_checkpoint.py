"""What a quench keeps on its way, so that it can go on where it stopped."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import store
from ..digits import counted
from .lammps import Lammps

if TYPE_CHECKING:
    from ase import Atoms

_ANEW = "start anew in an empty folder"


class Checkpoint:
    """Snapshots and the restart file of a run, on disk if a folder is given, else in memory."""

    def __init__(self, folder: str | Path | None, origin: dict[str, Any]) -> None:
        self._memory: list[Atoms] = []
        self._folder = Path(folder).resolve() if folder is not None else None
        if self._folder is not None:
            recipe, found = self._folder / "recipe.json", self._files()
            if found and not recipe.is_file():
                msg = f"{self._folder} has snapshots but no {recipe.name} that says of what; start in an empty folder"
                raise ValueError(msg)
            if [file.stem for file in found] != [f"{number:02d}" for number in range(len(found))]:
                msg = f"{self._folder} has {', '.join(f.name for f in found)}, so one is missing; {_ANEW}"
                raise ValueError(msg)
            store.claim(recipe, origin)

    def __len__(self) -> int:
        return len(self._memory) if self._folder is None else len(self._files())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out of the folder while the block runs."""
        if self._folder is None:
            yield
            return
        with store.holding(self._folder / ".lock", f"the quench in {self._folder}"):
            yield

    @property
    def advice(self) -> str:
        """How to go on after an interruption."""
        if self._folder is None:
            return "nothing was kept: name a folder= to be able to go on"
        return f"call it again with the same arguments to go on from the last of {counted(len(self), 'snapshot')}"

    @property
    def restart(self) -> Path:
        """What LAMMPS goes on from."""
        assert self._folder is not None
        last = self._files()[-1]
        path = last.with_suffix(".restart")
        if not path.is_file():
            msg = f"{self._folder} has snapshots but no {path.name}; {_ANEW}"
            raise ValueError(msg)
        if _hash(path) != _load(last)["restart"]:
            msg = f"{path} is damaged: its content is not what was stored; {_ANEW}"
            raise store.DamagedFile(msg)
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
        restart, before = self._folder / f"{number:02d}.restart", self._folder / f"{number - 1:02d}.restart"
        lammps.commands(f'write_restart "{restart}"')
        with store.replacing(restart.with_suffix(".npz")) as part:
            np.savez(
                part, symbols=snapshot.get_chemical_formula(), positions=snapshot.positions,
                cell=snapshot.cell.lengths(), info=json.dumps(snapshot.info), restart=_hash(restart),
            )  # fmt: skip
        before.unlink(missing_ok=True)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _load(file: Path) -> dict[str, Any]:
    """Read all that is kept of a snapshot; the format notices a changed byte by itself."""
    try:
        with file.open("rb") as content, np.load(content) as data:  # numpy leaves a damaged one open
            return {name: data[name] for name in ("symbols", "positions", "cell", "info", "restart")}
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        msg = f"{file} is damaged ({error}); {_ANEW}"
        raise store.DamagedFile(msg) from error


def _read(file: Path) -> Atoms:
    """Read a snapshot back."""
    from ase import Atoms

    data = _load(file)
    atoms = Atoms(str(data["symbols"]), data["positions"], cell=data["cell"], pbc=True)
    atoms.info.update(json.loads(str(data["info"])))
    return atoms
