"""The Sphinx extension of the pages: scripts that lie with them, and docstrings as they are meant.

Jupyter Book loads it through ``sphinx.extra_extensions``. Nothing that a page needs comes from another
host.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging
from sphinx.util.fileutil import copy_asset

from ..palette import palette
from . import address, origin
from .facts import Faults, RunCosts
from .front import CopyData, NotebookFigure, copy_words
from .panels import PaperPanels
from .renderer import figures_of
from .sheet import write_sheet
from .stills import DrawnAhead, draw_stills, place_stills

logger = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "static"


def _purge(app: Sphinx, env: Any, docname: str) -> None:
    figures_of(env).pop(docname, None)


def _merge(app: Sphinx, env: Any, docnames: list[str], other: Any) -> None:
    figures_of(env).update({name: found for name, found in figures_of(other).items() if name in docnames})


def _configure(app: Sphinx, config: Config) -> None:
    """Use scripts that lie with the pages, and the repository that a build service names."""
    config["mathjax_path"] = "mathjax/tex-svg.js"
    config["html_static_path"] = [*config.html_static_path, str(_STATIC)]
    config["html_context"] = {"default_mode": "auto", **config.html_context}
    _drop_thebe(app)
    app.add_js_file("figures.js", loading_method="defer")
    app.add_js_file("ledger.js", loading_method="defer")
    app.add_css_file("book.css")
    app.add_css_file("palette.css")
    found = address.repository(config.html_theme_options.get("repository_url"), os.environ)
    config["html_theme_options"] = address.theme_options(config.html_theme_options, found)
    config["html_baseurl"] = config.html_baseurl or address.pages_of(found)
    if found:
        app.tags.add("public")  # for {only} in pages that speak of the buttons


def _number_by_chapter(app: Sphinx, env: Any) -> list[str]:
    """Count figures by chapter, those of notebook 14 as 14.1, 14.2 …: a new chapter then moves no other number.

    Those of a page without a number go by its first letter.
    """
    for docname, kinds in env.toc_fignumbers.items():
        chapter = re.fullmatch(r"notebooks/(\d\d)_\w+", docname)
        first = int(chapter[1]) if chapter else docname[0].upper()
        for numbers in kinds.values():
            for place, name in enumerate(numbers):
                numbers[name] = (first, place + 1)
    return []


def _drop_thebe(app: Sphinx) -> None:
    """Take out sphinx-thebe, which Jupyter Book always loads and which declares its script on every page twice."""
    for name, listeners in app.events.listeners.items():
        app.events.listeners[name] = [
            listener for listener in listeners if not listener.handler.__module__.startswith("sphinx_thebe")
        ]
    app.registry.css_files[:] = [entry for entry in app.registry.css_files if "thebe" not in str(entry[0])]


def _set_equations_apart(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Show the indented equations of a docstring's notes as they are typed, in a block of their own.

    To reStructuredText an indented paragraph is a quotation, and ``|q|²`` the start of a substitution.
    """
    section, before, literal = "", "", False
    changed: list[str] = []
    for line, following in pairwise([*lines, ""]):
        if line and re.fullmatch(r"-{3,}", following.strip()):
            section = line.strip()
        indented = line.startswith("    ")
        starts = indented and not literal and not before.strip()
        if starts and section == "Notes" and not re.match(r"\s*([-*>]|\.\. |\d+\. )", line):
            text = next((x for x in reversed(changed) if x.strip()), "")
            if not text.rstrip().endswith("::") and not text.startswith(".. "):
                changed += ["::", ""]
            literal = True
        if line.strip() and not indented:
            literal = False
        changed.append(line)
        before = line
    lines[:] = changed


def _hide_paths(app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: Any) -> Any:
    """Keep folders of the computer that built the pages out of printed defaults."""
    if signature and "Path('" in signature:
        return re.sub(r"(?:Posix|Windows)?Path\('[^']*'\)", "…", signature), returns
    return None


def palette_sheet() -> str:
    """Give the pages the colours of the palette as variables: ``--verdicts-differs``.

    Examples
    --------
    >>> from helpers.book.pages.extension import palette_sheet
    >>> "--verdicts-within-uncertainty: #5090B5;" in palette_sheet()
    True
    """
    lines = [
        f"--{group}-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}: {colour};"
        for group in ("verdicts", "neutral")
        for name, colour in palette()[group].items()
    ]
    return ":root { " + " ".join(lines) + " }\n"


