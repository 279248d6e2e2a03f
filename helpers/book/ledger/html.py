"""The ledger as pages show it: every claim in a row that unfolds, what differs, and which conclusions stand."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Sequence
from html import escape
from typing import Any

from ... import digits
from ...data import DATA_FOLDER
from . import archive, conclusions
from .own import own_text
from .records import VERDICTS, judge
from .tables import Row, rows, scoreboard, slug


class Shown:
    """HTML for a page; as text it says in a line what it holds."""

    def __init__(self, html: str, words: str) -> None:
        self._html = html
        self._words = words

    def __repr__(self) -> str:
        return self._words

    def _repr_html_(self) -> str:
        return self._html


def ledger(verdicts: Sequence[str] = ()) -> Shown:
    """Return every claim in a row that unfolds, by the paper's figures, with buttons that filter and with downloads.

    Parameters
    ----------
    verdicts : sequence of str
        Show only claims with these verdicts; all by default.
    """
    shown = [row for row in rows() if not verdicts or row.verdict in verdicts]
    counts = {verdict: sum(row.verdict == verdict for row in shown) for verdict in VERDICTS}
    buttons = f'<button type="button" data-verdict="" aria-pressed="true">all {len(shown)}</button>' + "".join(
        f'<button type="button" id="verdict-{slug(verdict)}" class="{slug(verdict)}" data-verdict="{slug(verdict)}" '
        f'aria-pressed="false">{escape(verdict)} {count}</button>'
        for verdict, count in counts.items()
        if count
    )
    head = (
        '<div class="claim-head" aria-hidden="true"><span>Fig.</span><span>The paper states</span><span>paper</span>'
        "<span>here</span><span>verdict</span></div>"
    )
    note = f'<p class="recorded-note">{escape(archive.note())}</p>' if any(row.is_recorded for row in shown) else ""
    html = (
        f'<div class="ledger" id="ledger"><div class="ledger-filter" role="group" aria-label="show claims by verdict">'
        f"{buttons}</div>{note}{head}{''.join(map(_claim, shown))}<p>{_downloads()}</p></div>"
    )
    return Shown(html, digits.counted(len(shown), "claim"))


def differences() -> Shown:
    """Return the claims whose numbers differ, with the reason as far as it is known."""
    found = [row for row in rows() if row.entry is not None and judge(row.claim, row.entry) == "differs"]
    items = "".join(
        f'<li class="{row.style}"><a href="#{row.anchor}">{escape(row.claim.statement)}</a> '
        f"({escape(row.claim.figure_words)}) The paper: {escape(row.claim.paper)}; here: "
        f"{escape(row.ours)}{', which is better' if row.better else ''}. "
        f"{escape(row.entry.why if row.entry and row.entry.why else 'We have found no reason yet.')}</li>"
        for row in found
    )
    if not found:
        return Shown("<p>No number of this copy differs from the paper's.</p>", "nothing differs")
    return Shown(f'<ul class="ledger">{items}</ul>', digits.counted(len(found), "claim", "differ"))


def standing() -> Shown:
    """Return the paper's conclusions by whether they stand, each with what goes against it."""
    groups: dict[str, list[str]] = {}
    for conclusion in conclusions.conclusions().values():
        verdict, against = conclusions.weigh(conclusion)
        why = f"<ul>{''.join(f'<li>{escape(reading)}</li>' for reading in against)}</ul>" if against else ""
        label = "still needs" if verdict == "not yet" else "against it"
        folded = f"<details><summary>{label}: {len(against)}</summary>{why}</details>" if against else ""
        groups.setdefault(verdict, []).append(f"<li>{escape(conclusion.statement)}{folded}</li>")
    titles = {
        "robust": "Robust: by our numbers, their uncertainties and every other reading",
        "depends on the reading": "Depends on the reading of a rule, or on the uncertainty",
        "does not stand": "Does not stand",
        "not yet": "Not judged yet",
    }
    html = "".join(
        f'<p class="standing {slug(verdict)}"><strong>{title}</strong></p><ul>{"".join(groups[verdict])}</ul>'
        for verdict, title in titles.items()
        if verdict in groups
    )
    return Shown(html, ", ".join(f"{len(groups[v])} {v}" for v in titles if v in groups))


