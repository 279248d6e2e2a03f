"""Keep notebooks as the repository wants them: run, with text and without figures, and well formed.

::

    python -m helpers.book.pages.notebooks refresh book/notebooks/10_*.ipynb   run and store the text outputs
    python -m helpers.book.pages.notebooks strip   book/notebooks/10_*.ipynb   only drop stored figures
    python -m helpers.book.pages.notebooks check   book/notebooks/*.ipynb      say what is not as it should be

Text outputs and their execution counts stay, because ``nbval`` compares nothing in a cell without them;
figures go, because they are large and made anew for the pages.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import nbformat

from ...digits import counted
from ..downloads import TABLE_MIME
from .run import NotebookError, parameters_of, run_notebook

#: Outputs with one of these are figures or progress bars: neither stored nor compared.
FIGURE_TYPES = (
    "application/vnd.plotly.v1+json",
    "application/vnd.jupyter.widget-view+json",
    "image/png",
    "image/jpeg",
    "image/svg+xml",
)
#: Longest visible code cell [lines], the length that nine in ten of them keep to, and the largest median.
LONGEST_CELL, USUAL_CELL, MEDIAN_CELL = 14, 10, 4
#: Widest line of code [characters]; more is cut at a usual window.
WIDEST_LINE = 88
#: Longest stored text of a cell [characters].
TEXT_LENGTH = 8000
_HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell", "parameters"}
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def text_outputs(outputs: Iterable[Any]) -> list[Any]:
    """Keep of a cell's outputs what can be compared: standard output and plain, Markdown or LaTeX text.

    Parameters
    ----------
    outputs : list of NotebookNode
        Outputs as stored in a notebook.

    Returns
    -------
    list of NotebookNode
        New outputs without figures, progress bars, messages on standard error, and HTML twins of text.
    """
    kept = []
    for output in outputs:
        if output.output_type == "stream" and output.name == "stderr":
            continue
        output = nbformat.from_dict(dict(output))
        if output.output_type in ("display_data", "execute_result"):
            if any(kind in output.data for kind in FIGURE_TYPES):
                continue
            if "text/plain" in output.data:
                output.data = {k: v for k, v in output.data.items() if k not in ("text/html", TABLE_MIME)}
            output.metadata = {}
        kept.append(output)
    return kept


def strip(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook with text outputs only and without traces of where and when it ran."""
    bare = nbformat.v4.new_notebook(
        metadata={"kernelspec": dict(_KERNEL), "language_info": {"name": "python"}},
    )
    for key in ("mystnb", "authors"):
        if key in notebook.metadata:
            bare.metadata[key] = notebook.metadata[key]
    for number, cell in enumerate(notebook.cells):
        kept = nbformat.from_dict(dict(cell))
        kept.id = f"cell-{number:02d}"
        kept.metadata = {key: cell.metadata[key] for key in ("tags", "mystnb") if cell.metadata.get(key)}
        if cell.cell_type == "code":
            kept.outputs = text_outputs(cell.outputs)
        bare.cells.append(kept)
    bare.nbformat, bare.nbformat_minor = 4, 5
    return bare


