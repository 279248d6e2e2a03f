"""Conclusions: which of them stand, whatever reading of the paper's rules is taken."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ...data import DATA_FOLDER
from .records import load

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("robust", "hangs on the reading", "does not stand", "not yet")


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
        range that the conclusion needs; trends hold by every reading. "hangs on the reading": our own rule
        supports it, another reading or the uncertainty does not. "does not stand": our own rule goes
        against it. "not yet": a claim has no record.
    against : list of str
        The readings that do not support it, or the claims that are missing.
    """
    records = {claim: load(claim) for claim in conclusion.needs}
    missing = [claim for claim, entry in records.items() if entry is None]
    if missing:
        return "not yet", missing
    against, fallen = [], False
    for claim, need in conclusion.needs.items():
        entry = records[claim]
        assert entry is not None
        low, high = (True, True) if need is True else need  # type: ignore[misc]
        if not low <= entry.value <= high:
            fallen = True
            against.append(f"{claim}, our rule: {_word(entry.value)}")
        margin = 2 * (entry.uncertainty or 0.0)
        if need is not True and low <= entry.value <= high:
            ends = [end for end in (entry.value - margin, entry.value + margin) if not low <= end <= high]
            against += [f"{claim}, within its uncertainty: {_word(end)}" for end in ends if math.isfinite(end)]
        for reading, value in entry.alternatives.items():
            if not low <= value <= high:
                against.append(f"{claim}, {reading}: {_word(bool(value) if need is True else value)}")
    if fallen:
        return "does not stand", against
    return ("hangs on the reading" if against else "robust"), against


def table() -> pd.DataFrame:
    """Return one row a conclusion: what it says, whether it stands, on how many numbers, and what goes against it."""
    import pandas as pd

    rows = []
    for conclusion in conclusions().values():
        verdict, against = weigh(conclusion)
        records = [load(claim) for claim in conclusion.needs]
        readings = sum(1 + len(entry.alternatives) for entry in records if entry)
        rows.append(
            {
                "Conclusion": conclusion.statement,
                "Verdict": verdict,
                "Readings": readings,
                "Against it": "; ".join(against) if verdict != "not yet" else "",
            }
        )
    return pd.DataFrame(rows)


def _word(value: float | bool) -> str:
    if isinstance(value, bool):
        return "holds" if value else "does not hold"
    return f"{value:.4g}"
