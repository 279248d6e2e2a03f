"""The Sphinx extension of the page on performance: sentences, figures and tables of what ``make bench`` recorded.

Jupyter Book loads it through ``sphinx.extra_extensions``. Building a page runs no benchmark.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ..pages.panels import nested
from ..pages.renderer import figure_element, figure_script, figures_of
from . import drawings, goals, records, sentences
from .overview import draw_overview

#: What the sizes of a section count.
NOUNS = {"imaging": "pixels", "tomography": "voxels"}
_NOTHING = "Nothing of it is recorded in this copy; `make bench` does it."


class Drawn(NamedTuple):
    """A figure of a section with its name and its caption."""

    name: str
    figure: Any
    caption: str


def figures(section: str, runs: list[records.Run]) -> Iterator[Drawn]:
    """Yield the figures of a section: ratios, errors, growth, and what its bench files asked for."""
    found = records.comparisons(runs)
    if found:
        versions = ", ".join(dict.fromkeys(f"{row.peer} {row.version}" for row in found))
        compared = [run for run in runs if records.comparisons([run])]
        titles = dict.fromkeys(_sentence(table["title"]) for run in compared for table in run.tables("cases"))
        yield Drawn(
            f"fig-performance-{section}-ratios",
            drawings.draw_ratios(found),
            f"What other programs take in units of what ours takes ({versions}). {' '.join(titles)} Dots are medians, "
            "bars go from the lowest to the highest turn; right of the dashed line ours takes less. "
            + sentences.measured(compared),
        )
    for run in runs:
        when = sentences.measured([run])
        for number, table in enumerate(run.content["tables"]):
            name = f"fig-performance-{run.file}-{number + 1}"
            title = _sentence(table["title"])
            if table["kind"] == "table":
                figure = drawings.draw_table(table)
                if figure is not None:
                    yield Drawn(name, figure, " ".join(filter(None, [title, _sentence(table["note"]), when])))
                continue
            figure = drawings.draw_errors(table)
            if figure is not None:
                yield Drawn(
                    f"{name}-errors",
                    figure,
                    f"Error against CPU time. {title} Lower and further left is better. {when}",
                )
            if records.growth(table):
                noun = NOUNS.get(section, "atoms")
                yield Drawn(
                    f"{name}-growth",
                    drawings.draw_growth(table, noun),
                    f"CPU time and peak memory divided by the number of {noun}, against that number. {title} "
                    f"A level line is linear growth, a falling one less. {when}",
                )


class _Directive(SphinxDirective):
    """A part of the page that is made from the record."""

    has_content = False

    def draw(self, drawn: Drawn) -> nodes.Node:
        """Return a figure with its caption, and have its data stored beside the page."""
        figure = json.loads(drawn.figure.to_json())
        name, script = figure_script({"data": figure["data"], "layout": figure["layout"]})
        folder = Path(self.env.mystnb_config.output_folder) / "figures"  # type: ignore[attr-defined]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.js").write_text(script, encoding="utf-8")
        figures_of(self.env).setdefault(self.env.docname, []).append(name)
        node = nodes.figure("", nodes.raw(text=figure_element(figure, name, drawn.caption), format="html"))
        node += nodes.caption("", drawn.caption)
        node["names"].append(drawn.name)
        self.state.document.note_explicit_target(node, node)
        return node


class Summary(_Directive):
    """On what computer, beside whom, in how many comparisons ours takes less: ``{performance-summary}``."""

    def run(self) -> list[nodes.Node]:
        """Write a paragraph and draw all comparisons."""
        runs = _load(self)
        text = sentences.summary(runs)
        if not text:
            return nested(self, [_NOTHING])
        caption = (
            "CPU time of other programs in units of ours, a row for each task, medians. Right of the dashed line ours "
            "takes less; an open symbol has an error more than a tenth larger than ours. Point at one for its spread, "
            f"time by the clock and memory. Made {sentences.on_what(runs)}."
        )
        drawn = Drawn("fig-performance-overview", draw_overview(runs), caption)
        return [*nested(self, [text]), self.draw(drawn)]


class Slower(_Directive):
    """All comparisons in which ours takes more, and what was not compared: ``{performance-slower}``."""

    def run(self) -> list[nodes.Node]:
        """Name them."""
        runs = _load(self)
        if not sentences.summary(runs):
            return nested(self, [_NOTHING])
        slow = sentences.slower(records.comparisons(runs))
        absent = sentences.left_out(runs)
        lines = _list(slow) if slow else ["Nowhere does ours take more.", ""]
        lines += ["Not compared:", "", *_list(absent)] if absent else []
        return nested(self, lines)


class Section(_Directive):
    """Sentences, figures and tables of a part of the package: ``{performance-section} structure``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Write what is recorded of it."""
        section = self.arguments[0]
        if section not in records.SECTIONS:
            msg = f"no section {section!r}; expected one of {', '.join(records.SECTIONS)}"
            raise self.error(msg)
        runs = [run for run in _load(self) if run.section == section]
        if not runs:
            return nested(self, [_NOTHING])
        said = [line for run in runs for table in run.tables("cases") for line in sentences.linearity(table)]
        found: list[nodes.Node] = nested(self, _list(said)) if said else []
        found += [self.draw(drawn) for drawn in figures(section, runs)]
        html = "".join(
            sentences.cases_html(table) if table["kind"] == "cases" else sentences.table_html(table)
            for run in runs
            for table in run.content["tables"]
        )
        return [*found, nodes.raw(text=html, format="html")]


class Origin(_Directive):
    """Computer, versions, dates and loads of what is recorded: ``{performance-origin}``."""

    def run(self) -> list[nodes.Node]:
        """Write two sentences and a table with a row a file."""
        runs = _load(self)
        if not runs:
            return nested(self, [_NOTHING])
        words = [line for sentence in sentences.computer(runs) for line in (sentence, "")]
        return [*nested(self, words), nodes.raw(text=sentences.provenance_html(runs), format="html")]


class Goals(_Directive):
    """What was aimed at, before and now: ``{performance-goals}``."""

    def run(self) -> list[nodes.Node]:
        """Say how many are met, name those that are missed, and write a row a goal."""
        runs = _load(self)
        text, missed = goals.tally(runs)
        lines = [text, *(["", "Missed:", "", *_list(missed)] if missed else [])]
        return [*nested(self, lines), nodes.raw(text=goals.goals_html(runs), format="html")]


def _load(directive: SphinxDirective) -> list[records.Run]:
    for path in sorted(records.FOLDER.glob("*.json")):
        directive.env.note_dependency(str(path))
    return records.load()


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or re.search(r"[.!?]$", text) else f"{text}."


def _list(phrases: list[str]) -> list[str]:
    return [*(f"- {_sentence(phrase)}" for phrase in phrases), ""]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives with Sphinx."""
    app.add_directive("performance-summary", Summary)
    app.add_directive("performance-slower", Slower)
    app.add_directive("performance-section", Section)
    app.add_directive("performance-goals", Goals)
    app.add_directive("performance-origin", Origin)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
