"""Files with a note and a seal: text, and HDF5 that is made in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .. import data
from .._files import write
from .._seals import BLANK, DamagedFile, is_sealed, seal

_SEAL = "sha256"


def noted(note: Mapping[str, Any]) -> dict[str, Any]:
    """Return a note with a place for the seal."""
    return {**note, _SEAL: BLANK}


def as_json(content: Any, indent: int | None = None) -> str:
    """Write JSON with sorted keys, NumPy values and paths included."""
    return json.dumps(content, indent=indent, sort_keys=True, default=_plain)


def read_note(text: str | bytes) -> dict[str, Any]:
    """Read a note, without its seal."""
    note = json.loads(text)
    return {key: value for key, value in note.items() if key != _SEAL} if isinstance(note, dict) else {}


def write_sealed(path: str | Path, content: bytes) -> None:
    """Seal the bytes of a file, in the place that `noted` made, and write them."""
    memory = io.BytesIO(content)
    seal(memory)
    write(path, memory.getbuffer())


def verify(path: str | Path) -> None:
    """Refuse a stored file that is not whole, or of which nothing can tell whether it is.

    A file is believed if its seal fits, or if ``data/embedded.csv`` registers its hash.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DamagedFile
        If its content is not what was stored, or it has neither seal nor registered hash; the message names it.
    """
    path = Path(path)
    if not path.is_file():
        msg = f"no file {path}; run the notebook that makes it"
        raise FileNotFoundError(msg)
    if is_sealed(path):
        return
    fits = data.is_embedded(path)
    if not fits:
        why = "has no seal, so nothing can tell whether it is whole" if fits is None else "is not the file of that name"
        msg = f"{path} {why}; remove it and make or fetch it again"
        raise DamagedFile(msg)


@contextmanager
def new_hdf5(path: str | Path, note: Mapping[str, Any]) -> Iterator[Any]:
    """Open an HDF5 file to write, with a note of where it comes from; it appears, sealed, once the block has succeeded.

    It is made in memory, for HDF5 on a full disk can end the process, and takes its size there.

    Raises
    ------
    NoSpace
        If it does not fit on the disk.
    """
    import h5py

    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        file.attrs["provenance"] = as_json(noted(note))
        yield file
    seal(memory)
    write(path, memory.getbuffer())


@contextmanager
def open_hdf5(path: str | Path) -> Iterator[Any]:
    """Open an HDF5 result to read.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DamagedFile
        If it is not what was stored.
    """
    import h5py

    path = Path(path)
    verify(path)
    try:
        file = h5py.File(path)
    except OSError as error:
        msg = f"{path.name} is truncated or no HDF5 file ({error}); make or fetch it again"
        raise DamagedFile(msg) from error
    with file:
        yield file


def expect(file: Any, path: str | Path, *names: str) -> None:
    """Refuse an HDF5 file that lacks one of the data sets."""
    missing = [n for n in names if n not in file]
    if missing:
        msg = f"{Path(path).name} holds {', '.join(file)}; expected {', '.join(missing)} too"
        raise ValueError(msg)


def _plain(value: Any) -> Any:
    """JSON form of NumPy values and paths."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return value.name
    msg = f"{type(value).__name__} cannot be stored as JSON"
    raise TypeError(msg)
