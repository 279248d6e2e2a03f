"""Read files as others wrote them: MATLAB arrays, microscope images, tilt angles, atoms."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .arrays import TiltSeries
from .checks import check_positions
from .geometry.rotations import check_angles

if TYPE_CHECKING:
    from ase import Atoms

_MICROSCOPE = {
    ".mrc", ".rec", ".ali", ".st", ".mrcs", ".emd", ".dm3", ".dm4", ".tif", ".tiff", ".ser", ".hspy", ".zspy",
}  # fmt: skip
_HDF5 = {".h5", ".hdf5", ".hdf"}


class PixelSizeWarning(UserWarning):
    """A file states another pixel size than the one that came with it."""


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
    ValueError
        If the file is damaged, or holds no such array or several.
    """
    path = Path(path)
    if not path.is_file():
        msg = f"no file {path}"
        raise FileNotFoundError(msg)
    try:
        arrays = _read_mat73(path) if _is_hdf5(path) else _read_mat5(path)
    except Exception as error:  # scipy and h5py raise a dozen kinds for damaged files
        msg = f"{path.name} is truncated or no MATLAB file ({error}); fetch it again"
        raise ValueError(msg) from error
    shapes = ", ".join(f"{key} {value.shape}" for key, value in arrays.items()) or "nothing"
    fitting = {k: v for k, v in arrays.items() if v.ndim == ndim and (name is None or k == name)}
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    wanted = f"an array of rank {ndim}" + (f" named {name!r}" if name else "")
    if not fitting:
        msg = f"{path.name} holds {shapes}; expected {wanted}"
        raise ValueError(msg)
    msg = f"{path.name} holds {shapes}; choose one with name={' or '.join(map(repr, fitting))}"
    raise ValueError(msg)


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(520)
    return head[:8] == b"\x89HDF\r\n\x1a\n" or head[512:520] == b"\x89HDF\r\n\x1a\n" or b"MATLAB 7.3" in head[:128]


def _read_mat5(path: Path) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat

    return {k: v for k, v in loadmat(path).items() if isinstance(v, np.ndarray) and v.dtype.kind in "biufc"}


def _read_mat73(path: Path) -> dict[str, NDArray[Any]]:
    import h5py

    with h5py.File(path) as file:
        return {k: v[()].T for k, v in file.items() if isinstance(v, h5py.Dataset) and v.dtype.kind in "biufc"}


def read_angles(path: str | Path) -> NDArray[np.float64]:
    """Read tilt angles from a text, ``.rawtlt``, ``.tlt``, CSV or MATLAB file.

    Returns
    -------
    (T,) or (T, 3) array
        θ, or Euler angles φ, θ, ψ [degrees].

    Raises
    ------
    ValueError
        If a line holds something else than one or three numbers (a header line is skipped).
    """
    path = Path(path)
    if path.suffix.lower() == ".mat":
        return check_angles(read_mat(path, 2))
    with path.open(newline="") as file:
        text = file.read()
    rows: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        cells = next(csv.reader([line])) if "," in line else line.replace(";", " ").split()
        try:
            rows.append([float(cell) for cell in cells if cell.strip()])
        except ValueError:
            if rows:
                msg = f"line {number} of {path.name} reads {line!r}; expected one or three numbers"
                raise ValueError(msg) from None
    widths = {len(row) for row in rows}
    if widths not in ({1}, {3}):
        found = f"{sorted(widths)} numbers a line" if rows else "no numbers"
        msg = f"{path.name} holds {found}; expected one (θ) or three (φ, θ, ψ) on every line [degrees]"
        raise ValueError(msg)
    return check_angles(np.array(rows))


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


def read_images(path: str | Path) -> tuple[NDArray[np.float32], float | None]:
    """Read a stack of images through RosettaSciIO (MRC, EMD, DM3/4, TIFF, HDF5 …) or from NumPy/MATLAB.

    Returns
    -------
    images : (T, X, Y) array
        The image's horizontal axis is x, its vertical axis is y.
    pixel_size : float or None
        As the file states it [Å], or None.
    """
    path = Path(path)
    if not path.exists():
        msg = f"no file {path}"
        raise FileNotFoundError(msg)
    suffix = path.suffix.lower()
    if suffix == ".mat":
        return np.moveaxis(read_mat(path, 3), -1, 0).astype(np.float32), None
    if suffix == ".npy":
        return _check_stack(np.load(path), path), None
    if suffix in _HDF5:
        return _read_hdf5_images(path)
    if suffix not in _MICROSCOPE:
        known = ", ".join(sorted(_MICROSCOPE | _HDF5 | {".mat", ".npy"}))
        msg = f"{path.name} ends in {suffix!r}; expected one of {known}"
        raise ValueError(msg)
    try:
        signal = _load_with_rosettasciio(path)
    except ImportError as error:
        msg = "reading microscope files needs RosettaSciIO: pip install rosettasciio"
        raise ImportError(msg) from error
    data = np.asarray(signal["data"])
    size = _pixel_size(signal.get("axes", []))
    if data.ndim == 3:
        return _check_stack(np.swapaxes(data, 1, 2), path), size
    return _check_stack(data, path), size


