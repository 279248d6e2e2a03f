"""Going on from what is stored, if it came from the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._seals import DamagedFile
from ._origin import differences, summary
from ._sealed import open_hdf5, read_note
from ._tables import atoms_note, load_numbers, save_numbers, table_note


def load_note(path: str | Path) -> dict[str, Any]:
    """Read where a result came from, as it was noted when it was saved; empty if nothing was.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DamagedFile
        If it is not what was stored.
    """
    path = Path(path)
    if path.suffix == ".json":
        note: Any = load_numbers(path).get("provenance", {})
        return note if isinstance(note, dict) else {}
    if path.suffix == ".xyz":
        return atoms_note(path)
    if path.suffix in (".csv", ".parquet"):
        return table_note(path)
    with open_hdf5(path) as file:
        return read_note(file.attrs.get("provenance", "{}"))


def made_from(path: str | Path, origin: Mapping[str, Any]) -> bool:
    """Whether a result is stored that came from just this: the same parameters, inputs and seed.

    Parameters
    ----------
    path : path
        A stored result.
    origin : mapping
        What `provenance` returns for the result that is wanted.

    Returns
    -------
    bool
        False where nothing is stored, it is damaged, or it came from something else.

    Examples
    --------
    >>> from helpers import store
    >>> store.made_from("no_such_file.h5", store.provenance({"step": 1.0}))
    False
    """
    try:
        return not differences(load_note(path), origin)
    except (FileNotFoundError, DamagedFile):
        return False


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
