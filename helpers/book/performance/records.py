"""What ``make bench`` recorded, and the few statistics that are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ... import store
from ...data import DATA_FOLDER

#: One file for each bench file.
FOLDER = DATA_FOLDER / "recorded" / "bench"
#: Sections of the page, and the bench files of each.
SECTIONS: dict[str, tuple[str, ...]] = {
    "start": ("cold", "imports"),
    "imaging": ("imaging", "denoising"),
    "tomography": ("tomography", "projection", "quality", "film"),
    "atoms": ("atoms", "tracing"),
    "structure": ("structure", "tetrahedra", "scale"),
    "simulation": ("scattering",),
    "build": ("took", "run"),
}
#: Between sizes of one task, what a program takes per atom may differ by so much and still be called linear.
LINEAR = 0.2
#: Error in units of ours from which on another program is called less accurate.
WORSE = 1.1
_FEWEST = 3  # sizes that make a growth


class Spread(NamedTuple):
    """Median, lowest and highest of a few values."""

    median: float
    low: float
    high: float


class Run(NamedTuple):
    """What one bench file left."""

    file: str
    section: str
    content: dict[str, Any]

    def tables(self, kind: str) -> list[dict[str, Any]]:
        """Return its tables: those of "cases", or "table" for any other."""
        return [table for table in self.content["tables"] if table["kind"] == kind]


class Row(NamedTuple):
    """A program at a task: what it took, also in units of the first program of the task, or why it is missing."""

    task: str
    size: int | None
    program: str
    peer: str | None
    version: str | None
    is_first: bool
    seconds: Spread | None = None
    cpu: Spread | None = None
    memory: float | None = None
    error: float | None = None
    cpu_ratio: Spread | None = None
    seconds_ratio: Spread | None = None
    memory_ratio: float | None = None
    error_ratio: float | None = None
    missing: str = ""
    failed: bool = False
    user: Spread | None = None

    @property
    def name(self) -> str:
        """Task, with its size if it has one."""
        return self.task if self.size is None else f"{self.task}, {self.size:,}"

    @property
    def is_worse(self) -> bool:
        """Whether its error is more than a tenth larger than that of the first program."""
        return self.error_ratio is not None and self.error_ratio > WORSE


def load(folder: Path | None = None) -> list[Run]:
    """Return what is recorded, in the order of the page; nothing where there is no such folder.

    Raises
    ------
    helpers.store.DamagedFile
        If a file is not what was written.
    """
    found = {
        path.stem.removeprefix("bench_"): store.load_numbers(path)
        for path in sorted((FOLDER if folder is None else folder).glob("*.json"))
    }
    known = {file: section for section, files in SECTIONS.items() for file in files}
    order = [*known, *(file for file in found if file not in known)]
    return [Run(file, known.get(file, "build"), found[file]) for file in order if file in found]


def rows(table: dict[str, Any]) -> list[Row]:
    """Return the cases of a table, each beside the first case of its task and size."""
    first: dict[tuple[str, Any], dict[str, Any]] = {}
    made = []
    for case in table["rows"]:
        reference = first.setdefault((case["task"], case["size"]), case)
        about = {key: case.get(key) for key in ("task", "size", "program", "peer", "version")}
        row = Row(**about, is_first=reference is case)
        if "missing" in case:
            made.append(row._replace(missing=case["missing"], failed=bool(case.get("failed"))))
            continue
        row = row._replace(
            seconds=spread(case["seconds"]), cpu=spread(case["cpu"]), memory=case["memory"], error=case.get("error")
        )
        if case.get("user"):
            row = row._replace(user=spread(case["user"]))
        if "missing" not in reference and reference is not case:
            row = row._replace(
                cpu_ratio=ratio(case["cpu"], reference["cpu"]),
                seconds_ratio=ratio(case["seconds"], reference["seconds"]),
                memory_ratio=max(case["memory"], 1e6) / max(reference["memory"], 1e6),
                error_ratio=_error_ratio(case.get("error"), reference.get("error")),
            )
        made.append(row)
    return made


def _error_ratio(error: float | None, to: float | None) -> float | None:
    """Divide errors; that of a program that errs where the other does not is beyond all measure."""
    if error is None or to is None:
        return None
    return error / to if to else 1.0 if error == 0 else np.inf


def comparisons(runs: Sequence[Run]) -> list[Row]:
    """Return the rows of other programs that ran beside ours."""
    return [
        row for run in runs for table in run.tables("cases") for row in rows(table) if row.peer and row.cpu_ratio
    ]  # fmt: skip


def growth(table: dict[str, Any]) -> dict[tuple[str, str], list[Row]]:
    """Return the rows of a task and a program that were measured at three sizes or more, by size."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows(table):
        if row.size and row.cpu:
            found.setdefault((row.task, row.program), []).append(row)
    return {
        key: sorted(each, key=lambda row: row.size or 0)
        for key, each in found.items()
        if len({row.size for row in each}) >= _FEWEST
    }


def unevenness(series: Sequence[Row], least: int = 9_000) -> float | None:
    """Return by how much CPU time per atom differs between sizes: the largest over the smallest, less one.

    Where it was recorded, the time is that without what the system takes, which is mostly to find memory and differs
    from one machine to the next. Only sizes from `least` on count, for below them what every call takes stands out;
    None if fewer than two do.
    """
    times = [(row.user or row.cpu, row.size) for row in series]
    each = [time.median / size for time, size in times if time and size and size >= least]
    return max(each) / min(each) - 1 if len(each) > 1 and min(each) > 0 else None


def spread(values: Sequence[float]) -> Spread:
    """Return median, lowest and highest.

    Examples
    --------
    >>> from helpers.book.performance.records import spread
    >>> spread([3.0, 1.0, 2.0])
    Spread(median=2.0, low=1.0, high=3.0)
    """
    return Spread(float(np.median(values)), float(min(values)), float(max(values)))


def ratio(values: Sequence[float], to: Sequence[float]) -> Spread:
    """Return the spread of what one program took over what another took in the same turn.

    Where one had fewer turns than the other, its median stands for those that it lacks.

    Examples
    --------
    >>> from helpers.book.performance.records import ratio
    >>> ratio([2.0, 4.0, 6.0], [1.0, 1.0, 2.0])
    Spread(median=3.0, low=2.0, high=4.0)
    """
    turns = max(len(values), len(to))
    above, below = ([*each, *[float(np.median(each))] * (turns - len(each))] for each in (values, to))
    tiny = 1e-9  # a clock may stand still
    return spread([max(a, tiny) / max(b, tiny) for a, b in zip(above, below, strict=True)])
