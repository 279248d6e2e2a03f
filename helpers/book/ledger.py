"""The ledger: what the paper states, what we find, and how the two compare.

Notebooks `record` a number under its claim's name; `table` and `scoreboard` read all records back. Nothing
in the ledger is typed by hand.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import HTML

from .. import store
from ..checks import UnknownName
from ..data import DATA_FOLDER
from ..structure.uncertainty import Estimate

VERDICTS = ("reproduced", "within uncertainty", "differs", "not yet", "needs data that are not public")


@dataclass(frozen=True)
class Claim:
    """A quantitative statement of the paper, as ``data/claims.toml`` lists it."""

    name: str
    figure: str
    statement: str
    samples: tuple[str, ...]
    kind: str
    notebook: int
    value: float | None = None
    unit: str = ""
    half_width: float | None = None
    bound: str | None = None
    over: str | None = None
    needs: str | None = None


@dataclass(frozen=True)
class Record:
    """What a notebook found for a claim."""

    claim: str
    samples: list[str]
    value: float | bool
    uncertainty: float | None = None
    rule: str = ""
    why: str = ""
    alternatives: dict[str, float] = field(default_factory=dict)


@lru_cache(maxsize=1)
def claims() -> dict[str, Claim]:
    """Return every claim by its name, in the order of the paper."""
    content = tomllib.loads((DATA_FOLDER / "claims.toml").read_text(encoding="utf-8"))
    return {n: Claim(name=n, **{**c, "samples": tuple(c["samples"])}) for n, c in content.items()}


def find(stem: str, sample: str) -> str | None:
    """Return the claim about one sample whose name starts with `stem`, or None.

    Examples
    --------
    >>> find("nuclei_fraction", "Pd1")
    'nuclei_fraction_pd1'
    >>> find("nuclei_fraction", "demo") is None
    True
    """
    fitting = [n for n, c in claims().items() if n.startswith(stem) and c.samples == (sample,)]
    return fitting[0] if len(fitting) == 1 else None


def about(name: str, samples: Sequence[str]) -> list[str]:
    """Return those of the samples that a claim speaks of, or all of them if it speaks of none.

    A pooled number is to be computed on these alone: other samples may have been run beside them.

    Examples
    --------
    >>> about("five_edged_faces", ["Pd1", "demo", "Ta"])
    ['Pd1', 'Ta']
    >>> about("five_edged_faces", ["demo"])
    ['demo']
    """
    return [s for s in samples if s in claims()[name].samples] or list(samples)


def record(
    name: str | None,
    value: float | bool | Estimate,
    *,
    samples: str | Sequence[str],
    uncertainty: float | None = None,
    rule: str,
    why: str = "",
    alternatives: Mapping[str, float | bool] | None = None,
) -> str:
    """Put our value of a claim into the ledger and return the verdict.

    Parameters
    ----------
    name : str or None
        The claim; None (as `find` gives for samples that the paper does not speak of) records nothing.
    value : float, bool or Estimate
        Our number in the claim's unit, or whether a trend holds. An `Estimate` brings its uncertainty.
    samples : str or sequence of str
        What it was computed on. If that is not all that the claim speaks of, nothing is recorded.
    uncertainty : float, optional
        One standard deviation, in the claim's unit.
    rule : str
        How the number was obtained, in a few words.
    why : str
        For a number that differs: what was found about it. For a trend: what it rests on.
    alternatives : mapping, optional
        Our numbers by other readings of the paper, by the name of the rule; of a trend, whether it holds then.

    Raises
    ------
    UnknownName
        If the paper makes no such claim.
    TypeError
        If a trend got a number, or a number a truth value.
    ValueError
        If a number is not finite.
    """
    if name is None:
        return "not a claim of the paper"
    if name not in claims():
        import difflib

        near = difflib.get_close_matches(name, claims(), n=1)
        raise UnknownName(f"no claim {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    claim = claims()[name]
    used = [samples] if isinstance(samples, str) else list(samples)
    missing = [s for s in claim.samples if s not in used]
    if missing:
        return f"not recorded: {', '.join(missing)} not among the samples"
    if isinstance(value, Estimate):
        uncertainty = value.uncertainty if uncertainty is None else uncertainty
        value = value.value
    is_truth = type(value).__name__ in ("bool", "bool_")
    if (claim.kind == "trend") != is_truth:
        expected = "True or False" if claim.kind == "trend" else "a number"
        raise TypeError(f"claim {name!r} is a {claim.kind}; expected {expected}, got {value!r}")
    if not is_truth and not math.isfinite(value):
        raise ValueError(f"claim {name!r} got {value!r}; expected a finite number")
    if uncertainty is not None and not math.isfinite(uncertainty):
        uncertainty = None
    entry = Record(
        claim=name,
        samples=list(claim.samples),
        value=bool(value) if is_truth else float(value),
        uncertainty=None if uncertainty is None else float(uncertainty),
        rule=rule,
        why=why,
        alternatives={k: float(v) for k, v in (alternatives or {}).items()},
    )
    store.save_numbers(_path(name), asdict(entry), store.provenance({"samples": used, "rule": rule}))
    return judge(claim, entry)


def judge(claim: Claim, entry: Record | None) -> str:
    """Compare a record with its claim.

    A number is *reproduced* if it lies within half a unit of the paper's last digit, *within uncertainty* if
    it lies no farther beyond that than twice our uncertainty, and *differs* otherwise. A bound is
    reproduced if it holds, a trend if it was found.
    """
    if entry is None:
        return "needs data that are not public" if claim.needs else "not yet"
    if claim.kind == "trend":
        return "reproduced" if entry.value else "differs"
    assert claim.value is not None
    if claim.kind == "bound":
        gap = claim.value - entry.value if claim.bound == "above" else entry.value - claim.value
    else:
        gap = abs(entry.value - claim.value) - (claim.half_width or 0.0)
    tolerance = 1e-9 * max(abs(claim.value), 1.0)  # a value on the very edge counts as inside
    if gap <= tolerance:
        return "reproduced"
    return "within uncertainty" if gap <= 2 * (entry.uncertainty or 0.0) else "differs"


def load(name: str) -> Record | None:
    """Return what was recorded for a claim, or None."""
    path = _path(name)
    if not path.is_file():
        return None
    content = store.load_numbers(path)
    content.pop("provenance", None)
    return Record(**content)


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
    return pd.DataFrame([_readable(row) for row in scoreboard()])


def show(frame: pd.DataFrame) -> HTML:
    """Return a table as HTML without row numbers, for a notebook's page."""
    return HTML(frame.to_html(index=False, escape=True, na_rep="–", border=0))


def robustness() -> pd.DataFrame:
    """Return, for each claim with several readings, the verdict by each of them."""
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


def _path(name: str) -> Path:
    return store.results_folder() / "ledger" / f"{name}.json"
