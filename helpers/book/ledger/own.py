"""From our own atoms: what claims become where this project located the atoms itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ... import digits, store
from ...data import DATA_FOLDER
from ...samples import load_sample, sample_names
from .paper import claims

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Own:
    """A claim's number from our own atoms, beside that of the published atoms of the same region.

    Attributes
    ----------
    claim, sample, region : str
        Name of the claim, and what both numbers speak of.
    ours, published : float or bool
        In the claim's unit; whether it holds, of a trend.
    uncertainty, published_uncertainty : float or None
        One standard deviation: atoms displaced by their own uncertainty, settings moved by theirs.
    """

    claim: str
    sample: str
    region: str
    ours: float | bool
    published: float | bool
    uncertainty: float | None = None
    published_uncertainty: float | None = None


@lru_cache(maxsize=1)
def own_atoms() -> dict[str, Own]:
    """Return what is recorded for each claim, from ``data/recorded/*_structure.json``."""
    found: dict[str, Own] = {}
    for path in sorted((DATA_FOLDER / "recorded").glob("*_structure.json")):
        content = store.load_numbers(path)
        for name, entry in content.get("claims", {}).items():
            if name in claims():
                found[name] = Own(claim=name, sample=content["sample"], region=content["region"], **entry)
    return found


def own_table() -> pd.DataFrame:
    """Return one row a claim that our own atoms can speak about."""
    import pandas as pd

    rows = [
        {
            "Claim": claims()[name].statement,
            "Region": _place(entry),
            "Published atoms there": _word(entry, entry.published, entry.published_uncertainty),
            "Our own atoms": _word(entry, entry.ours, entry.uncertainty),
        }
        for name, entry in own_atoms().items()
    ]
    return pd.DataFrame(rows, columns=["Claim", "Region", "Published atoms there", "Our own atoms"])


def own_text(name: str) -> str:
    """Write our own number of a claim for a table; empty where there is none."""
    entry = own_atoms().get(name)
    return "" if entry is None else f"{_word(entry, entry.ours, entry.uncertainty)} ({_place(entry)})"


def _place(entry: Own) -> str:
    sample = load_sample(entry.sample).short if entry.sample in sample_names() else entry.sample
    return f"{sample}, {entry.region}"


def _word(entry: Own, value: float | bool, uncertainty: float | None) -> str:
    if isinstance(value, bool):
        return "holds" if value else "does not hold"
    return digits.write(value, uncertainty, unit=claims()[entry.claim].unit)
