"""Paper and records side by side, for reading."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ... import digits
from .archive import recorded
from .own import own_text
from .paper import Claim, claims
from .records import VERDICTS, Record, judge, load, weak_range

if TYPE_CHECKING:
    import pandas as pd
    from IPython.display import HTML


@dataclass(frozen=True)
class Row:
    """One claim beside what was found for it, now or in an earlier run on the published data."""

    claim: Claim
    entry: Record | None
    is_recorded: bool

    @property
    def verdict(self) -> str:
        """The verdict; "recorded" for a number that this copy has not computed."""
        return "recorded" if self.is_recorded else judge(self.claim, self.entry)

    @property
    def verdict_words(self) -> str:
        """The verdict as it is printed; of a recorded number, with the verdict of its time."""
        words = f"recorded: {judge(self.claim, self.entry)}" if self.is_recorded else self.verdict
        if "differs" in words:
            return words + (" (better)" if self.better else "")
        return words + (" (weak test)" if self.weak else "")

    @property
    def better(self) -> bool:
        """Whether our number lies on that side of the paper's which is better, as for a precision."""
        sign = {"lower": -1, "higher": 1}.get(self.claim.better or "", 0)
        return self.difference is not None and sign * self.difference > 0

    @property
    def weak(self) -> str:
        """Between which numbers anything would have passed, if that is nearly everything; empty otherwise."""
        ends = weak_range(self.claim, self.entry)
        if ends is None:
            return ""
        low, high = (digits.write(max(end, 0.0), places=self.claim.places) for end in ends)
        return f"anything between {low} and {high} would have passed"

    @property
    def difference(self) -> float | None:
        """Our number minus the paper's."""
        if self.entry is None or self.claim.value is None:
            return None
        return float(self.entry.value) - self.claim.value

    @property
    def allowed(self) -> float:
        """Largest difference with which the two agree."""
        return (self.claim.half_width or 0.0) + 2 * ((self.entry.uncertainty if self.entry else None) or 0.0)

    @property
    def ours(self) -> str:
        """Our number with its uncertainty and unit, in the digits that they carry."""
        return "–" if self.entry is None else self.write(self.entry.value, self.entry.uncertainty)

    def write(self, value: float | bool, uncertainty: float | None = None) -> str:
        """Write a number as it compares with the claim's, or whether a trend holds."""
        if self.claim.kind == "trend":
            return "holds" if value else "does not hold"
        places = None if uncertainty else self.finer
        return digits.write(value, uncertainty, places=places, unit=self.claim.unit)

    @property
    def finer(self) -> int:
        """Decimal places with one digit more than the paper prints; none of a count, which has no unit and no point."""
        return self.claim.places + (1 if self.claim.places or self.claim.unit else 0)

    @property
    def readings(self) -> list[tuple[str, str, str]]:
        """Other readings of the paper: their words, what they give, the verdict by them."""
        if self.entry is None:
            return []
        return [
            (words, self.write(value), judge(self.claim, replace(self.entry, value=value)))
            for words, value in self.entry.alternatives.items()
        ]

    @property
    def style(self) -> str:
        """Class of the row on a page."""
        return slug(self.verdict)

    @property
    def anchor(self) -> str:
        """Where the ledger shows the claim."""
        return "claim-" + slug(self.claim.name)


def slug(words: str) -> str:
    """Give words the form of an anchor or a class.

    Examples
    --------
    >>> from helpers.book.ledger.tables import slug
    >>> slug("Within uncertainty")
    'within-uncertainty'
    """
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def row_of(claim: Claim) -> Row:
    """Return a claim with its record: of this copy, or of the recorded run."""
    entry = load(claim.name)
    if entry is not None:
        return Row(claim, entry, False)
    earlier = recorded(claim.name)
    return Row(claim, earlier, earlier is not None)


def rows() -> list[Row]:
    """Return every claim beside what was found for it, in the order of the paper's figures."""
    return sorted((row_of(claim) for claim in claims().values()), key=lambda row: figure_order(row.claim.figure))


