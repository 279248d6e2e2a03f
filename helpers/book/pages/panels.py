"""Which figure of the book shows a panel of the paper: the table of ``data/panels.csv`` on a page."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from ...data import DATA_FOLDER
from .origin import samples_of, words_of
from .sheet import MARK


class Panel(NamedTuple):
    """A panel of the paper and the figure of the book that shows it."""

    panel: str
    shows: str
    figure: str
    data: str
    note: str

    @property
    def chapter(self) -> str:
        """Two digits of the notebook that holds the figure; empty if there is none."""
        return self.figure.split("-")[1] if self.figure else ""


def panels() -> list[Panel]:
    """Return the panels of the paper in its order."""
    with (DATA_FOLDER / "panels.csv").open(encoding="utf-8", newline="") as file:
        return [Panel(**row) for row in csv.DictReader(file)]


class PaperPanels(SphinxDirective):
    """The table of the paper's panels, with links: ``{paper-panels}``."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Write a row a panel; what a figure shows in this copy follows from the samples its notebook ran on."""
        folder = Path(self.env.srcdir) / "notebooks"
        origins: dict[str, str] = {}
        for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
            samples = samples_of(nbformat.read(path, as_version=4))
            origins[path.name[:2]] = ": ".join(words_of(samples)) if samples else ""
        lines = ["| panel | shows | here | in this copy |", "|---|---|---|---|"]
        for row in panels():
            link = f"{{numref}}`{row.figure}`" if row.figure else "–"
            shown = origins.get(row.chapter, "") if row.figure else ""
            words = ". ".join(filter(None, [shown, row.note]))
            lines.append(f"| {row.panel} | {row.shows} | {link} | {words} |")
        return [nodes.raw(text=MARK, format="html"), *nested(self, lines)]


def nested(directive: Any, lines: list[str]) -> list[nodes.Node]:
    """Parse lines as the page's own language would."""
    holder = nodes.container(classes=["paper-panels"])
    directive.state.nested_parse(StringList(lines, source="panels.csv"), directive.content_offset, holder)
    return [holder]
