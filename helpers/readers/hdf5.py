"""HDF5 files of others: what they declare is weighed before it is read, and what lies in other files is not read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..memory import as_bytes, check_memory

_BEST_COMPRESSION = 1100  # deflate packs at most 1032 bytes into one
_SMALL = 2**20  # what costs nothing to read, however little of it is stored [bytes]
_MAGIC = b"\x89HDF\r\n\x1a\n"
OUTSIDE = "AET_OUTSIDE_FILES"
"""Environment variable that lets a description or an HDF5 file read files elsewhere."""


def may_read_outside() -> bool:
    """Whether the user asked that files outside a description's folder, or outside an HDF5 file, are read."""
    return os.environ.get(OUTSIDE, "") not in ("", "0")


def is_hdf5(path: Path) -> bool:
    """Tell an HDF5 file, with a MATLAB header before it or without, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(520)
    return head[:8] == _MAGIC or head[512:520] == _MAGIC or b"MATLAB 7.3" in head[:128]


@contextmanager
def open_foreign(path: str | Path) -> Iterator[Any]:
    """Open an HDF5 file that somebody else made; what the library says of a damaged one becomes one sentence."""
    import h5py

    path = Path(path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, KeyError, TypeError, AttributeError, UnicodeError) as error:
        msg = f"{path.name} is truncated or no HDF5 file ({_short(error)}); fetch or write it again"
        raise ValueError(msg) from error


def find_datasets(file: Any, path: Path) -> dict[str, Any]:
    """Return every numeric dataset of an open file by its name, groups included.

    Raises
    ------
    ValueError
        If data lie in other files and nobody asked for them.
    """
    import h5py

    found: dict[str, Any] = {}
    todo: list[tuple[str, Any]] = [("", file)]
    seen = {h5py.h5o.get_info(file.id).addr}
    while todo:
        above, group = todo.pop()
        for name in group:
            link, full = group.get(name, getlink=True), f"{above}/{name}".lstrip("/")
            if isinstance(link, h5py.ExternalLink):
                _refuse_outside(path, full, link.filename)
                continue
            if isinstance(link, h5py.SoftLink):
                continue  # what it points to is met under its own name
            item = group[name]
            place = h5py.h5o.get_info(item.id).addr
            if place in seen:
                continue  # one thing under two names, or a group within itself
            seen.add(place)
            if isinstance(item, h5py.Group):
                todo.append((full, item))
            elif isinstance(item, h5py.Dataset) and item.dtype.kind in "biufc":
                found[full] = item
    return dict(sorted(found.items()))


def check_dataset(dataset: Any, path: Path) -> None:
    """Refuse a dataset that lies elsewhere, is larger than memory, or declares what it does not hold.

    Raises
    ------
    ValueError
        If its values lie in another file, or it declares far more than is stored.
    MemoryError
        If it does not fit into the memory that is free.
    """
    name = dataset.name.lstrip("/")
    outside = [entry[0] for entry in dataset.external or ()]
    if dataset.is_virtual:
        outside += [source.file_name for source in dataset.virtual_sources() if source.file_name != "."]
    for other in outside:
        _refuse_outside(path, name, other)
    size = int(np.prod(dataset.shape, dtype=object)) * dataset.dtype.itemsize
    stored = dataset.id.get_storage_size()
    if size > _SMALL and not outside and not dataset.is_virtual and size > _BEST_COMPRESSION * stored:
        msg = (
            f"{name} of {path.name} declares {_shape(dataset.shape)} values ({as_bytes(size)}) but the file stores "
            f"{as_bytes(stored)} of them; it is damaged or was never filled"
        )
        raise ValueError(msg)
    check_memory(size, what=f"{name} of {path.name} ({_shape(dataset.shape)} values)", instead="cut or bin it first")


def read_datasets(datasets: Mapping[str, Any], path: Path) -> dict[str, NDArray[Any]]:
    """Return the values of datasets that were checked, in the file's order of axes."""
    for dataset in datasets.values():
        check_dataset(dataset, path)
    return {name: dataset[()] for name, dataset in datasets.items()}


def _refuse_outside(path: Path, name: str, other: str) -> None:
    if not may_read_outside():
        msg = (
            f"{name} of {path.name} lies in another file ({other}); copy it into one file, or set {OUTSIDE}=1 "
            "if you trust where both came from"
        )
        raise ValueError(msg)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{n:,}" for n in shape)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
