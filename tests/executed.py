"""Run each notebook, and build the pages, once a test session, however many tests and workers want them."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from helpers.book.pages.build import build_book
from helpers.book.pages.notebooks import bare_environment

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "book" / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def _listed(node: Any) -> Iterator[str]:
    """Name the pages of a table of contents, in its order."""
    if isinstance(node, dict):
        yield from (str(node[key]) for key in ("root", "file") if key in node)
        for value in node.values():
            yield from _listed(value)
    elif isinstance(node, list):
        for value in node:
            yield from _listed(value)


PAGES = list(_listed(yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))))


class Executed(NamedTuple):
    """What nbval said of a notebook, and the notebook it ran."""

    passed: bool
    report: str
    notebook: Path


def execute(path: Path, folder: Path) -> Executed:
    """Run nbval on a notebook with its default parameters, or return what another worker found."""
    target, note = folder / path.name, folder / f"{path.stem}.json"
    with _alone(folder, path.stem):
        if not note.exists():
            environment = bare_environment(folder / path.stem)
            environment["NBVAL_EXECUTED"] = str(target)
            environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
            for name in [key for key in environment if key.startswith("PYTEST_")]:
                del environment[name]
            if "PYTEST_XDIST_WORKER" in os.environ:
                environment.setdefault("NUMBA_NUM_THREADS", "1")  # another notebook runs beside it
            environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # a second and a half for what no notebook needs
            command = [
                sys.executable, "-m", "pytest", "-p", "nbval_text", "-p", "nbval.plugin", "--nbval",
                "--nbval-current-env", "--nbval-kernel-startup-timeout", "600", "-p", "no:cacheprovider", "-o",
                "addopts=", "-q", "--color=no", str(path),
            ]  # fmt: skip
            result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            content = {"passed": result.returncode == 0, "report": result.stdout + result.stderr}
            note.write_text(json.dumps(content), encoding="utf-8")
    return Executed(**json.loads(note.read_text(encoding="utf-8")), notebook=target)


def pages(folder: Path) -> Path:
    """Build the pages from the notebooks that were run, or return what another worker has built."""
    html, trouble = folder / "book" / "_build" / "html", folder / "book.json"
    for path in NOTEBOOKS:
        executed = execute(path, folder)
        if not executed.notebook.is_file():
            pytest.fail(f"notebook {path.stem} did not run, so there are no pages:\n{executed.report}")
    with _alone(folder, "book"):
        if trouble.exists():
            pytest.fail(json.loads(trouble.read_text(encoding="utf-8")))
        if not html.with_name("whole").exists():
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("AET_RESULTS", str(folder / "results"))
                try:
                    build_book(folder, folder / "book")
                except Exception as error:
                    trouble.write_text(json.dumps(f"the pages were not built: {error}"), encoding="utf-8")
                    raise
            html.with_name("whole").touch()
    return html


@contextmanager
def _alone(folder: Path, what: str) -> Iterator[None]:
    """Wait until no other worker makes the same thing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all workers of this test session share, and no other session."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "notebooks"
