"""Stored plotly figures become page elements: light, offline, and drawn by the page's own script.

:class:`PlotlyRenderer` is registered with MyST-NB as the entry point ``plotly`` of the group
``myst_nb.mime_renderers``; :mod:`helpers.book.pages.extension` puts the scripts beside the pages.
"""

from __future__ import annotations

import hashlib
import json
import re
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import nbformat
from docutils import nodes

from ...samples import load_sample
from ..downloads import TABLE_MIME, links, unpack

PLOTLY_MIME = "application/vnd.plotly.v1+json"
#: A page should open quickly on a phone: more than this in one figure fails the build.
FIGURE_LIMIT_MB = 6.0

_GREEK = dict(
    zip("αβγδθφψμσ", ("alpha", "beta", "gamma", "delta", "theta", "varphi", "psi", "mu", "sigma"), strict=True)
)
_TAG = re.compile(r"<[^>]+>")


class PlotlyRenderer:
    """Turn stored plotly figures into page elements that the page's own script draws."""

    mime_priority_overrides: ClassVar[list[tuple[str, str, int | None]]] = [
        ("html", PLOTLY_MIME, 5),
        ("dirhtml", PLOTLY_MIME, 5),
        ("singlehtml", PLOTLY_MIME, 5),
        ("html", TABLE_MIME, 6),
    ]

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[nodes.Element] | None:
        """Return the nodes of one figure or of links to tables, or None for any other kind of output."""
        if data.mime_type == TABLE_MIME:
            return [nodes.raw(text=_lay_tables(renderer, data.content), format="html", classes=["output"])]
        if data.mime_type != PLOTLY_MIME:
            return None
        figure = {"data": data.content.get("data", []), "layout": data.content.get("layout", {})}
        env = renderer.renderer.sphinx_env
        label = data.cell_metadata.get("mystnb", {}).get("figure", {}).get("name", "")
        if label and simulated_only(env):
            from .curves import add_recorded  # reads figures too, so it imports this module

            figure = add_recorded(figure, label)
        name, script = figure_script(figure)
        size = len(script) / 1e6
        if size > FIGURE_LIMIT_MB:
            renderer.logger.warning(
                f"the figure of cell {data.cell_index} has {size:.1f} MB; expected at most {FIGURE_LIMIT_MB:g}: "
                "draw fewer points or coarser ones, or store float32 and uint8 arrays",
                subtype="figure_size",
                line=data.line,
            )
        if not data.cell_metadata.get("mystnb", {}).get("figure", {}).get("caption"):
            renderer.logger.warning(
                f"the figure of cell {data.cell_index} has no caption: give the cell mystnb.figure.caption",
                subtype="figure_caption",
                line=data.line,
            )
        renderer.write_file(["figures", f"{name}.js"], script.encode("utf-8"), exists_ok=True)
        figures_of(env).setdefault(env.docname, []).append(name)
        caption = data.cell_metadata.get("mystnb", {}).get("figure", {}).get("caption", "")
        return [nodes.raw(text=figure_element(figure, name, caption), format="html", classes=["output"])]


def _lay_tables(renderer: Any, files: dict[str, Any]) -> str:
    """Write tables where the build finds them, and return the links to them."""
    known = {}
    for name, file in files.items():
        content = unpack(file["content"])
        renderer.write_file(["tables", name], content, overwrite=True)
        known[name] = (file["rows"], len(content))
    return links(known, "../_static/tables")