def _start_drawing(app: Sphinx) -> None:
    """Draw the pictures of figures while the pages are read and written."""
    if app.builder.format == "html":
        ahead = DrawnAhead(_package_file("plotly", "package_data", "plotly.min.js"), _stills(app))

        def add(app: Sphinx, doctree: Any) -> None:
            made = Path(app.env.mystnb_config.output_folder) / "figures"  # type: ignore[attr-defined]
            ahead.add(made / f"{name}.js" for name in figures_of(app.env).get(app.env.docname, ()))

        app.connect("doctree-read", add)
        app.connect("build-finished", lambda app, error: ahead.finish(), priority=400)


def _stills(app: Sphinx) -> Path:
    """Folder in which pictures are kept from build to build."""
    return Path(app.outdir).parent / "stills"


def _copy_files(app: Sphinx, error: Exception | None) -> None:
    """Put the scripts and the figures beside the pages."""
    if error is not None or app.builder.format != "html":
        return
    target = Path(app.outdir) / "_static"
    used = {name for names in figures_of(app.env).values() for name in names}
    folder = target / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.js"):
        if old.stem not in used:
            old.unlink()
    made = Path(app.env.mystnb_config.output_folder) / "figures"  # type: ignore[attr-defined]
    for name in sorted(used):
        copy_asset(made / f"{name}.js", folder)
    if used:
        plotly = _package_file("plotly", "package_data", "plotly.min.js")
        copy_asset(plotly, target)
        kept = _stills(app)
        for trouble in draw_stills([folder / f"{name}.js" for name in sorted(used)], plotly, kept):
            logger.info("NO PICTURE: %s", trouble)
        place_stills(Path(app.outdir), kept)
    copy_asset(_package_file("sphinx-mathjax-offline", "static", "mathjax", "tex-svg.js"), target / "mathjax")
    for trouble in write_sheet(Path(app.outdir), copy_words(Path(app.srcdir))):
        logger.info("NO SHEET OF FIGURES: %s", trouble)
    _copy_tables(Path(app.outdir), made.parent / "tables")
    (target / "palette.css").write_text(palette_sheet(), encoding="utf-8")
    address.complete_previews(Path(app.outdir), app.config.html_baseurl)


def set_minus_signs(page: str) -> str:
    """Give the negative numbers in the cells of tables a minus sign instead of a hyphen.

    Examples
    --------
    >>> from helpers.book.pages.extension import set_minus_signs
    >>> set_minus_signs("<td>-1.5</td><th>y from -56 to -16 Å</th><td>2022-01-31</td><p>-1</p>")
    '<td>−1.5</td><th>y from −56 to −16 Å</th><td>2022-01-31</td><p>-1</p>'
    """
    return re.sub(r"<(t[dh])\b[^>]*>[^<]*</\1>", lambda cell: re.sub(r"(?<![\w.<])-(?=[\d.])", "−", cell[0]), page)


def _copy_tables(pages: Path, made: Path) -> None:
    """Put the tables that pages offer beside them, and give those that pages show minus signs."""
    for path in (pages / "notebooks").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r'href="\.\./_static/tables/([\w.-]+)"', text):
            copy_asset(made / name, pages / "_static" / "tables")
        path.write_text(set_minus_signs(text), encoding="utf-8")


def _package_file(package: str, *parts: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        msg = f"the package {package} is not installed; the book needs its file {parts[-1]}"
        raise FileNotFoundError(msg)
    return Path(spec.submodule_search_locations[0], *parts)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the plug-in with Sphinx."""
    app.connect("config-inited", _configure, priority=200)
    app.connect("autodoc-process-signature", _hide_paths)
    app.connect("autodoc-process-docstring", _set_equations_apart, priority=100)
    app.add_directive("copy-data", CopyData)
    app.add_directive("notebook-figure", NotebookFigure)
    app.add_directive("paper-panels", PaperPanels)
    app.add_directive("run-costs", RunCosts)
    app.add_directive("faults", Faults)
    app.connect("builder-inited", _start_drawing)
    app.connect("doctree-read", origin.add_badge)
    app.connect("env-get-updated", _number_by_chapter, priority=900)  # after Sphinx has numbered
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("build-finished", _copy_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