def _claim(row: Row) -> str:
    claim, entry = row.claim, row.entry
    parts = []
    if entry is not None and entry.rule:
        parts.append(f"<p><strong>Rule.</strong> {escape(_sentence(entry.rule))}</p>")
    if row.readings:
        lines = "".join(
            f'<tr class="{slug(verdict)}"><th scope="row">{escape(words)}</th><td>{escape(value)}</td>'
            f'<td class="verdict">{escape(verdict)}</td></tr>'
            for words, value, verdict in row.readings
        )
        parts.append(
            '<table><caption>Other readings of the text</caption><thead><tr><th scope="col">reading</th>'
            f'<th scope="col">gives</th><th scope="col">verdict</th></tr></thead><tbody>{lines}</tbody></table>'
        )
    if own := own_text(row.claim.name):
        parts.append(f"<p><strong>From our own atoms.</strong> {escape(own)}</p>")
    if entry is not None and entry.why:
        parts.append(f"<p><strong>Note.</strong> {escape(entry.why)}</p>")
    if row.weak and row.verdict_words.endswith("(weak test)"):
        parts.append(f"<p><strong>Weak test.</strong> {escape(_sentence(row.weak))}</p>")
    if row.difference is not None:
        unit = "percentage points" if claim.unit == "%" else claim.unit
        gap = digits.write(row.difference, places=row.finer, sign=True)
        limit = digits.write(row.allowed, places=row.finer, unit=unit)
        parts.append(f"<p>Difference: {escape(gap)}; the two agree up to {escape(limit)}.</p>")
    place = section_of(row)
    if place:
        parts.append(f'<p><a href="{place}">Where it is computed</a></p>')
    elif entry is None:
        parts.append("<p>No page computes it yet.</p>")
    return (
        f'<details class="claim {row.style}" id="{row.anchor}" data-verdict="{row.style}"><summary>'
        f'<span class="where">{escape(claim.figure)}</span><span class="what">{escape(claim.statement)} '
        f'<span class="about">{escape(claim.about)}</span></span>'
        f'<span class="paper">{escape(claim.paper)}</span><span class="ours">{escape(row.ours)}</span>'
        f'<span class="verdict">{escape(row.verdict_words)}</span></summary>{"".join(parts)}</details>'
    )


def _sentence(words: str) -> str:
    """Begin with a capital, but for a Greek letter, which would become another symbol, and end with one full stop."""
    first = words[0] if words[0] in "αβγδθφψ" else words[0].upper()
    return first + words[1:].removesuffix(".") + "."


def section_of(row: Row) -> str:
    """Address of the section that computes a claim, as seen from another notebook; empty where there is none."""
    found = sorted((DATA_FOLDER.parent / "book" / "notebooks").glob(f"{row.claim.notebook:02d}_*.ipynb"))
    if not found:
        return ""
    return f"{found[0].stem}.html" + (f"#{row.claim.section}" if row.claim.section else "")


def _downloads() -> str:
    plain: list[dict[str, Any]] = [{**row, "alternatives": dict(row["alternatives"])} for row in scoreboard()]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(plain[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "alternatives": json.dumps(row["alternatives"], ensure_ascii=False)} for row in plain)
    files = {
        "CSV": ("text/csv", text.getvalue()),
        "JSON": ("application/json", json.dumps(plain, ensure_ascii=False, indent=1)),
    }
    links = [
        f'<a download="ledger.{kind.lower()}" href="data:{mime};base64,{base64.b64encode(content.encode()).decode()}">'
        f"{kind}</a>"
        for kind, (mime, content) in files.items()
    ]
    return "Download the ledger: " + ", ".join(links) + "."
