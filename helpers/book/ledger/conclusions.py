"""Conclusions: which of them stand, whatever reading of the paper's rules is taken."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ...data import DATA_FOLDER
from . import tables
from .paper import claims

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("robust", "depends on the reading", "does not stand", "not yet")


@dataclass(frozen=True)
class Conclusion:
    """A conclusion of the paper, as ``data/conclusions.toml`` lists it."""

    name: str
    statement: str
    needs: Mapping[str, bool | tuple[float, float]]


@lru_cache(maxsize=1)
def conclusions() -> dict[str, Conclusion]:
    """Return every conclusion by its name."""
    content = tomllib.loads((DATA_FOLDER / "conclusions.toml").read_text(encoding="utf-8"))
    return {
        name: Conclusion(
            name,
            entry["statement"],
            {c: True if need is True else (float(need[0]), float(need[1])) for c, need in entry["needs"].items()},
        )
        for name, entry in content.items()
    }


def weigh(conclusion: Conclusion) -> tuple[str, list[str]]:
    """Say whether a conclusion stands, and which readings go against it.

    Parameters
    ----------
    conclusion : Conclusion
        One of `conclusions`.

    Returns
    -------
    verdict : str
        "robust": every recorded number, two uncertainties to either side, and every other reading lie in the
        range that the conclusion needs; trends hold by every reading. "depends on the reading": our own rule
        supports it, another reading or the uncertainty does not. "does not stand": our own rule goes
        against it. "not yet": a claim has no record.
    against : list of str
        The readings that do not support it, or the claims that are missing.
    """
    found = {claim: tables.row_of(claims()[claim]) for claim in conclusion.needs}
    missing = [row.claim.statement for row in found.values() if row.entry is None]
    if missing:
        return "not yet", missing
    against, fallen = [], False
    for claim, need in conclusion.needs.items():
        row = found[claim]
        assert row.entry is not None
        low, high = (True, True) if need is True else need  # type: ignore[misc]
        value, words = row.entry.value, f"{row.claim.figure_words}, {row.claim.about}"
        if not low <= value <= high:
            fallen = True
            against.append(f"{words}, our rule: {row.write(value)}")
        margin = 2 * (row.entry.uncertainty or 0.0)
        if need is not True and low <= value <= high:
            ends = [end for end in (value - margin, value + margin) if not low <= end <= high]
            against += [f"{words}, within its uncertainty: {row.write(end)}" for end in ends if math.isfinite(end)]
        for reading, other in row.entry.alternatives.items():
            if not low <= other <= high:
                against.append(f"{words}, {reading}: {row.write(other)}")
    if fallen:
        return "does not stand", against
    return ("depends on the reading" if against else "robust"), against


def table() -> pd.DataFrame:
    """Return one row a conclusion: what it says, whether it stands, on how many numbers, and what goes against it."""
    import pandas as pd

    rows = []
    for conclusion in conclusions().values():
        verdict, against = weigh(conclusion)
        found = [tables.row_of(claims()[claim]) for claim in conclusion.needs]
        readings = sum(1 + len(row.entry.alternatives) for row in found if row.entry)
        if any(row.is_recorded for row in found) and verdict != "not yet":
            verdict = f"recorded: {verdict}"
        rows.append(
            {
                "Conclusion": conclusion.statement,
                "Verdict": verdict,
                "Readings": readings,
                "Against it": "; ".join(against) if verdict != "not yet" else "",
            }
        )
    return pd.DataFrame(rows)
