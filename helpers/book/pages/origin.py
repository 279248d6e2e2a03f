"""Where the data of a page come from, said on the page: published or simulated, which samples, which version."""

from __future__ import annotations

import ast
import datetime
import re
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

from ...samples import load_sample, sample_names
from ...store import version
from .renderer import PLOTLY_MIME

_NAMING = ("sample", "samples", "film", "film_from")


def samples_of(notebook: Any) -> list[str]:
    """Return the samples that a notebook ran on, by its parameters; those given for a run count.

    They are its `sample` or `samples`; a `film`, or what a film is cut from, counts where there is neither, for beside
    them it is something to compare with.

    Parameters
    ----------
    notebook : NotebookNode
        A notebook, executed or not.

    Returns
    -------
    list of str
        Names known to `helpers.sample_names`, in order.
    """
    found = {key: names for key, names in _parameters(notebook).items() if key in _NAMING}
    beside = found.pop("film_from", [])
    beside = found.pop("film", beside)
    names = dict.fromkeys(name for part in found.values() or [beside] for name in part)
    return [name for name in names if name in sample_names()]


def _parameters(notebook: Any) -> dict[str, list[str]]:
    """Return the words that each parameter of a notebook holds; those given for a run count."""
    found: dict[str, list[str]] = {}
    for cell in notebook.cells:
        if {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", [])):
            for line in ast.parse(cell.source).body:
                target = line.target if isinstance(line, ast.AnnAssign) else getattr(line, "targets", [None])[0]
                value = getattr(line, "value", None)
                if isinstance(target, ast.Name) and value is not None:
                    given = ast.literal_eval(value)
                    words = [given] if isinstance(given, str) else given if isinstance(given, list | tuple) else []
                    found[target.id] = [word for word in words if isinstance(word, str)]
    return found


def words_of(samples: list[str]) -> tuple[str, str]:
    """Say in two or three words what kind of data a page shows, and on which samples.

    Examples
    --------
    >>> from helpers.book.pages.origin import words_of
    >>> words_of(["Ta", "Pd1", "demo"])
    ('published data', 'Ta film, Pd 1')
    >>> words_of(["demo"])
    ('simulated', 'simulated particle')
    """
    known = [load_sample(name) for name in samples]
    real = [sample for sample in known if not sample.simulated]
    return "published data" if real else "simulated", ", ".join(sample.short for sample in real or known)


def named_in_figures(notebook: Any) -> dict[str, list[str]]:
    """Return, for each figure whose samples are not the page's, those samples.

    A cell says so in its metadata, where ``mystnb.origin`` lists parameters or samples, or its figure does
    (`helpers.book.figures.name_samples`). A simulated sample among the page's own stands back where one is measured.

    Parameters
    ----------
    notebook : NotebookNode
        An executed notebook.

    Returns
    -------
    dict of str to list of str
        Samples by the figure's name in the book.
    """
    found: dict[str, list[str]] = {}
    parameters = {**_parameters(notebook), "samples": foremost(samples_of(notebook))}
    for cell in notebook.cells:
        settings = cell.metadata.get("mystnb", {})
        name = settings.get("figure", {}).get("name")
        named = [one for word in settings.get("origin", []) for one in parameters.get(word, [word])]
        if name and named:
            found[name] = [one for one in dict.fromkeys(named) if one in sample_names()]
        for output in cell.get("outputs", []) if name else []:
            layout = output.get("data", {}).get(PLOTLY_MIME, {}).get("layout", {})
            given = (layout.get("meta") or {}).get("samples")
            if given:
                found[name] = list(given)
    return found


def foremost(samples: list[str]) -> list[str]:
    """Leave simulated samples out if others are measured."""
    return [name for name in samples if not load_sample(name).simulated] or samples


def words_of_page(notebook: Any) -> tuple[str, str]:
    """Say what kind of data a page shows, and on which samples: both kinds, if half of its figures are simulated alone.

    Parameters
    ----------
    notebook : NotebookNode
        An executed notebook with samples.

    Returns
    -------
    kind, samples : str
        As `words_of` says them.
    """
    kind, names = words_of(samples_of(notebook))
    figures = [cell for cell in notebook.cells if cell.metadata.get("mystnb", {}).get("figure")]
    simulated = sum(words_of_figure(named) == "simulated" for named in named_in_figures(notebook).values())
    both = kind != "simulated" and 2 * simulated >= len(figures) > 0
    return ("simulated and published data" if both else kind), names


def words_of_figure(samples: list[str]) -> str:
    """Say what kind of data a figure shows that names its samples.

    Examples
    --------
    >>> from helpers.book.pages.origin import words_of_figure
    >>> words_of_figure(["demo", "Ta"]), words_of_figure(["Ta"]), words_of_figure(["demo"])
    ('simulated and published data', 'published data', 'simulated')
    """
    kinds = {load_sample(name).simulated for name in samples}
    return "simulated and published data" if len(kinds) == 2 else words_of(samples)[0]


def add_badge(app: Sphinx, doctree: nodes.document) -> None:
    """Put a line with the origin of the data below a notebook's title, and a word of it into each caption."""
    docname = app.env.docname
    path = Path(app.env.doc2path(docname))
    if not re.fullmatch(r"notebooks/\d\d_\w+", docname) or path.suffix != ".ipynb":
        return
    notebook = nbformat.read(path, as_version=4)
    samples = samples_of(notebook)
    if not samples:
        return
    kind = words_of(samples)[0]
    page, names = words_of_page(notebook)
    own = {name: words_of_figure(named) for name, named in named_in_figures(notebook).items()}
    title = next(iter(doctree.findall(nodes.title)), None)
    if title is None:
        return
    made = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    line = nodes.paragraph(classes=["origin"])
    line += _badge(page)
    line += nodes.inline(text=f" {names} · version {version()}, {made}")
    title.parent.insert(title.parent.index(title) + 1, line)
    for caption in doctree.findall(nodes.caption):
        if isinstance(caption.parent, nodes.figure):
            given = next((own[name] for name in caption.parent["names"] if name in own), kind)
            caption += nodes.Text(" ")
            caption += _badge(given)


def _badge(kind: str) -> nodes.inline:
    style = "simulated" if kind == "simulated" else "published-data"
    return nodes.inline(text=kind, classes=["badge", style])
