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
from .origin import foremost, named_in_figures, samples_of, words_of, words_of_figure
from .renderer import PLOTLY_MIME
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
        """Write a row a panel; what a figure shows in this copy follows from what its notebook drew."""
        shown: dict[str, list[str]] = {}
        for path in sorted((Path(self.env.srcdir) / "notebooks").glob("[0-9][0-9]_*.ipynb")):
            shown |= _shown_in(nbformat.read(path, as_version=4))
        lines = ["| panel | shows | here | in this copy |", "|---|---|---|---|"]
        for row in panels():
            link = f"{{numref}}`{row.figure}`" if row.figure in shown else "–"
            words = [_words(row, shown.get(row.figure)), row.note]
            lines.append(f"| {row.panel} | {row.shows} | {link} | {'. '.join(filter(None, words))} |")
        return [nodes.raw(text=MARK, format="html"), *nested(self, lines)]


def _shown_in(notebook: Any) -> dict[str, list[str]]:
    """Return the samples of each figure that an executed notebook has drawn, by the figure's name."""
    everywhere, own = foremost(samples_of(notebook)), named_in_figures(notebook)
    return {
        cell.metadata["mystnb"]["figure"]["name"]: own.get(cell.metadata["mystnb"]["figure"]["name"], everywhere)
        for cell in notebook.cells
        if cell.metadata.get("mystnb", {}).get("figure")
        and any(PLOTLY_MIME in output.get("data", {}) for output in cell.get("outputs", []))
    }


def _words(row: Panel, samples: list[str] | None) -> str:
    """Say what a figure shows in this copy."""
    if not row.figure:
        return ""
    if samples is None:
        return "this copy was built without the data"
    if row.data == "simulated" or not samples:
        return row.data
    kind, names = words_of(samples)
    return f"{words_of_figure(samples)}: {names}" if kind == "published data" else names


def nested(directive: Any, lines: list[str]) -> list[nodes.Node]:
    """Parse lines as the page's own language would."""
    holder = nodes.container(classes=["paper-panels"])
    directive.state.nested_parse(StringList(lines, source="panels.csv"), directive.content_offset, holder)
    return [holder]
