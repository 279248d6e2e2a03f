"""What we find: a record for a claim, kept under ``results/ledger``, and how it compares with the claim."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ... import store
from ...checks import UnknownName
from ...uncertainty import Estimate
from .paper import Claim, claims

VERDICTS = ("reproduced", "within uncertainty", "differs", "recorded", "not yet", "needs data that are not public")


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
        msg = f"claim {name!r} is a {claim.kind}; expected {expected}, got {value!r}"
        raise TypeError(msg)
    if not is_truth and not math.isfinite(value):
        msg = f"claim {name!r} got {value!r}; expected a finite number"
        raise ValueError(msg)
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


def weak_range(claim: Claim, entry: Record | None) -> tuple[float, float] | None:
    """Return the ends between which any number would have passed, if they lie so far apart that passing says little.

    A test is weak if twice our uncertainty is at least half of the paper's number.
    """
    if entry is None or claim.value is None or not entry.uncertainty:
        return None
    reach = 2 * entry.uncertainty
    return (entry.value - reach, entry.value + reach) if reach >= 0.5 * abs(claim.value) else None


def load(name: str) -> Record | None:
    """Return what was recorded for a claim, or None."""
    path = _path(name)
    if not path.is_file():
        return None
    content = store.load_numbers(path)
    content.pop("provenance", None)
    return Record(**content)


def _path(name: str) -> Path:
    return store.results_folder() / "ledger" / f"{name}.json"
