"""Paper and records side by side, for reading."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .paper import claims
from .records import VERDICTS, judge, load

if TYPE_CHECKING:
    import pandas as pd
    from IPython.display import HTML


def scoreboard() -> list[dict[str, Any]]:
    """Return one row a claim: the paper's value, ours, the difference, its uncertainty, rule and verdict."""
    rows = []
    for claim in claims().values():
        entry = load(claim.name)
        difference = None
        if entry is not None and claim.kind != "trend" and claim.value is not None:
            difference = entry.value - claim.value
        rows.append(
            {
                "claim": claim.name,
                "figure": claim.figure,
                "statement": claim.statement,
                "sample": ", ".join(claim.samples),
                "paper": claim.value,
                "unit": claim.unit,
                "kind": claim.kind,
                "ours": None if entry is None else entry.value,
                "difference": difference,
                "uncertainty": None if entry is None else entry.uncertainty,
                "allowed": (claim.half_width or 0.0) + 2 * ((entry.uncertainty if entry else None) or 0.0),
                "rule": "" if entry is None else entry.rule,
                "alternatives": {} if entry is None else entry.alternatives,
                "verdict": judge(claim, entry),
                "why": (claim.needs or "") if entry is None else entry.why,
                "notebook": claim.notebook,
            }
        )
    return rows


def counts() -> dict[str, int]:
    """Return how many claims have each verdict, in the order of `VERDICTS`."""
    found = Counter(row["verdict"] for row in scoreboard())
    return {verdict: found.get(verdict, 0) for verdict in VERDICTS}


def table() -> pd.DataFrame:
    """Return the ledger as a table for reading: numbers in the digits that their uncertainty carries."""
    import pandas as pd

    return pd.DataFrame([_readable(row) for row in scoreboard()])


def show(frame: pd.DataFrame) -> HTML:
    """Return a table as HTML without row numbers, for a notebook's page."""
    from IPython.display import HTML

    return HTML(frame.to_html(index=False, escape=True, na_rep="–", border=0))


def robustness() -> pd.DataFrame:
    """Return, for each claim with several readings, the verdict by each of them."""
    import pandas as pd

    rows = []
    for claim in claims().values():
        entry = load(claim.name)
        if entry is None or not entry.alternatives:
            continue
        others = {k: judge(claim, replace(entry, value=v)) for k, v in entry.alternatives.items()}
        agree = {judge(claim, entry), *others.values()}
        rows.append(
            {
                "Claim": claim.statement,
                "Sample": ", ".join(claim.samples),
                "By our rule": judge(claim, entry),
                "By other readings": "; ".join(f"{k}: {v}" for k, v in others.items()),
                "Robust": "yes" if len(agree) == 1 or "differs" not in agree else "no",
            }
        )
    return pd.DataFrame(rows, columns=["Claim", "Sample", "By our rule", "By other readings", "Robust"])


def _readable(row: dict[str, Any]) -> dict[str, str]:
    unit = {"": "", "deg": "°"}.get(row["unit"], f" {row['unit']}")
    sign = {"bound": {"above": "> ", "below": "< "}.get(claims()[row["claim"]].bound or "", "")}.get(row["kind"], "")
    paper = "holds" if row["kind"] == "trend" else f"{sign}{_digits(row['paper'], None)}{unit}"
    ours = "–" if row["ours"] is None else ""
    if isinstance(row["ours"], bool):
        ours = "holds" if row["ours"] else "does not hold"
    if not ours:
        spread = "" if row["uncertainty"] is None else f" ± {_digits(row['uncertainty'], None, 2)}"
        ours = f"{_digits(row['ours'], row['uncertainty'])}{spread}{unit}"
    others = row["alternatives"]
    if row["kind"] == "trend":
        readings = [f"{k}: {'holds' if v else 'does not hold'}" for k, v in others.items()]
    else:
        readings = [f"{k}: {_digits(v, row['uncertainty'])}" for k, v in others.items()]
    return {
        "Figure": row["figure"],
        "Claim": row["statement"],
        "Sample": row["sample"],
        "Paper": paper,
        "Ours": ours,
        "Difference": "" if row["difference"] is None else f"{_digits(row['difference'], row['uncertainty']):s}",
        "Verdict": row["verdict"],
        "Rule": row["rule"],
        "Other readings": "; ".join(readings),
        "Note": row["why"],
        "Notebook": f"{row['notebook']:02d}",
    }


def _digits(value: float | None, uncertainty: float | None, significant: int = 4) -> str:
    """Write a number with the digits that its uncertainty carries (two), or `significant` ones."""
    if value is None:
        return "–"
    if uncertainty and uncertainty > 0:
        places = max(0, 1 - math.floor(math.log10(uncertainty)))
        return f"{value:.{min(places, 6)}f}"
    return f"{value:.{significant}g}" if abs(value) < 10**significant else f"{value:.0f}"
