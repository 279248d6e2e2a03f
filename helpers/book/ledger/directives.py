"""The Sphinx extension of the ledger: its scoreboard, and numbers of the paper and ours within the prose.

Jupyter Book loads it through ``sphinx.extra_extensions``.
"""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from . import archive, conclusions
from .paper import claims
from .records import VERDICTS, judge
from .tables import row_of, rows, slug

LEDGER_PAGE = "notebooks/18_ledger.html"  # as seen from the front page


class Scoreboard(SphinxDirective):
    """How many claims of the paper have which verdict, each a link into the ledger: ``{ledger-scoreboard}``."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Count the ledger's verdicts at the time of the build."""
        found = rows()
        items = ""
        for verdict in VERDICTS:
            members = [row for row in found if row.verdict == verdict]
            if not members:
                continue
            of_them = Counter(judge(row.claim, row.entry) for row in members if row.is_recorded)
            plural = {"differs": "differ"}
            then = ", ".join(f"{n} {word if n == 1 else plural.get(word, word)}" for word, n in of_them.items())
            if not of_them and (better := sum(row.better for row in members)) and verdict == "differs":
                then = f"of them {better} for the better"
            items += (
                f'<li class="{slug(verdict)}"><a href="{LEDGER_PAGE}#verdict-{slug(verdict)}">'
                f'<span class="count">{len(members)}</span><span class="verdict">{escape(verdict)}</span>'
                + (f'<span class="then">{escape(then)}</span>' if then else "")
                + "</a></li>"
            )
        return [nodes.raw(text=f'<ul class="scoreboard">{items}</ul>', format="html")]


#: The paper's headline numbers, on the front page.
HEADLINES = ("pentagonal_total", "icosahedra_total", "largest_pbn_size", "edge_neighbour", "dihedral_peak")


class Headlines(SphinxDirective):
    """The paper's headline numbers beside ours: ``{ledger-headlines}``."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Write a row a number, from this copy or from the recorded run."""
        found = [row_of(claims()[name]) for name in HEADLINES]
        lines = "".join(
            f'<tr class="{row.style}"><th scope="row"><a href="{LEDGER_PAGE}#{row.anchor}">'
            f"{escape(row.claim.statement)}</a></th><td>{escape(row.claim.paper)}</td><td>{escape(row.ours)}</td>"
            f'<td class="verdict">{escape(row.verdict_words)}</td></tr>'
            for row in found
        )
        note = archive.note() if any(row.is_recorded or row.entry is None for row in found) else ""
        html = (
            '<div class="table-scroll"><table class="ledger headlines"><thead><tr>'
            '<th scope="col">The paper states</th>'
            '<th scope="col">paper</th><th scope="col">here</th><th scope="col">verdict</th></tr></thead>'
            f"<tbody>{lines}</tbody></table></div>" + (f'<p class="recorded-note">{escape(note)}</p>' if note else "")
        )
        return [nodes.raw(text=html, format="html")]


class Standing(SphinxDirective):
    """Which conclusions of the paper stand by every reading, and which depend on one: ``{ledger-standing}``."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Name the conclusions, first those that depend on a reading."""
        groups: dict[str, list[str]] = {}
        for conclusion in conclusions.conclusions().values():
            groups.setdefault(conclusions.weigh(conclusion)[0], []).append(conclusion.statement)
        judged = sum(len(found) for verdict, found in groups.items() if verdict != "not yet")
        if not judged:
            return [nodes.paragraph(text="This copy has judged none of the paper's conclusions.")]
        titles = {
            "robust": "{} of {} conclusions are robust: every reading supports them, within the uncertainties.",
            "depends on the reading": "{} of {} depend on how a rule is read, or on the uncertainty of the positions:",
            "does not stand": "{} of {} do not stand:",
        }
        parts: list[nodes.Node] = []
        for verdict, title in titles.items():
            found = groups.get(verdict, [])
            if not found:
                continue
            parts.append(nodes.paragraph(text=title.format(len(found), judged)))
            if verdict != "robust":
                parts.append(nodes.bullet_list("", *(nodes.list_item("", nodes.paragraph(text=x)) for x in found)))
        return parts


class ClaimRole(SphinxRole):
    """The paper's number of a claim, or ours: ``{paper-value}`name``` and ``{our-value}`name```."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Write the number with its unit; say so where there is none yet."""
        if self.text not in claims():
            message = self.inliner.reporter.error(f"the ledger has no claim {self.text!r}", line=self.lineno)
            return [], [message]
        row = row_of(claims()[self.text])
        if self.name == "paper-value":
            return [nodes.inline(text=row.claim.paper)], []
        if row.entry is None:
            return [nodes.inline(text="(not yet computed)")], []
        classes = ["recorded"] if row.is_recorded else []
        return [nodes.inline(text=row.ours, classes=classes)], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and the roles with Sphinx."""
    app.add_directive("ledger-scoreboard", Scoreboard)
    app.add_directive("ledger-headlines", Headlines)
    app.add_directive("ledger-standing", Standing)
    app.add_role("paper-value", ClaimRole())
    app.add_role("our-value", ClaimRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
