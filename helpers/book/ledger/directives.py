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
            then = ", ".join(f"{count} {word}" for word, count in of_them.items())
            items += (
                f'<li class="{slug(verdict)}"><a href="{LEDGER_PAGE}#verdict-{slug(verdict)}">'
                f'<span class="count">{len(members)}</span><span class="verdict">{escape(verdict)}</span>'
                + (f'<span class="then">{escape(then)}</span>' if then else "")
                + "</a></li>"
            )
        return [nodes.raw(text=f'<ul class="scoreboard">{items}</ul>', format="html")]


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
    app.add_role("paper-value", ClaimRole())
    app.add_role("our-value", ClaimRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
