"""The ledger of one notebook: its samples, what it records, and its verdicts, for the end of the page."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ... import digits
from ...checks import UnknownName
from ...data import DATA_FOLDER
from ...samples import load_sample
from ...uncertainty import Estimate
from . import archive, records
from .paper import Claim, claims
from .tables import Row, row_of

Number = float | bool | Estimate


def page(samples: Sequence[str]) -> Page:
    """Open the ledger for a notebook.

    Parameters
    ----------
    samples : sequence of str
        The samples that the notebook was given.

    Returns
    -------
    Page
        Its ``samples`` belong into the figures, tables and pools that reproduce the paper, its ``control`` does not.

    Examples
    --------
    >>> from helpers.book import ledger
    >>> page = ledger.page(["Ta", "Pd1", "demo"])
    >>> page.samples, page.control
    (['Ta', 'Pd1'], ['demo'])
    >>> ledger.page(["demo"]).samples
    ['demo']
    """
    return Page(samples)


class Page:
    """Samples and verdicts of one notebook.

    Attributes
    ----------
    samples : list of str
        The measured ones of those given; where there are none, all that were given.
    control : list of str
        The simulated ones that stand apart, because measured ones are there.
    measured : bool or None
        Whether the figures show measured samples; None where they show a reader's own, of which the passages on the
        paper's samples are not true.
    """

    def __init__(self, samples: Sequence[str]) -> None:
        given = list(samples)
        real = [name for name in given if not load_sample(name).simulated]
        self.samples = real or given
        own = any(load_sample(name).folder != DATA_FOLDER.resolve() for name in self.samples)
        self.measured: bool | None = None if own else bool(real)
        self.control = [name for name in given if name not in self.samples]
        self._claims: dict[str, None] = {}
        self._recorded: set[str] = set()

    def name(self, sample: str) -> str:
        """Return what figures and tables call a sample; what `keep` brought from the record says so."""
        return load_sample(sample).short + (", recorded" if sample in self._recorded else "")

    def record(
        self,
        claim: str,
        value: Number | Mapping[str, Number],
        *,
        readings: Mapping[str, Any] | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        """Put our value of a claim into the ledger.

        Parameters
        ----------
        claim : str
            Name of the claim; or, with a value a sample, what the names of the claims on single samples start with.
        value : float, bool, Estimate or dict of these by sample
            Our number in the claim's unit, or whether a trend holds. What is not finite is not recorded.
        readings : dict, optional
            Our numbers by other readings of the paper, by their keys in ``data/claims.toml``; with a value a sample, a
            dict of them a sample. What is not finite is left out.
        facts : dict, optional
            What the run found, for the braces in the claim's rule and reason.

        Raises
        ------
        UnknownName
            If there is no such claim or reading.
        """
        if not isinstance(value, Mapping):
            self._record(_claim(claim), value, readings or {}, facts or {})
            return
        about = [c for c in claims().values() if c.name.startswith(claim) and len(c.samples) == 1]
        if not about:
            msg = f"no claim starts with {claim!r}"
            raise UnknownName(msg)
        for one in about:
            sample = one.samples[0]
            self._claims[one.name] = None
            if sample in value:
                self._record(one, value[sample], (readings or {}).get(sample, {}), facts or {})

    def _record(self, claim: Claim, value: Number, readings: Mapping[str, Any], facts: Mapping[str, object]) -> None:
        self._claims[claim.name] = None
        unknown = set(readings) - set(claim.readings)
        if unknown:
            known = ", ".join(claim.readings) or "none"
            msg = f"claim {claim.name!r} has no reading {sorted(unknown)[0]!r}; claims.toml lists {known}"
            raise UnknownName(msg)
        if not math.isfinite(value.value if isinstance(value, Estimate) else value):
            return
        others = {claim.readings[key]: found for key, found in readings.items() if math.isfinite(found)}
        rule, why = (_fill(claim, text, facts) for text in (claim.rule, claim.why))
        used = [*self.samples, *self.control]  # a claim about a simulation is there too
        records.record(claim.name, value, samples=used, rule=rule, why=why, alternatives=others)

    def keep(
        self, name: str, curves: Mapping[str, tuple[Any, Any]], *, title: str = ""
    ) -> dict[str, tuple[list[float], list[float]]]:
        """Keep curves of measured samples for copies without data; see `helpers.book.ledger.archive.keep`."""
        found = archive.keep(name, curves, title=title)
        self._recorded.update(found)
        return found

    def verdicts(self) -> Verdicts:
        """Return the claims that were recorded here, with the paper's numbers and ours, for the end of the page."""
        return Verdicts([row_of(claims()[name]) for name in self._claims])


class Verdicts:
    """A table of claims: what the paper states, what is found here, and the verdict, each with a link to the ledger."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = list(rows)

    def __repr__(self) -> str:
        return f"{digits.counted(len(self.rows), 'claim')} of the paper"

    def _repr_html_(self) -> str:
        lines = "".join(
            f'<tr class="{row.style}"><td><a href="18_ledger.html#{row.anchor}">{escape(row.claim.statement)}</a> '
            f'<span class="about">{escape(row.claim.figure_words)}, {escape(row.claim.about)}</span></td>'
            f"<td>{escape(row.claim.paper)}</td><td>{escape(row.ours)}</td>"
            f'<td class="verdict">{escape(row.verdict_words)}</td></tr>'
            for row in self.rows
        )
        recorded_here = any(row.is_recorded for row in self.rows)
        foot = f'<p class="recorded-note">{escape(archive.note())}</p>' if recorded_here else ""
        return (
            '<table class="ledger dataframe"><thead><tr><th scope="col">The paper states</th><th scope="col">paper</th>'
            f'<th scope="col">here</th><th scope="col">verdict</th></tr></thead><tbody>{lines}</tbody></table>{foot}'
        )


def _claim(name: str) -> Claim:
    if name not in claims():
        near = difflib.get_close_matches(name, claims(), n=1)
        raise UnknownName(f"no claim {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return claims()[name]


def _fill(claim: Claim, text: str, facts: Mapping[str, object]) -> str:
    words = {key: fact if isinstance(fact, str) else digits.write(fact) for key, fact in facts.items()}
    try:
        return text.format(**words).strip()
    except KeyError as missing:
        msg = f"claim {claim.name!r} says {text!r}; give facts={{{missing.args[0]!r}: …}}"
        raise UnknownName(msg) from None
