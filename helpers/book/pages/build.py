"""Put executed notebooks and written pages together and build the book from them.

::

    python -m helpers.book.pages.build --notebooks _build/notebooks --output .

The pages are those of ``book/``, except that the notebooks are the executed copies, under the same names, so
that links to the repository and to Binder lead to the sources. Any warning fails the build.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]


class BuildError(RuntimeError):
    """The pages could not be built without a warning."""


def listed_notebooks(toc: str | Path) -> list[str]:
    """Names of the notebooks that a table of contents lists, in its order.

    Parameters
    ----------
    toc : path
        A ``_toc.yml`` of Jupyter Book.

    Returns
    -------
    list of str
        File names without folder and ending.
    """
    found: list[str] = []

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            name = str(node.get("file", ""))
            if name.startswith("notebooks/"):
                found.append(name.removeprefix("notebooks/").removesuffix(".ipynb"))
            for value in node.values():
                visit(value)
        elif isinstance(node, list):
            for value in node:
                visit(value)

    visit(yaml.safe_load(Path(toc).read_text(encoding="utf-8")))
    return found


def stage_pages(source: str | Path, notebooks: str | Path, target: str | Path) -> Path:
    """Copy the written pages and the executed notebooks into one folder, replacing what was there.

    Parameters
    ----------
    source : path
        The folder ``book``.
    notebooks : path
        Folder with an executed copy of every notebook that the table of contents lists.
    target : path
        Where the pages are put together.

    Returns
    -------
    pathlib.Path
        The folder ``target``.

    Raises
    ------
    FileNotFoundError
        If an executed notebook is missing.
    """
    source, notebooks, target = Path(source), Path(notebooks), Path(target)
    names = listed_notebooks(source / "_toc.yml")
    missing = [name for name in names if not (notebooks / f"{name}.ipynb").is_file()]
    if missing:
        msg = f"no executed notebook {', '.join(missing)} in {notebooks}; run `make book`"
        raise FileNotFoundError(msg)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("notebooks", "_build", ".ipynb_checkpoints"))
    (target / "notebooks").mkdir()
    for name in names:
        shutil.copy2(notebooks / f"{name}.ipynb", target / "notebooks")
    return target


def build_book(
    notebooks: str | Path, output: str | Path, *, source: str | Path = ROOT / "book", config: str | Path | None = None
) -> Path:
    """Build the pages and fail on any warning.

    Parameters
    ----------
    notebooks : path
        Folder with the executed notebooks.
    output : path
        The pages go into ``_build/html`` below it.
    source : path
        The folder ``book``.
    config : path, optional
        The file ``_config.yml``; by default the one beside ``source``.

    Returns
    -------
    pathlib.Path
        Folder of the pages.

    Raises
    ------
    FileNotFoundError
        If an executed notebook is missing.
    BuildError
        If Jupyter Book fails or warns.
    """
    source, output = Path(source), Path(output).resolve()
    config = Path(config) if config is not None else source.parent / "_config.yml"
    pages = stage_pages(source, notebooks, output / "_build" / "pages")
    html = output / "_build" / "html"
    shutil.rmtree(html, ignore_errors=True)
    command = [
        sys.executable, "-c", "import helpers.book.pages; from jupyter_book.cli.main import main; main()", "build",
        str(pages), "--path-output", str(output), "--config", str(config.resolve()),
        "-W", "-n", "--keep-going", "--all", "-q",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    result = subprocess.run(command, env=environment, check=False)
    if result.returncode != 0 or not (html / "index.html").is_file():
        msg = f"the pages were not built without warnings (exit code {result.returncode}); see above"
        raise BuildError(msg)
    return html


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 only if there was no warning."""
    parser = argparse.ArgumentParser(prog="python -m helpers.book.pages.build", description=__doc__.split("\n")[0])
    parser.add_argument("--notebooks", type=Path, default=ROOT / "_build" / "notebooks")
    parser.add_argument("--output", type=Path, default=ROOT)
    options = parser.parse_args(arguments)
    try:
        html = build_book(options.notebooks, options.output)
    except (BuildError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"The book is in {html / 'index.html'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
