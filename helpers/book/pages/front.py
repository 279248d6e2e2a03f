"""What the front page shows of the other pages: a figure of a notebook, and the data of this copy."""

from __future__ import annotations

import datetime
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from ...store import version
from .origin import samples_of, words_of
from .renderer import PLOTLY_MIME, figure_element, figure_script, figures_of, plain


class NotebookFigure(SphinxDirective):
    """A figure of an executed notebook on another page: ``{notebook-figure} 00_result fig-00-story``."""

    required_arguments = 2
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Write the figure with its caption; nothing where the notebook has not drawn it."""
        path = Path(self.env.srcdir) / "notebooks" / f"{self.arguments[0]}.ipynb"
        self.env.note_dependency(str(path))
        found = figure_in(path, self.arguments[1])
        if found is None:
            return []
        figure, caption = found
        name, script = figure_script(figure)
        folder = Path(self.env.mystnb_config.output_folder) / "figures"  # type: ignore[attr-defined]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.js").write_text(script, encoding="utf-8")
        figures_of(self.env).setdefault(self.env.docname, []).append(name)
        words = " ".join(self.content) or plain(caption)
        samples = samples_of(nbformat.read(path, as_version=4))
        kind = words_of(samples)[0] if samples else ""
        badge = f' <span class="badge {kind.replace(" ", "-")}">{kind}</span>' if kind else ""
        caption = f"<figcaption>{escape(words)}{badge}</figcaption>"
        html = f"<figure>{figure_element(figure, name, words)}{caption}</figure>"
        return [nodes.raw(text=html, format="html")]


class CopyData(SphinxDirective):
    """Which data this copy of the book was built with, and when: ``{copy-data}``."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Name published and simulated samples of the pages."""
        return [nodes.paragraph(text=copy_words(Path(self.env.srcdir)))]


def copy_words(pages: Path) -> str:
    """Say which data a copy of the book shows, its version and its date.

    Parameters
    ----------
    pages : path
        Folder of the sources of the pages, with the executed notebooks.
    """
    used: dict[str, None] = {}
    for path in sorted((pages / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        used |= dict.fromkeys(samples_of(nbformat.read(path, as_version=4)))
    kind, names = words_of(list(used))
    shown = f"the published data of {names}" if kind.startswith("published") else "the simulated particle alone"
    made = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    return f"This copy was built with {shown}, by version {version()}, on {made}."


def figure_in(path: Path, name: str) -> tuple[dict[str, Any], str] | None:
    """Return data and layout of a notebook's figure by its name, with its caption, or None."""
    if not path.is_file():
        return None
    for cell in nbformat.read(path, as_version=4).cells:
        about = cell.metadata.get("mystnb", {}).get("figure", {})
        if about.get("name") != name:
            continue
        for output in cell.get("outputs", []):
            content = output.get("data", {}).get(PLOTLY_MIME)
            if content:
                return {"data": content.get("data", []), "layout": content.get("layout", {})}, about["caption"]
    return None