def _load_with_rosettasciio(path: Path) -> dict[str, Any]:
    import importlib

    from rsciio import IO_PLUGINS

    suffix = path.suffix.lower().lstrip(".")
    suffix = {"rec": "mrc", "ali": "mrc", "st": "mrc", "mrcs": "mrc"}.get(suffix, suffix)
    errors = []
    for plugin in IO_PLUGINS:
        if suffix not in [e.lower() for e in plugin["file_extensions"]]:
            continue
        try:
            signals = importlib.import_module(plugin["api"]).file_reader(str(path))
        except Exception as error:
            errors.append(f"{plugin['name']}: {error}")
            continue
        if not signals:
            errors.append(f"{plugin['name']}: nothing in it")
            continue
        stacks = [s for s in signals if np.ndim(s["data"]) == 3]
        if len(stacks) == 1:
            return stacks[0]
        shapes = [np.shape(s["data"]) for s in signals]
        msg = f"{path.name} holds arrays of shape {shapes}; expected one stack of images"
        raise ValueError(msg)
    msg = f"{path.name} cannot be read ({'; '.join(errors) or 'no reader'}); check that it is whole"
    raise ValueError(msg)


def _pixel_size(axes: list[dict[str, Any]]) -> float | None:
    factors = {
        "Å": 1.0,
        "A": 1.0,
        "angstrom": 1.0,
        "Angstrom": 1.0,
        "nm": 10.0,
        "pm": 0.01,
        "m": 1e10,
        "um": 1e4,
        "µm": 1e4,
    }
    sizes = [a["scale"] * factors[a["units"]] for a in axes[-2:] if a.get("units") in factors and a.get("scale")]
    return float(sizes[0]) if len(sizes) == 2 and np.isclose(sizes[0], sizes[1], rtol=1e-3) else None


def _read_hdf5_images(path: Path) -> tuple[NDArray[np.float32], float | None]:
    import h5py

    with h5py.File(path) as file:
        stacks: dict[str, Any] = {}
        file.visititems(lambda k, v: stacks.update({k: v}) if isinstance(v, h5py.Dataset) and v.ndim == 3 else None)
        if len(stacks) != 1:
            msg = f"{path.name} holds {len(stacks)} arrays of rank 3 ({', '.join(stacks)}); expected one"
            raise ValueError(msg)
        data = next(iter(stacks.values()))
        size = data.attrs.get("pixel_size", file.attrs.get("pixel_size"))
        return _check_stack(data[()], path), None if size is None else float(size)


def _check_stack(images: NDArray[Any], path: Path) -> NDArray[np.float32]:
    if images.ndim != 3:
        msg = f"{path.name} holds an array of shape {images.shape}; expected a stack (tilts, x, y)"
        raise ValueError(msg)
    return images.astype(np.float32)


def read_tilt_series(
    images: str | Path, angles: str | Path | NDArray[Any], *, pixel_size: float | None = None
) -> TiltSeries:
    """Read a tilt series from a stack of images and a file (or array) of angles.

    Parameters
    ----------
    images : path
        Any file that `read_images` knows.
    angles : path or array
        A file that `read_angles` knows, or (T,) or (T, 3) angles [degrees].
    pixel_size : float, optional
        Edge of a pixel [Å]; needed where the file does not state it, and stronger than what it states.

    Raises
    ------
    ValueError
        If counts differ, the pixel size is unknown, values are not finite, or an image is constant.

    Warns
    -----
    PixelSizeWarning
        If the file states a pixel size that differs from `pixel_size` by more than 2 %.
    AngleUnitWarning
        If the angles look like radians.
    """
    stack, stated = read_images(images)
    name = Path(images).name
    size = pixel_size if pixel_size is not None else stated
    if size is None:
        msg = f"{name} does not state its pixel size; pass pixel_size= in Å"
        raise ValueError(msg)
    if stated and abs(size / stated - 1) > 0.02:
        warnings.warn(
            f"{name} states pixels of {stated:.4g} Å but pixel_size={size:.4g} Å came with it and is used; is it in Å?",
            PixelSizeWarning,
            stacklevel=2,
        )
    tilts = read_angles(angles) if isinstance(angles, str | Path) else check_angles(angles)
    try:
        series = TiltSeries(stack, tilts, size)
    except ValueError as error:
        msg = f"{name}: {error}"
        raise ValueError(msg) from None
    constant = np.flatnonzero([image.min() == image.max() for image in series.images])
    if constant.size:
        msg = (
            f"{name} holds {constant.size} constant images of {len(stack)}, the first at index {constant[0]}; "
            "leave them and their angles out"
        )
        raise ValueError(msg)
    return series


def read_atoms(path: str | Path, *, elements: list[str] | None = None) -> Atoms:
    """Read an atomic model with ASE (XYZ, extended XYZ, LAMMPS, CIF, PDB …) or from a MATLAB array.

    Parameters
    ----------
    path : path
        The file; a MATLAB file holds one (3, N) or (N, 3) array [Å].
    elements : list of str, optional
        The sample's elements; needed where the file names none.

    Raises
    ------
    ValueError
        If the file cannot be read or its coordinates are of the wrong rank or not finite.
    """
    path = Path(path)
    if not path.is_file():
        msg = f"no file {path}"
        raise FileNotFoundError(msg)
    if path.suffix.lower() == ".mat":
        array = read_mat(path, 2)
        return _to_atoms(array.T if array.shape[0] == 3 else array, path, elements)
    from ase.io import read

    try:
        atoms = read(path)
    except Exception as error:
        msg = f"{path.name} cannot be read as an atomic model ({error}); is it whole?"
        raise ValueError(msg) from error
    if isinstance(atoms, list):
        atoms = atoms[-1]
    check_positions(atoms.positions, name=path.name)
    return atoms


def _to_atoms(positions: NDArray[Any], path: Path, elements: list[str] | None) -> Atoms:
    positions = check_positions(positions, name=path.name)
    if not elements or len(elements) != 1:
        msg = f"{path.name} names no elements; state one element for the sample (got {elements})"
        raise ValueError(msg)
    from ase import Atoms

    return Atoms(elements * len(positions), positions)
