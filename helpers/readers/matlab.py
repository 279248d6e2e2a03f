"""MATLAB files, version 5 to 7.3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._mat5 import read_mat5
from .hdf5 import find_datasets, is_hdf5, open_foreign, read_datasets


def read_mat(path: str | Path, ndim: int, name: str | None = None) -> NDArray[Any]:
    """Read the one array of a given rank from a MATLAB file, version 5 to 7.3.

    Parameters
    ----------
    path : path
        The ``.mat`` file.
    ndim : int
        Rank that the array must have.
    name : str, optional
        Name of the variable; needed only where several arrays have that rank.

    Returns
    -------
    array
        With axes in MATLAB's order (HDF5 files store them reversed).

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, or holds no such array or several.
    MemoryError
        If what it holds does not fit into the memory that is free.
    """
    path = Path(path)
    arrays = read_variables(path)
    shapes = ", ".join(f"{key} {value.shape}" for key, value in arrays.items()) or "nothing"
    fitting = {k: v for k, v in arrays.items() if v.ndim == ndim and (name is None or k == name)}
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    wanted = f"an array of rank {ndim}" + (f" named {name!r}" if name else "")
    if not fitting:
        msg = f"{path.name} holds {shapes}; expected {wanted}"
        raise ValueError(msg)
    names = " or ".join(map(repr, fitting))
    msg = f"{path.name} holds {shapes}; choose one with array = {names} in your samples file, or name= in Python"
    raise ValueError(msg)


def read_variables(path: Path) -> dict[str, NDArray[Any]]:
    """Return every numeric array of a MATLAB file by its name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged.
    MemoryError
        If it holds more than fits into the memory that is free.
    """
    if not path.is_file():
        msg = f"no file {path}"
        raise FileNotFoundError(msg)
    if is_hdf5(path):
        with open_foreign(path) as file:
            top = {name: each for name, each in find_datasets(file, path).items() if "/" not in name}
            return {name: array.T for name, array in read_datasets(top, path).items()}
    return read_mat5(path)


def read_areas(path: str | Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Read where the areas of a film lie, as published: ``CropCen`` and ``CropHalf`` of a MATLAB file.

    Returns
    -------
    centres, halves : (A, 3) array
        Voxel of the film at the centre of each area, counted from 0 (the file counts from 1), and voxels from there
        to the last voxel of the area.

    Raises
    ------
    ValueError
        If the file is damaged or holds something else.
    """
    centres, halves = (read_mat(path, 2, name) for name in ("CropCen", "CropHalf"))
    if centres.shape != halves.shape or centres.shape[1] != 3:
        msg = f"{Path(path).name} holds centres {centres.shape} and halves {halves.shape}; expected (A, 3) both"
        raise ValueError(msg)
    return centres.astype(np.int64) - 1, halves.astype(np.int64)
