"""Results of a full run on the published data, kept in ``data/recorded`` for copies that are built without them.

::

    python -m helpers.book.ledger.archive     gather what the last run of the notebooks left under results

Only numbers of this project are kept: values, curves, histograms; never coordinates.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ... import store
from ...data import DATA_FOLDER
from ...samples import load_sample, sample_names
from .paper import claims
from .records import Record, load

FOLDER = DATA_FOLDER / "recorded"
_SIGNIFICANT = 5  # digits of a stored curve


@lru_cache(maxsize=1)
def _content() -> dict[str, Any]:
    path = FOLDER / "ledger.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def recorded(claim: str) -> Record | None:
    """Return what a full run on the published data has recorded for a claim, or None."""
    entry = _content().get("records", {}).get(claim)
    return None if entry is None else Record(claim=claim, **entry)


def origin() -> dict[str, str]:
    """Return version, commit and date of the recorded run; empty if there is none."""
    return {key: str(value) for key, value in _content().get("origin", {}).items() if isinstance(value, str)}


def note() -> str:
    """Say in a sentence where recorded results come from."""
    made = origin()
    if not made:
        return "This copy was built without the published data."
    return (
        f"What is recorded was found on the published data by version {made['version']} ({made['commit']}, "
        f"{made['date']}); this copy was built without the data for it."
    )


def keep(
    name: str, curves: Mapping[str, tuple[ArrayLike, ArrayLike]], *, title: str = ""
) -> dict[str, tuple[list[float], list[float]]]:
    """Keep curves of measured samples for copies without data, and return those that this run lacks.

    Parameters
    ----------
    name : str
        Name of the curves, one for each use.
    curves : dict of str to (x, y)
        Curves a sample, as they are drawn: a distribution, a histogram. Those of simulated samples are not kept.
    title : str
        What is drawn, for people who read the files.

    Returns
    -------
    dict of str to (x, y)
        The recorded curves of measured samples that are not among `curves`; empty if they are all there.
    """
    fresh = {sample: pair for sample, pair in curves.items() if sample in _measured()}
    if fresh:
        content = {s: {"x": _short(x), "y": _short(y)} for s, (x, y) in fresh.items()}
        store.save_numbers(_kept() / f"{name}.json", {"title": title, "curves": content}, store.provenance())
        return {}
    path = FOLDER / "curves" / f"{name}.json"
    if not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))["curves"]
    return {name: (content[name]["x"], content[name]["y"]) for name in sample_names() if name in content}


def gather(commit: str, date: str) -> list[Path]:
    """Write ``data/recorded`` from what the notebooks left under ``results``, and return the files."""
    records = {}
    for name, claim in claims().items():
        entry = load(name)
        if entry is None or not set(claim.samples) & _measured():  # every copy computes what was simulated
            continue
        records[name] = {k: v for k, v in vars(entry).items() if k != "claim" and v not in ("", {}, None)}
    if not records:
        msg = f"{store.results_folder()} holds no record; run the notebooks on the published samples first"
        raise FileNotFoundError(msg)
    inputs = {name: store.fingerprint(load_sample(name).path("model"))[:16] for name in sorted(_measured_models())}
    made = {"version": store.version(), "commit": commit, "date": date, "inputs": inputs}
    FOLDER.mkdir(parents=True, exist_ok=True)
    files = [FOLDER / "ledger.json"]
    _write(files[0], {"origin": made, "records": records})
    for path in sorted(_kept().glob("*.json")):
        content = store.load_numbers(path)
        files.append(FOLDER / "curves" / path.name)
        _write(files[-1], {"title": content["title"], "curves": content["curves"]})
    _content.cache_clear()
    return files


def commit_of(folder: Path) -> str:
    """Return the short name of the commit whose code and notebooks lie in a folder, with a + if they were changed.

    What is recorded lies in ``data/recorded`` and does not count.
    """

    def git(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    commit = git("rev-parse", "--short", "HEAD")
    places = ("helpers", "book/notebooks", "data/claims.toml")
    changed = git("status", "--porcelain", "--untracked-files=no", "--", *places)
    return f"{commit}{'+' if changed else ''}" or "unknown"


def doubts() -> list[str]:
    """Say which results may not be those of this code: records older than it, and claims that no notebook recorded."""
    code = max(path.stat().st_mtime for path in Path(store.__file__).parents[1].rglob("*.py"))
    names = [name for name, claim in claims().items() if set(claim.samples) & _measured()]
    paths = {name: store.results_folder() / "ledger" / f"{name}.json" for name in names}
    old = [name for name, path in paths.items() if path.is_file() and path.stat().st_mtime < code]
    missing = [name for name, path in paths.items() if not path.is_file() and not claims()[name].needs]
    found = []
    if old:
        found.append(f"older than the code, run their notebooks again: {', '.join(old)}")
    if missing:
        found.append(f"not recorded by this run: {', '.join(missing)}")
    return found


def _write(path: Path, content: Any) -> None:
    with store.replacing(path) as part:
        part.write_text(_json(content) + "\n", encoding="utf-8")


def _json(content: Any, depth: int = 0) -> str:
    """Write JSON with one entry a line and arrays on one line, so that a changed record is a changed line."""
    if isinstance(content, dict) and depth < 3:
        inner = ",\n".join(f"{' ' * (depth + 1)}{json.dumps(k)}: {_json(v, depth + 1)}" for k, v in content.items())
        return "{\n" + inner + "\n" + " " * depth + "}"
    return json.dumps(content, ensure_ascii=False)


def _measured() -> set[str]:
    return {name for name in sample_names() if not load_sample(name).simulated}


def _measured_models() -> set[str]:
    return {name for name in _measured() if load_sample(name).has("model", download=False)}


def _short(values: ArrayLike) -> list[float]:
    return [float(f"{value:.{_SIGNIFICANT}g}") for value in np.asarray(values, dtype=float).ravel()]


def _kept() -> Path:
    return store.results_folder() / "recorded"


def main() -> int:
    """Gather the records of the last run; return 0 if there were any."""
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d")
    try:
        files = gather(commit_of(DATA_FOLDER.parent), date)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    for words in doubts():
        print(words, file=sys.stderr)
    print("\n".join(f"{path.relative_to(FOLDER.parent)}: {path.stat().st_size / 1e3:.1f} kB" for path in files))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
