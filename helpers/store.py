"""Results: written under a temporary name and moved into place, with a note of where they came from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._origin import differences, fingerprint, provenance, summary, version
from .arrays import TiltSeries, Volume

if TYPE_CHECKING:
    import pandas as pd
    from ase import Atoms

__all__ = [
    "STAGES",
    "check_origin",
    "claim",
    "expect",
    "fingerprint",
    "load_atoms",
    "load_note",
    "load_numbers",
    "load_table",
    "load_tilt_series",
    "load_volume",
    "made_from",
    "new_hdf5",
    "open_hdf5",
    "provenance",
    "replacing",
    "results_folder",
    "results_path",
    "save_atoms",
    "save_numbers",
    "save_table",
    "save_tilt_series",
    "save_volume",
    "version",
]

STAGES = ("imaging", "tomography", "atoms", "structure", "simulation")


def results_folder() -> Path:
    """Where results are kept: ``AET_RESULTS`` if set, else ``results`` in the checkout or working folder."""
    if "AET_RESULTS" in os.environ:
        return Path(os.environ["AET_RESULTS"])
    root = Path(__file__).resolve().parents[1]
    return (root if (root / "pyproject.toml").exists() else Path.cwd()) / "results"


def results_path(sample: str, stage: str, name: str) -> Path:
    """Return ``results/<sample>/<stage>/<name>``; the folder is made when something is written."""
    if stage not in STAGES:
        msg = f"stage={stage!r}; expected one of {', '.join(STAGES)}"
        raise ValueError(msg)
    return results_folder() / sample / stage / name


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it there only if the block succeeds."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def new_hdf5(path: str | Path, note: Mapping[str, Any]) -> Iterator[Any]:
    """Open an HDF5 file to write, with a note of where it comes from; it appears once it is whole."""
    import h5py

    with replacing(path) as part, h5py.File(part, "w") as file:
        file.attrs["provenance"] = json.dumps(note, sort_keys=True, default=_plain)
        yield file


@contextmanager
def open_hdf5(path: str | Path) -> Iterator[Any]:
    """Open an HDF5 result to read."""
    import h5py

    path = Path(path)
    if not path.is_file():
        msg = f"no file {path}; run the notebook that makes it"
        raise FileNotFoundError(msg)
    try:
        file = h5py.File(path)
    except OSError as error:
        msg = f"{path.name} is truncated or no HDF5 file ({error}); make or fetch it again"
        raise ValueError(msg) from error
    with file:
        yield file


def load_note(path: str | Path) -> dict[str, Any]:
    """Read where an HDF5 or JSON result came from, as it was noted when it was saved; empty if nothing was."""
    path = Path(path)
    if path.suffix == ".json":
        note = load_numbers(path).get("provenance", {})
    else:
        with open_hdf5(path) as file:
            note = json.loads(file.attrs.get("provenance", "{}"))
    return note if isinstance(note, dict) else {}


def made_from(path: str | Path, origin: Mapping[str, Any]) -> bool:
    """Whether a result is stored that came from just this: the same parameters, inputs and seed.

    Parameters
    ----------
    path : path
        HDF5 or JSON file.
    origin : mapping
        What `provenance` returns for the result that is wanted.

    Returns
    -------
    bool
        False where nothing is stored, or what is stored came from something else.

    Examples
    --------
    >>> from helpers import store
    >>> store.made_from("no_such_file.h5", store.provenance({"step": 1.0}))
    False
    """
    return Path(path).is_file() and not differences(load_note(path), origin)


def check_origin(path: str | Path, origin: Mapping[str, Any]) -> None:
    """Refuse to go on from a stored state that came from something else.

    The one rule of everything that resumes: what is stored is taken up if its parameters, inputs and seed are those
    of the present run, and is neither believed nor overwritten if they are not.

    Parameters
    ----------
    path : path
        HDF5 or JSON file, with the note that `provenance` made.
    origin : mapping
        What `provenance` returns for the present run.

    Raises
    ------
    ValueError
        If the file is damaged, has no note, or came from something else; the message names what differs.
    """
    path = Path(path)
    note = load_note(path)
    if not note:
        msg = f"{path.name} does not say what it was made from; remove it or name another place"
        raise ValueError(msg)
    found = differences(note, origin)
    if found:
        msg = f"{path.name} was made {summary(found)}; remove it or name another place"
        raise ValueError(msg)


def claim(path: str | Path, origin: Mapping[str, Any]) -> None:
    """Note in a JSON file what the results beside it are made from; refuse if they are another run's.

    For runs that keep their state in several files of one folder.

    Parameters
    ----------
    path : path
        The JSON file.
    origin : mapping
        What `provenance` returns for the present run.

    Raises
    ------
    ValueError
        As `check_origin`.
    """
    if Path(path).is_file():
        check_origin(path, origin)
    else:
        save_numbers(path, {}, origin)


def save_tilt_series(path: str | Path, series: TiltSeries, note: Mapping[str, Any]) -> None:
    """Write a tilt series as HDF5: ``images`` (tilt, x, y), ``angles`` and the pixel size."""
    with new_hdf5(path, note) as file:
        images = file.create_dataset("images", data=series.images, compression="gzip", compression_opts=1)
        images.attrs.update(axes="tilt x y", pixel_size=series.pixel_size, unit="Å")
        file.create_dataset("angles", data=series.angles).attrs.update(
            unit="degrees", order="theta" if series.angles.ndim == 1 else "phi theta psi"
        )


def load_tilt_series(path: str | Path) -> TiltSeries:
    """Read what `save_tilt_series` wrote."""
    with open_hdf5(path) as file:
        expect(file, path, "images", "angles")
        return TiltSeries(file["images"][()], file["angles"][()], float(file["images"].attrs["pixel_size"]))


def save_volume(path: str | Path, volume: Volume, note: Mapping[str, Any]) -> None:
    """Write a volume as HDF5: ``volume`` (x, y, z) with voxel size and the index of the origin."""
    with new_hdf5(path, note) as file:
        data = file.create_dataset("volume", data=volume.array, compression="gzip", compression_opts=1)
        data.attrs.update(axes="x y z", voxel_size=volume.voxel_size, unit="Å", origin=volume.centre)


def load_volume(path: str | Path) -> Volume:
    """Read what `save_volume` wrote."""
    with open_hdf5(path) as file:
        expect(file, path, "volume")
        return Volume(file["volume"][()], float(file["volume"].attrs["voxel_size"]))


def save_atoms(path: str | Path, atoms: Atoms, note: Mapping[str, Any], *, decimals: int | None = None) -> None:
    """Write an atomic model as extended XYZ, readable by ASE and OVITO; with fewer decimals than eight if asked."""
    from ase.io import write

    copy = atoms.copy()
    copy.info["provenance"] = json.dumps(note, sort_keys=True, default=_plain)
    with replacing(path) as part:
        write(part, copy, format="extxyz")
        if decimals is not None:
            count, header, *rows = part.read_text(encoding="utf-8").splitlines()
            short = [" ".join(f"{float(w):.{decimals}f}" if "." in w else w for w in row.split()) for row in rows]
            part.write_text("\n".join([count, header, *short]) + "\n", encoding="utf-8")


def load_atoms(path: str | Path) -> Atoms:
    """Read an atomic model that `save_atoms` wrote."""
    path = Path(path)
    if not path.is_file():
        msg = f"no model {path}; run the notebook that makes it, or sample.model('published')"
        raise FileNotFoundError(msg)
    from ase import Atoms
    from ase.io import read

    atoms = read(path, format="extxyz")
    assert isinstance(atoms, Atoms)
    return atoms


def save_table(path: str | Path, table: pd.DataFrame, note: Mapping[str, Any]) -> None:
    """Write a table as CSV or Parquet (by its ending), its provenance in a JSON file beside it."""
    path = Path(path)
    with replacing(path) as part:
        if path.suffix == ".parquet":
            table.to_parquet(part, index=False)
        else:
            table.to_csv(part, index=False)
    save_numbers(path.with_suffix(".provenance.json"), {}, note)


def load_table(path: str | Path) -> pd.DataFrame:
    """Read what `save_table` wrote."""
    import pandas as pd

    path = Path(path)
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def save_numbers(path: str | Path, numbers: Mapping[str, Any], note: Mapping[str, Any]) -> None:
    """Write named numbers as JSON."""
    content = {**numbers, "provenance": note}
    with replacing(path) as part:
        part.write_text(json.dumps(content, indent=1, sort_keys=True, default=_plain) + "\n", encoding="utf-8")


def load_numbers(path: str | Path) -> dict[str, Any]:
    """Read what `save_numbers` wrote."""
    content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return content


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