def figure_script(figure: dict[str, Any]) -> tuple[str, str]:
    """Name a figure after its content and write it as a script that a page can load, even from a disk.

    Parameters
    ----------
    figure : dict
        ``data`` and ``layout`` of a plotly figure.

    Returns
    -------
    name : str
        Sixteen hexadecimal digits of the content's SHA-256.
    script : str
        JavaScript that stores the figure under its name.
    """
    text = json.dumps(figure, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    name = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
    return name, f'(window.bookFigures=window.bookFigures||{{}})["{name}"]={text};\n'


def figure_element(figure: dict[str, Any], name: str, caption: str = "") -> str:
    """Write the HTML in which a figure is drawn, with its picture and its words for readers without the drawing.

    Where the picture goes stands a comment; `helpers.book.pages.stills` replaces it once the picture is made.
    """
    layout = figure.get("layout", {})
    height = float(layout.get("height") or 450)
    words = escape(" ".join(filter(None, [plain(caption), describe(figure)])), quote=True)
    return (
        f'<div class="book-figure" data-figure="{name}" style="min-height:{height:.0f}px" tabindex="0" '
        f'role="group" aria-label="{words}"><div class="book-figure-plot"></div><!--still {name}-->'
        f'<p class="book-figure-text">{words} The drawing needs JavaScript.</p></div>'
    )


def plain(caption: str) -> str:
    r"""Return a caption without the marks of Markdown, roles and formulas.

    Examples
    --------
    >>> from helpers.book.pages.renderer import plain
    >>> plain("Share of *motifs* at $\\delta$ = 0.255 (Fig. 2a of {cite}`Yuan2022`).")
    'Share of motifs at δ = 0.255 (Fig. 2a).'
    """
    words = re.sub(r"\s*of \{cite\}`[^`]*`|\s*\{cite\}`[^`]*`", "", caption)
    words = re.sub(r"\{[\w-]+\}`([^`<]*?)\s*(?:<[^`]*>)?`", r"\1", words)
    words = words.replace("\\leq", "≤").replace("\\geq", "≥")
    for letter, name in _GREEK.items():
        words = words.replace("\\" + name, letter)
    return re.sub(r"\s+", " ", re.sub(r"[*$`]|\\mathrm|[{}]|<[^>]+>", "", words)).strip()


def describe(figure: dict[str, Any]) -> str:
    """Say in a sentence what a figure draws, from its title, axes and traces.

    Examples
    --------
    >>> from helpers.book.pages.renderer import describe
    >>> describe({"data": [{"type": "scatter", "name": "Ta"}],
    ...           "layout": {"xaxis": {"title": {"text": "r [Å]"}}, "yaxis": {"title": {"text": "g(r)"}}}})
    'Interactive figure: g(r) against r [Å]; Ta.'
    """
    layout = figure.get("layout", {})

    def text(part: Any) -> str:
        title = part.get("title") if isinstance(part, dict) else None
        words = title.get("text") if isinstance(title, dict) else title
        return _TAG.sub("", words or "").strip()

    def first(kind: str) -> str:
        axes = sorted(key for key in layout if re.fullmatch(kind + r"axis\d*", key))
        return next((text(layout[key]) for key in axes if text(layout[key])), "")

    parts = [text(layout)]
    if first("x") or first("y"):
        parts.append(f"{first('y') or 'values'} against {first('x') or 'categories'}")
    elif any(str(trace.get("type", "")).endswith("3d") for trace in figure.get("data", [])):
        parts.append("a view in three dimensions that can be turned")
    names = dict.fromkeys(
        _TAG.sub("", str(trace["name"]))
        for trace in figure.get("data", [])
        if trace.get("name") and trace["name"] not in ("names", "skeletons")
    )
    parts.append(", ".join(names))
    return ": ".join(["Interactive figure", "; ".join(filter(None, parts))]).removesuffix(": ") + "."


def simulated_only(env: Any) -> bool:
    """Whether the page that is being read shows no measured sample."""
    from .origin import samples_of

    path = Path(env.doc2path(env.docname)) if hasattr(env, "doc2path") else Path()
    if path.suffix != ".ipynb":
        return False
    samples = samples_of(nbformat.read(path, as_version=4))
    return bool(samples) and all(load_sample(name).simulated for name in samples)


def figures_of(env: Any) -> dict[str, list[str]]:
    """Names of the figures on each page, kept in Sphinx's environment."""
    if not hasattr(env, "book_figures"):
        env.book_figures = {}
    return env.book_figures