def figure_order(figure: str) -> tuple[int, int, str]:
    """Where a figure stands in the paper: those of the main text, the supplement, then the text.

    Examples
    --------
    >>> from helpers.book.ledger.tables import figure_order
    >>> sorted(["Methods", "S2", "5c", "S14-S15", "1d", "5"], key=figure_order)
    ['1d', '5', '5c', 'S2', 'S14-S15', 'Methods']
    """
    found = re.match(r"(S?)(\d+)(.*)", figure)
    if not found:
        return (2, 0, figure)
    return (1 if found[1] else 0, int(found[2]), found[3])


def scoreboard() -> list[dict[str, Any]]:
    """Return one row a claim: the paper's value, ours, the difference, its uncertainty, rule and verdict."""
    return [_plain(row) for row in rows()]


def _plain(row: Row) -> dict[str, Any]:
    claim, entry = row.claim, row.entry
    return {
        "claim": claim.name,
        "figure": claim.figure,
        "statement": claim.statement,
        "sample": claim.about,
        "paper": claim.value,
        "unit": claim.unit,
        "kind": claim.kind,
        "ours": None if entry is None else entry.value,
        "difference": row.difference,
        "uncertainty": None if entry is None else entry.uncertainty,
        "allowed": row.allowed,
        "rule": "" if entry is None else entry.rule,
        "alternatives": {} if entry is None else entry.alternatives,
        "verdict": row.verdict,
        "then": judge(claim, entry) if row.is_recorded else "",
        "weak": row.weak,
        "why": (claim.needs or "") if entry is None else entry.why,
        "notebook": claim.notebook,
        "section": claim.section or "",
    }


def counts() -> dict[str, int]:
    """Return how many claims have each verdict, in the order of `VERDICTS`."""
    found = Counter(row.verdict for row in rows())
    return {verdict: found.get(verdict, 0) for verdict in VERDICTS}


def table() -> pd.DataFrame:
    """Return the ledger as a table for reading: numbers in the digits that their uncertainty carries."""
    import pandas as pd

    return pd.DataFrame([_readable(row) for row in rows()])


def show(frame: pd.DataFrame) -> HTML:
    """Return a table as HTML without row numbers, for a notebook's page."""
    from IPython.display import HTML

    return HTML(frame.to_html(index=False, escape=True, na_rep="–", border=0))


def robustness() -> pd.DataFrame:
    """Return, for each claim with several readings, the verdict by each of them."""
    import pandas as pd

    found = []
    for row in rows():
        if row.entry is None or not row.entry.alternatives:
            continue
        verdict = judge(row.claim, row.entry)
        agree = {verdict, *(by for _, _, by in row.readings)}
        found.append(
            {
                "Claim": row.claim.statement,
                "Sample": row.claim.about,
                "By our rule": verdict,
                "By other readings": "; ".join(f"{words}: {by}" for words, _, by in row.readings),
                "Robust": "yes" if len(agree) == 1 or "differs" not in agree else "no",
            }
        )
    return pd.DataFrame(found, columns=["Claim", "Sample", "By our rule", "By other readings", "Robust"])


def _readable(row: Row) -> dict[str, str]:
    gap = "" if row.difference is None else digits.write(row.difference, places=row.claim.places + 1, sign=True)
    return {
        "Figure": row.claim.figure,
        "Claim": row.claim.statement,
        "Sample": row.claim.about,
        "Paper": row.claim.paper,
        "Ours": row.ours,
        "Difference": gap,
        "Verdict": row.verdict,
        "Rule": "" if row.entry is None else row.entry.rule,
        "Other readings": "; ".join(f"{words}: {value}" for words, value, _ in row.readings),
        "Note": (row.claim.needs or "") if row.entry is None else row.entry.why,
        "Own atoms": own_text(row.claim.name),
        "Notebook": f"{row.claim.notebook:02d}",
    }
