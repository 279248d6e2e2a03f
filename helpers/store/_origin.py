"""Where a result came from: a note that can be stored as JSON, and what differs between two of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

_SHORT = 16  # numbers of an array that a note spells out; of a longer one it holds the hash
_SHOWN = 3  # differences that a message names
_LONG = 60  # characters of a value that a message does not quote


def version() -> str:
    """Return the version of the package."""
    try:
        return metadata.version("amorphous-packing")
    except metadata.PackageNotFoundError:
        return "0+unknown"


def fingerprint(*parts: Any) -> str:
    """Hash anything that decides a result: numbers, words, arrays, volumes, series, atoms, and files by their content.

    Parameters
    ----------
    *parts
        None, numbers, words, paths of files, arrays, ASE Atoms, dataclasses, and sequences or mappings of these.

    Returns
    -------
    str
        SHA-256, the same in every process.

    Raises
    ------
    TypeError
        If a part is something else, such as a function, whose content no hash can tell.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.store import fingerprint
    >>> fingerprint(np.zeros(3), 0.4) == fingerprint(np.zeros(3), 0.4)
    True
    >>> fingerprint(np.zeros(4)) == fingerprint(np.zeros((2, 2)))
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        _add(digest, part)
    return digest.hexdigest()


def provenance(
    parameters: Mapping[str, Any] | None = None,
    inputs: Sequence[str | Path] | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Describe where a result comes from: version, parameters, hashes of the inputs, seed.

    Parameters
    ----------
    parameters : mapping, optional
        Everything else that decides the result, by name. Numbers, words and short lists are kept as they are;
        arrays, volumes, series and atoms by their `fingerprint`.
    inputs : sequence of path, optional
        Files that were read.
    seed : int, optional
        Seed of everything random.

    Returns
    -------
    dict
        A note that can be stored as JSON, for the functions that save results.

    Examples
    --------
    >>> from helpers.store import provenance
    >>> provenance({"step": 1.0}, seed=3)["parameters"]
    {'step': 1.0}
    """
    note: dict[str, Any] = {
        "package": f"amorphous-packing {version()}",
        "parameters": {str(name): _plain(value) for name, value in (parameters or {}).items()},
        "inputs": {Path(p).name: hashlib.sha256(Path(p).read_bytes()).hexdigest() for p in inputs or []},
    }
    if seed is not None:
        note["seed"] = int(seed)
    return note


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Say in what the origin of a stored result differs from the one that is wanted; the version does not count."""
    found = []
    for section in ("parameters", "inputs"):
        theirs, ours = stored.get(section) or {}, wanted.get(section) or {}
        found += [_difference(name, theirs, ours) for name in (*ours, *(n for n in theirs if n not in ours))]
    found.append(_difference("seed", stored, wanted))
    return [words for words in found if words]


def summary(found: list[str]) -> str:
    """Join differences to one phrase."""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


def _difference(name: str, stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    if name not in stored:
        return f"without {name}" if name in wanted else ""
    theirs, ours = (json.dumps(each.get(name), sort_keys=True, ensure_ascii=False) for each in (stored, wanted))
    if name in wanted and (theirs == ours or stored[name] == wanted[name]):  # text for NaN, values for 1 and 1.0
        return ""
    return f"with other {name}" if "sha256:" in theirs or len(theirs) > _LONG else f"with {name}={theirs}"


def _plain(value: Any) -> Any:
    """JSON form of a parameter; what is long goes by its hash."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return value.name
    if isinstance(value, np.ndarray) and value.size <= _SHORT:
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple) and len(value) <= _SHORT:
        return [_plain(each) for each in value]
    return f"sha256:{fingerprint(value)}"


def _add(digest: Any, value: Any) -> None:
    """Feed a value to a hash, its kind and extent first, so that no two different values read the same."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        digest.update(f"{type(value).__name__} {value!r}\n".encode())
    elif isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype.str} {value.shape}\n".encode())
        digest.update(np.ascontiguousarray(value).data if value.size else b"")
    elif isinstance(value, Path):
        digest.update(f"file {hashlib.sha256(value.read_bytes()).hexdigest()}\n".encode())
    elif isinstance(value, Mapping):
        digest.update(f"mapping {len(value)}\n".encode())
        for key in sorted(value, key=str):
            _add(digest, str(key))
            _add(digest, value[key])
    elif isinstance(value, list | tuple):
        digest.update(f"sequence {len(value)}\n".encode())
        for each in value:
            _add(digest, each)
    elif is_dataclass(value) and not isinstance(value, type):
        _add(digest, {field.name: getattr(value, field.name) for field in fields(value)})
    elif hasattr(value, "get_atomic_numbers"):  # ASE is not imported for this
        _add(digest, [value.numbers, value.positions, np.asarray(value.cell), value.pbc])
    else:
        msg = f"cannot tell {type(value).__name__} from another; note numbers, words, arrays or files"
        raise TypeError(msg)
