"""Samples: one name for everything that is known about a specimen."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

from . import data
from ._descriptions import read_descriptions
from ._sample import Sample
from .checks import UnknownName

__all__ = ["Sample", "available", "load_sample", "sample_names"]

_PROJECT = data.DATA_FOLDER / "samples.toml"
_FOLDERS = {"ledger", "quench", "recorded", "together"}  # of results that belong to no sample


def load_sample(name: str, file: str | Path | None = None) -> Sample:
    """Return what is known about a sample.

    Parameters
    ----------
    name : str
        Its name in ``data/samples.toml`` or in `file`; `sample_names` lists them.
    file : path, optional
        A TOML file of your own with the same fields; its paths are relative to it. Default: the file that
        ``AET_SAMPLES`` names, and the project's own samples.

    Raises
    ------
    UnknownName
        If there is no such sample; the message suggests the nearest name.
    ValueError
        If the sample's description is wrong.

    Examples
    --------
    >>> import helpers
    >>> helpers.load_sample("Ta").pixel_size
    0.3216
    """
    samples = _own_samples(Path(file)) if file is not None else _known_samples()
    if name not in samples:
        near = difflib.get_close_matches(name, samples, n=1, cutoff=0.4) or [
            known for known in samples if known.lower() == str(name).lower()
        ]
        hint = f"; did you mean {near[0]!r}?" if near else ";"
        msg = f"no sample {name!r}{hint} Known samples: {', '.join(samples)}"
        raise UnknownName(msg)
    return samples[name]


def sample_names() -> list[str]:
    """Return the names of all samples, in the order of ``data/samples.toml``."""
    return list(_known_samples())


def available(role: str = "model", *, download: bool = True) -> list[str]:
    """Return the samples whose file for a role can be had, measured ones before simulated ones.

    Snapshots of a simulation are left out: they serve for comparison.
    """
    names = [n for n, s in _known_samples().items() if role in s.files and s.temperature is None]
    found = [n for n in names if load_sample(n).has(role, download=download)]
    return sorted(found, key=lambda name: load_sample(name).simulated)


def _known_samples() -> dict[str, Sample]:
    own = os.environ.get("AET_SAMPLES")
    samples = _project_samples()
    return {**samples, **_own_samples(Path(own))} if own else samples


def _project_samples() -> dict[str, Sample]:
    return _as_samples(_PROJECT, read_descriptions(_PROJECT))


def _own_samples(path: Path) -> dict[str, Sample]:
    """Return the samples of a user's file, who may make nothing that the project's own file does not make."""
    if path.exists() and path.resolve() == _PROJECT.resolve():
        return _project_samples()
    project = _project_samples()
    makers = frozenset(entry["make"] for each in project.values() for entry in each.files.values() if "make" in entry)
    samples = _as_samples(path, read_descriptions(path, makers))
    taken = [name for name in samples if name in project or name.lower() in _FOLDERS]
    if taken:
        what = "a sample" if taken[0] in project else "a folder of results"
        msg = f"{path.name}, section [{taken[0]}]: the project has {what} of this name; choose another one"
        raise ValueError(msg)
    return samples


def _as_samples(path: Path, descriptions: dict[str, dict[str, Any]]) -> dict[str, Sample]:
    folder = path.resolve().parent
    return {name: Sample(name, folder=folder, **fields) for name, fields in descriptions.items()}
