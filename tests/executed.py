"""Run each notebook once a test session, however many tests and workers want it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from helpers.book.pages.notebooks import bare_environment

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "book" / "notebooks").glob("[0-9][0-9]_*.ipynb"))


class Executed(NamedTuple):
    """What nbval said of a notebook, and the notebook it ran."""

    passed: bool
    report: str
    notebook: Path


def execute(path: Path, folder: Path) -> Executed:
    """Run nbval on a notebook with its default parameters, or return what another worker found."""
    folder.mkdir(parents=True, exist_ok=True)
    target, note = folder / path.name, folder / f"{path.stem}.json"
    with (folder / f"{path.stem}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            environment = bare_environment(folder / path.stem)
            environment["NBVAL_EXECUTED"] = str(target)
            environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
            for name in [key for key in environment if key.startswith("PYTEST_")]:
                del environment[name]
            command = [
                sys.executable, "-m", "pytest", "-p", "nbval_text", "--nbval", "--nbval-current-env",
                "-p", "no:cacheprovider", "-o", "addopts=", "-q", "--color=no", str(path),
            ]  # fmt: skip
            result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
            content = {"passed": result.returncode == 0, "report": result.stdout + result.stderr}
            note.write_text(json.dumps(content), encoding="utf-8")
    return Executed(**json.loads(note.read_text(encoding="utf-8")), notebook=target)


def session_folder(tmp_path_factory) -> Path:
    """Return a folder that all workers of this test session share, and no other session."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "notebooks"
