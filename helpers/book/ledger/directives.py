"""The Sphinx extension of the ledger: its scoreboard, and numbers of the paper and ours within the prose.

Jupyter Book loads it through ``sphinx.extra_extensions``.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from .paper import claims
from .records import load
from .tables import counts


class Scoreboard(SphinxDirective):
    """How many claims of the paper came out, counted by verdict: ``{ledger-scoreboard}``."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Count the ledger's verdicts at the time of the build."""
        items = "".join(
            f'<li class="{re.sub("[^a-z]+", "-", verdict.lower()).strip("-")}">'
            f'<span class="count">{count}</span><span class="verdict">{escape(verdict)}</span></li>'
            for verdict, count in counts().items()
        )
        return [nodes.raw(text=f'<ul class="scoreboard">{items}</ul>', format="html")]


class ClaimRole(SphinxRole):
    """The paper's number of a claim, or ours: ``{paper-value}`name``` and ``{our-value}`name```."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Write the number with its unit; say so where there is none yet."""
        if self.text not in claims():
            message = self.inliner.reporter.error(f"the ledger has no claim {self.text!r}", line=self.lineno)
            return [], [message]
        claim = claims()[self.text]
        record = load(self.text) if self.name == "our-value" else None
        found = claim.value if self.name == "paper-value" else getattr(record, "value", None)
        if found is None:
            return [nodes.inline(text="(not yet computed)")], []
        value = float(found)
        unit = f" {claim.unit}" if claim.unit not in ("", "1") else ""
        digits = f"{value:,.0f}" if value.is_integer() and abs(value) >= 1000 else f"{value:.4g}"
        return [nodes.inline(text=f"{digits}{unit}")], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive and the roles with Sphinx."""
    app.add_directive("ledger-scoreboard", Scoreboard)
    app.add_role("paper-value", ClaimRole())
    app.add_role("our-value", ClaimRole())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
