"""Stacks of images in the formats of microscopes and of programs, as float32 with their pixel size if they state it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..digits import counted
from ..memory import check_memory
from .hdf5 import check_dataset, find_datasets, is_hdf5, may_read_outside, open_foreign, read_datasets
from .matlab import read_mat
from .mrc import read_mrc
from .text import refuse_foreign, require_file
from .tiff import read_tiff

MRC = {".mrc", ".mrcs", ".st", ".ali", ".preali", ".rec", ".map"}
TIFF = {".tif", ".tiff"}
HDF5 = {".h5", ".hdf5", ".hdf"}
OTHERS = {".emd", ".dm3", ".dm4", ".ser", ".hspy", ".zspy"}
IMAGE_SUFFIXES = MRC | TIFF | HDF5 | OTHERS | {".mat", ".npy"}
"""Endings of the files that `read_images` knows."""

_UNITS = {"Å": 1.0, "A": 1.0, "angstrom": 1.0, "Angstrom": 1.0, "nm": 10.0, "pm": 0.01, "m": 1e10, "um": 1e4, "µm": 1e4}
_ARCHIVES = {b"PK\x03\x04", b"PK\x05\x06"}  # what files of numpy.savez begin with
_UNSET = 1.0  # what programs write for the pixel size that nobody told them [Å]


def read_images(path: str | Path, array: str | None = None) -> tuple[NDArray[np.float32], float | None]:
    """Read a stack of images: MRC, TIFF, DM3/4, EMD, SER, HDF5, NumPy or MATLAB.

    Parameters
    ----------
    path : path
        The file.
    array : str, optional
        Name of the array in an HDF5 or MATLAB file that holds several.

    Returns
    -------
    images : (T, X, Y) array
        The image's horizontal axis is x, its vertical axis is y.
    pixel_size : float or None
        As the file states it [Å], or None. Exactly 1 Å counts as not stated: programs write it for what they do not
        know.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, of an unknown kind, or holds something else than one stack of real numbers.
    MemoryError
        If it does not fit into the memory that is free.
    """
    path = Path(path)
    if not path.exists():
        msg = f"no file {path}"
        raise FileNotFoundError(msg)
    suffix = path.suffix.lower()
    if suffix != ".zspy":  # which is a folder
        refuse_foreign(require_file(path), only="compressed")
    if suffix in MRC:
        rows, size = read_mrc(path)
    elif suffix in TIFF:
        rows, size = read_tiff(path)
    elif suffix in OTHERS:
        rows, size = _read_with_rosettasciio(path)
    elif suffix == ".mat":
        return _check_stack(np.moveaxis(read_mat(path, 3, array), -1, 0), path), None
    elif suffix == ".npy":
        return _check_stack(_read_npy(path), path), None
    elif suffix in HDF5:
        return _read_hdf5(path, array)
    else:
        msg = f"{path.name} ends in {suffix!r}; expected one of {', '.join(sorted(IMAGE_SUFFIXES))}"
        raise ValueError(msg)
    return _check_stack(np.swapaxes(rows, 1, 2) if rows.ndim == 3 else rows, path), None if size == _UNSET else size


def _check_stack(images: NDArray[Any], path: Path) -> NDArray[np.float32]:
    if images.dtype.kind not in "biuf":
        what = {"c": "complex numbers", "V": "colours or records"}.get(images.dtype.kind, f"values of {images.dtype}")
        msg = f"{path.name} holds {what}; expected images of real numbers"
        raise ValueError(msg)
    if images.ndim == 2 or (images.ndim == 3 and len(images) == 1):
        way = "join the images of a series in one file"
        if images.ndim == 2 and 3 in images.shape:
            way += ", or write positions of atoms as XYZ"
        msg = (
            f"{path.name} holds an array of shape {images.shape}, a single image; expected a stack (tilts, x, y): {way}"
        )
        raise ValueError(msg)
    if images.ndim != 3 or 0 in images.shape:
        msg = f"{path.name} holds an array of shape {images.shape}; expected a stack (tilts, x, y)"
        raise ValueError(msg)
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, which is refused by name
        return images.astype(np.float32)


def _read_npy(path: Path) -> NDArray[Any]:
    with path.open("rb") as file:
        packed = file.read(4) in _ARCHIVES
    if packed:
        msg = f"{path.name} is an archive of arrays; expected one array: numpy.save(path, images)"
        raise ValueError(msg)
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # numpy tells of damaged headers in many ways
        msg = f"{path.name} is truncated or no NumPy file of numbers ({_short(error)}); write it again with numpy.save"
        raise ValueError(msg) from error
    check_memory(2 * 4 * mapped.size, what=f"the images of {path.name}", instead="bin or cut them first")
    return mapped


def _read_hdf5(path: Path, array: str | None) -> tuple[NDArray[np.float32], float | None]:
    with open_foreign(path) as file:
        found = find_datasets(file, path)
        stacks = {k: v for k, v in found.items() if v.ndim == 3 and (array is None or k == array.strip("/"))}
        if len(stacks) != 1:
            names = ", ".join(f"{k} {v.shape}" for k, v in found.items()) or "no numbers"
            way = "; name one with array = in your samples file" if len(stacks) > 1 else ""
            msg = f"{path.name} holds {counted(len(stacks), 'array of rank 3')} ({names}); expected one{way}"
            raise ValueError(msg)
        (name,) = stacks
        size = stacks[name].attrs.get("pixel_size", file.attrs.get("pixel_size"))
        images = read_datasets(stacks, path)[name]
    return _check_stack(images, path), _number(size)


def _number(value: Any) -> float | None:
    """Return a stated pixel size; None where nothing is stated that is one number, or what stands for unknown."""
    if value is None:
        return None
    try:
        number = float(np.asarray(value, dtype=np.float64).reshape(()))
    except (TypeError, ValueError):
        return None
    return None if number == _UNSET else number


def _read_with_rosettasciio(path: Path) -> tuple[NDArray[Any], float | None]:
    if path.is_file() and is_hdf5(path):
        with open_foreign(path) as file:  # RosettaSciIO would read whatever is declared, wherever it lies
            for dataset in find_datasets(file, path).values():
                check_dataset(dataset, path)
    elif path.is_file() and not may_read_outside():
        check_memory(2 * path.stat().st_size, what=f"the images of {path.name}", instead="bin or cut them first")
    signal = _load_with_rosettasciio(path)
    return np.asarray(signal["data"]), _pixel_size(signal.get("axes", []))


def _load_with_rosettasciio(path: Path) -> dict[str, Any]:
    from rsciio import IO_PLUGINS

    suffix = path.suffix.lower().lstrip(".")
    errors = []
    for plugin in IO_PLUGINS:
        if suffix not in [e.lower() for e in plugin["file_extensions"]]:
            continue
        try:
            signals = importlib.import_module(plugin["api"]).file_reader(str(path))
        except Exception as error:  # every plugin tells of damaged files in its own ways
            errors.append(f"{plugin['name']}: {_short(error)}")
            continue
        if not signals:
            errors.append(f"{plugin['name']}: nothing in it")
            continue
        stacks = [s for s in signals if np.ndim(s["data"]) == 3]
        if len(stacks) == 1:
            return stacks[0]
        shapes = [np.shape(s["data"]) for s in signals]
        single = "; join the images of a series in one file" if shapes and {len(s) for s in shapes} == {2} else ""
        msg = f"{path.name} holds arrays of shape {shapes}; expected one stack of images{single}"
        raise ValueError(msg)
    msg = f"{path.name} cannot be read ({'; '.join(errors) or 'no reader'}); check that it is whole"
    raise ValueError(msg)


def _pixel_size(axes: list[dict[str, Any]]) -> float | None:
    sizes = [a["scale"] * _UNITS[a["units"]] for a in axes[-2:] if a.get("units") in _UNITS and a.get("scale")]
    return float(sizes[0]) if len(sizes) == 2 and np.isclose(sizes[0], sizes[1], rtol=1e-3) else None


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
