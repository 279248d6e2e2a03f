"""Replay what Binder does, step by step, and note what each notebook takes in a fresh place.

::

    python -m helpers.book.pages.binder FOLDER      clone, install, postBuild, every notebook; results in data/recorded

The steps are those of repo2docker: a copy of the repository, the packages of ``environment.yml`` (from their registry,
by pip), ``postBuild``, an image that keeps the times of files to the second, and each notebook by way of ``start``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ... import store
from .run import read_cost

ROOT = Path(__file__).resolve().parents[3]
#: Limits of what Binder grants a session, as the project promises them: seconds and megabytes.
LIMITS = (120.0, 1500.0)


def requirements(path: str | Path) -> list[str]:
    """Return the packages of an ``environment.yml`` as pip names them; Python itself is left out.

    Examples
    --------
    >>> from helpers.book.pages import binder
    >>> "numba>=0.61" in binder.requirements(binder.ROOT / "environment.yml")
    True
    """
    entries = yaml.safe_load(Path(path).read_text(encoding="utf-8"))["dependencies"]
    flat = [e for e in entries if isinstance(e, str)] + [p for e in entries if isinstance(e, dict) for p in e["pip"]]
    return [entry for entry in flat if entry.split("=")[0].strip() not in ("python", "pip")]


def settle(folder: str | Path) -> None:
    """Cut the times of all files to the second, as an image of a container does."""
    for path in Path(folder).rglob("*"):
        if path.is_file() and not path.is_symlink():
            whole = int(path.stat().st_mtime)
            os.utime(path, (whole, whole))


def replay(folder: str | Path, notebooks: Sequence[str] = ()) -> dict[str, Any]:
    """Go through Binder's steps in an empty folder.

    Parameters
    ----------
    folder : path
        Where everything goes; it must not exist.
    notebooks : sequence of str
        Numbers of notebooks; all by default.

    Returns
    -------
    dict
        ``computer``, ``python``, ``steps`` (seconds of each step) and ``notebooks`` (what each took).

    Raises
    ------
    RuntimeError
        If a step fails; the message ends with its last words.
    """
    folder = Path(folder).absolute()
    folder.mkdir(parents=True)
    home, copy, python = folder / "home", folder / "copy", folder / "env" / "bin" / "python"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AET_", "NUMBA", "PYTHON", "XDG"))}
    environment |= {"HOME": str(home), "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "AET_OFFLINE": "1"}
    steps: dict[str, float] = {}

    def step(name: str, *command: str, where: Path = copy) -> None:
        begin = time.perf_counter()
        done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
            msg = f"{name} failed: {last}"
            raise RuntimeError(msg)
        steps[name] = round(time.perf_counter() - begin, 1)
        print(f"{name}: {steps[name]} s", file=sys.stderr)

    step("copy", "git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(copy), where=folder)
    step("environment", sys.executable, "-m", "venv", str(folder / "env"), where=folder)
    wanted = requirements(copy / "environment.yml")
    step("packages", str(python), "-m", "pip", "install", "--quiet", "--no-cache-dir", *wanted)
    step("postBuild", "./postBuild")
    settle(copy)
    took = []
    for path in sorted((copy / "book" / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        if notebooks and path.stem[:2] not in notebooks:
            continue
        target = folder / "out" / path.name
        step(path.stem, "./start", "python", "-m", "helpers.book.pages.run", str(path), str(target))
        cost = read_cost(target)
        assert cost is not None
        took.append(vars(cost))
    made = {"computer": f"{platform.machine()}, {os.cpu_count()} cores", "python": platform.python_version()}
    return {**made, "steps": {name: steps[name] for name in ("copy", "packages", "postBuild")}, "notebooks": took}


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay the steps; return 1 if a step fails or a notebook takes more than Binder grants."""
    parser = argparse.ArgumentParser(prog="python -m helpers.book.pages.binder", description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="an empty place for a copy, an environment and the notebooks")
    parser.add_argument("--notebooks", nargs="*", default=[], metavar="NN")
    parser.add_argument("--output", type=Path, default=ROOT / "data" / "recorded" / "binder.json")
    options = parser.parse_args(arguments)
    try:
        found = replay(options.folder, options.notebooks)
    except (RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if not options.notebooks:
        store.save_numbers(options.output, found, store.provenance())
    print(json.dumps(found, indent=1))
    seconds, megabytes = LIMITS
    over = [n["notebook"] for n in found["notebooks"] if n["seconds"] > seconds or n["megabytes"] > megabytes]
    if over:
        print(f"above {seconds:.0f} s or {megabytes:.0f} MB: {', '.join(over)}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    raise SystemExit(main())