def bare_environment(folder: str | Path) -> dict[str, str]:
    """Environment in which a notebook sees the embedded sample only: no data, no network, no earlier results.

    Parameters
    ----------
    folder : path
        An empty folder for what the notebook writes.

    Returns
    -------
    dict of str to str
        A copy of the present environment, changed.
    """
    changed = {k: v for k, v in os.environ.items() if k not in ("AET_DATA", "AET_SAMPLES")}
    folder = Path(folder).resolve()
    return {**changed, "AET_RESULTS": str(folder / "results"), "AET_CACHE": str(folder / "cache"), "AET_OFFLINE": "1"}


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def refresh(path: str | Path) -> list[str]:
    """Run a notebook with its default parameters and store counts and text outputs in it.

    It sees the embedded sample only (:func:`bare_environment`), so that the stored text is the same everywhere.

    Parameters
    ----------
    path : path
        The notebook, replaced only when all its cells have run.

    Returns
    -------
    list of str
        What :func:`check` finds in it afterwards.

    Raises
    ------
    NotebookError
        If a cell fails; the stored notebook stays as it was.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory() as folder, _environment(bare_environment(folder)):
        copy = path.with_name(f".{path.name}")  # beside it, so that it runs in the same folder
        try:
            copy.write_bytes(path.read_bytes())
            executed = nbformat.read(run_notebook(copy, Path(folder) / path.name), as_version=4)
        finally:
            copy.unlink(missing_ok=True)
    problems = [
        f"{path.name}: cell {number} shows a figure but has no mystnb.figure with name and caption"
        for number, cell in enumerate(executed.cells)
        if cell.cell_type == "code" and _has_figure(cell) and not _figure_of(cell)
    ]
    _write(path, strip(executed))
    return problems + check(path)


def check(path: str | Path) -> list[str]:
    """Say what in a stored notebook is not as the book wants it.

    Parameters
    ----------
    path : path
        A notebook; its name starts with two digits.

    Returns
    -------
    list of str
        One sentence a problem; empty if there is none.
    """
    path = Path(path)
    notebook = nbformat.read(path, as_version=4)
    problems: list[str] = []
    code = [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source]
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    written = "\n".join(cell.source for cell in notebook.cells)  # a cell may cite a figure that it has data for
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        problems.append("the kernel is not 'python3'")
    if not notebook.cells or not notebook.cells[0].source.startswith("# "):
        problems.append("the first cell is not a title")
    if len(re.findall(r"^# ", prose, flags=re.MULTILINE)) > 1:
        problems.append("there is more than one title of the first level")
    try:
        if not parameters_of(notebook):
            problems.append("no cell is tagged 'parameters'")
    except ValueError as error:
        problems.append(str(error))
    lengths: list[int] = []
    for i, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown" and re.search(r"\$[^$]*\\\\[a-zA-Z][^$]*\$", cell.source):
            problems.append(f"cell {i} has a formula with doubled backslashes, which prints its commands as words")
    for i, cell in code:
        tags = set(cell.metadata.get("tags", []))
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if "parameters" in tags:
            problems += [f"parameter line {x!r} has no comment with its meaning" for x in lines if "#" not in x]
        if any(len(line) > WIDEST_LINE for line in lines):
            problems.append(f"cell {i} has a line of more than {WIDEST_LINE} characters")
        if not tags & _HIDDEN:
            lengths.append(len(lines))
            if len(lines) > LONGEST_CELL:
                problems.append(f"cell {i} shows {len(lines)} lines of code; expected at most {LONGEST_CELL}")
        if cell.execution_count is None:
            problems.append(f"cell {i} has no execution count, so that nbval would not compare it; refresh it")
        if _has_figure(cell):
            problems.append(f"cell {i} stores a figure; strip or refresh the notebook")
        stored = "".join(str(output) for output in cell.outputs)
        if len(stored) > TEXT_LENGTH:
            problems.append(f"cell {i} stores {len(stored)} characters of text; expected at most {TEXT_LENGTH}")
        if any(output.output_type == "error" for output in cell.outputs):
            problems.append(f"cell {i} stores an error")
        if re.search(r"/(home|tmp|root|Users)/|0x[0-9a-f]{6,}", stored):
            problems.append(f"cell {i} stores a path or an address of the computer it ran on")
        if "tags" in cell.metadata and not tags & {"hide-cell", "remove-cell"} and _only_asserts(cell.source):
            problems.append(f"cell {i} only asserts; tag it 'remove-cell'")
        problems += _check_figure(i, cell, path.name[:2], written)
    long = sum(length > USUAL_CELL for length in lengths)
    if long > max(1, len(lengths) / 10):
        problems.append(
            f"{long} of {counted(len(lengths), 'cell')} {'show' if long > 1 else 'shows'} more than "
            f"{USUAL_CELL} lines of code; move work to helpers"
        )
    if lengths and median(lengths) > MEDIAN_CELL:
        problems.append(
            f"the median of its cells shows {median(lengths):g} lines of code; expected at most {MEDIAN_CELL}"
        )
    counts = [cell.execution_count for _, cell in code if cell.execution_count is not None]
    if counts != list(range(1, len(counts) + 1)):
        problems.append("the cells were not run once, in order, from the first")
    return [f"{path.name}: {problem}" for problem in problems]


def _check_figure(i: int, cell: Any, number: str, written: str) -> list[str]:
    if "figure" not in cell.metadata.get("mystnb", {}):
        return []
    figure = _figure_of(cell)
    if not figure:
        return [f"cell {i} has a figure without name or caption"]
    name = figure["name"]
    problems = []
    if not name.startswith(f"fig-{number}-"):
        problems.append(f"figure {name!r} of cell {i} should be named fig-{number}-…")
    if not re.search(r"\{numref\}+`(?:[^`<]*<)?" + re.escape(name) + r">?`", written):
        problems.append(f"figure {name!r} of cell {i} is nowhere cited with {{numref}}")
    return problems


def _has_figure(cell: Any) -> bool:
    return any(kind in output.get("data", {}) for output in cell.outputs for kind in FIGURE_TYPES)


def _figure_of(cell: Any) -> dict[str, str] | None:
    figure = cell.metadata.get("mystnb", {}).get("figure") or {}
    return figure if figure.get("name") and figure.get("caption") else None


def _only_asserts(source: str) -> bool:
    try:
        lines = ast.parse(source).body
    except SyntaxError:
        return False
    return bool(lines) and all("assert" in ast.unparse(line).split("(")[0] for line in lines)


def _write(path: Path, notebook: nbformat.NotebookNode) -> None:
    part = path.with_name(f".{path.name}.part")
    nbformat.write(notebook, part)
    part.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 1 if there is anything to mend."""
    parser = argparse.ArgumentParser(prog="python -m helpers.book.pages.notebooks", description=__doc__.split("\n")[0])
    parser.add_argument("verb", choices=("refresh", "strip", "check"))
    parser.add_argument("notebooks", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    problems: list[str] = []
    for path in options.notebooks:
        try:
            if options.verb == "refresh":
                problems += refresh(path)
                continue
            if options.verb == "strip":
                _write(path, strip(nbformat.read(path, as_version=4)))
            problems += check(path)
        except (NotebookError, OSError, ValueError) as error:
            problems.append(str(error))
    print("\n".join(problems), file=sys.stderr, end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
