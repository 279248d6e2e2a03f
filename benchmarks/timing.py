"""Time programs side by side, in turns: seconds, CPU seconds, peak memory, versions; keep what was found.

::

    CASES = [Case("neighbours", "ours", prepare_ours), Case("neighbours", "freud", prepare_freud)]
    if __name__ == "__main__":
        compare("What is compared", CASES)

`prepare` loads what is needed, compiles, and returns the function to time; an ImportError in it leaves the case out.
A program of somebody else that takes longer than a minute a call or three quarters of the free memory is ended and left
out, and so is one that has to take longer by what it took at a smaller size; the table says so. `left_out` of a case
says why it is not even tried.

`error`, where a case has one, compares what that function returns with the truth; `size` is the number of atoms or
voxels, for plots against it. The first case of a task and size is the one that the others are compared with. A program
of somebody else is named after its package first, as in ``"ASTRA linear"`` (see `workers.PEERS`); all others are ours.

Tables of any other shape, such as seconds to a given error, are kept by `record`.

The settings come from the environment: ``QUICK=1`` asks for small sizes and few repeats, and ``BENCH_OUT`` names the
folder that keeps the results; without it they are only printed. ``python bench_x.py TASK …`` runs these tasks alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import kept
from chains import measure_chain
from kept import QUICK
from workers import Case, Worker, _peak, _reset_peak, apart, peer_of, spare_memory, version_of

from helpers import digits
from helpers.book.performance.records import ratio, spread

__all__ = ["QUICK", "REPEATS", "Case", "_peak", "_reset_peak", "apart", "compare", "record", "stages"]

REPEATS = 5
#: Seconds, times the programs of a task, after which it is not repeated once more; seconds that one call may take.
ENOUGH, LONGEST = 5.0, 60.0


def compare(
    title: str, cases: Sequence[Case], repeats: int = REPEATS, *, errors: Mapping[str, str] | None = None
) -> None:
    """Print a table of all cases and keep it.

    The programs of a task take turns, each in a process of its own, so that all see the same computer; those that are
    called once only follow each other, so that their memory need not be there at the same time.

    Parameters
    ----------
    title : str
        What is compared, with its sizes.
    cases : sequence of Case
        The programs, those of one task and size together.
    repeats : int
        Turns of a case that names none; where ``QUICK`` is set, one. Where there are several, a first call, for the
        memory, comes before; where there is one, it is that first call.
    errors : mapping of str to str, optional
        For tasks with an `error`, what it is and its unit: the title of an axis, such as "r.m.s. error [px]".
    """
    only = sys.argv[1:]
    chosen = [case for case in cases if not only or case.task in only]
    begun = kept.now()
    table: dict[str, Any] = {
        "kind": "cases",
        "title": title,
        "begun": begun,
        "ended": begun,
        "errors": dict(errors or {}),
        "rows": [],
    }
    print(f"\n{title}\n{begun['cores']} cores, load {begun['load']:.1f}{', QUICK' if QUICK else ''}")
    head = f"{'task':26}{'size':>11}  {'program':20}{'seconds':>10}{'CPU s':>10}{'lowest':>10}{'highest':>9}"
    print(head + f"{'ratio':>8}{'memory':>11}{'error':>11}", flush=True)
    for task in dict.fromkeys((case.task, case.size) for case in chosen):
        group = [case for case in chosen if (case.task, case.size) == task]
        why = [_left_out(case, table["rows"]) for case in group]
        measured = iter(_take_turns([case for case, words in zip(group, why, strict=True) if not words], repeats))
        found = [_not_run(case, words) if words else next(measured) for case, words in zip(group, why, strict=True)]
        for case, result in zip(group, found, strict=True):
            row = {"task": case.task, "program": case.program, "size": case.size, **result}
            print(_line(row, found[0]), flush=True)
            table["rows"].append(row)
        table["ended"] = kept.now()
        if not only:
            kept.keep(table)  # now, for a later task may be stopped
    print("ratio: CPU time over that of the first program, turn by turn; lowest and highest: of the CPU time")
    print("memory: highest resident size during the first call above that before it")


def stages(
    title: str,
    sizes: Sequence[int],
    prepare: Callable[[int], Callable[[], Iterator[str]]],
    repeats: Callable[[int], int] = lambda size: 1,
) -> None:
    """Time a chain of steps at several sizes, each size in a process of its own, and keep one table of cases.

    Parameters
    ----------
    title : str
        What is done, of what.
    sizes : sequence of int
        Numbers of atoms.
    prepare : function
        Of a size; compiles and returns the chain: a generator that yields the name of a step when that is done.
    repeats : function
        Turns at a size, each as many calls as fit into a second, and one at least. Where there are several, a first
        call, for the memory, comes before; where there is one, it is that first call.

    Notes
    -----
    The memory of a step is the highest resident size from the start of the chain on, above that before it.
    """
    begun = kept.now()
    table: dict[str, Any] = {"kind": "cases", "title": title, "begun": begun, "ended": begun, "errors": {}, "rows": []}
    print(f"\n{title}\n{begun['cores']} cores, load {begun['load']:.1f}{', QUICK' if QUICK else ''}")
    steps: dict[str, dict[str, Any]] = {}
    for size in sizes:
        try:
            steps = apart(measure_chain, prepare, size, 1 if QUICK else repeats(size))
        except RuntimeError as error:  # a traceback, or that the process was killed
            words = str(error).strip().splitlines()[-1]
            steps = {step: {"missing": f"failed: {words}", "failed": True} for step in steps or ("all steps",)}
        for step, found in steps.items():
            row = {"task": step, "program": "ours", "size": size, "peer": None, "version": None, **found}
            print(_line(row, found), flush=True)
            table["rows"].append(row)
        table["ended"] = kept.now()
        kept.keep(table)


def record(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    plot: Mapping[str, Any] | None = None,
    note: str = "",
) -> None:
    """Print a table of any shape and keep it for the page on performance.

    Parameters
    ----------
    title : str
        What the table shows; the same in every run, for the page finds the table by it.
    rows : sequence of mapping
        A number, word or None for each column; what a row lacks is left empty.
    columns : mapping of str to str
        Columns in their order, with their units; an empty unit for words and counts.
    plot : mapping, optional
        How the page draws it, by names of columns: ``kind`` ("lines" or "bars"), ``x``, ``y``, ``series`` (one curve or
        colour for each value of that column), ``panel`` (one panel for each), and ``log`` ("", "x", "y" or "xy"). Bars
        lie along x, stacked by ``series``, one for each ``y``.
    note : str
        A sentence that is printed below the table and on the page: what is meant, how it was measured.

    Raises
    ------
    ValueError
        If a row or the plot names a column that is not in `columns`.

    Examples
    --------
    ::

        record("R against time", [{"program": "ours", "seconds": 0.1, "R": 0.2}],
               {"program": "", "seconds": "s", "R": ""},
               plot={"kind": "lines", "x": "seconds", "y": "R", "series": "program", "log": "x"})
    """
    named = {name for row in rows for name in row} | {
        value for key, value in (plot or {}).items() if key not in ("kind", "log")
    }
    if named - set(columns):
        msg = f"{title}: no column {', '.join(sorted(map(str, named - set(columns))))}; the columns are {list(columns)}"
        raise ValueError(msg)
    heads = [f"{name} [{unit}]" if unit else name for name, unit in columns.items()]
    lines = [[_written(row.get(name)) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    print(f"\n{title}")
    for line in (heads, *lines):
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    print(note, flush=True)
    table = {
        "columns": list(columns.items()),
        "rows": [dict(row) for row in rows],
        "plot": dict(plot or {}),
        "note": note,
    }
    kept.keep({"kind": "table", "title": title, "begun": kept.BEGUN, "ended": kept.now(), **table})


def _left_out(case: Case, earlier: Sequence[Mapping[str, Any]]) -> str:
    """Say why a case is not run: by its own words, or by what it took at the next smaller size; else nothing."""
    same = [
        row
        for row in earlier
        if (row["task"], row["program"]) == (case.task, case.program) and (row["size"] or 0) < (case.size or 0)
    ]
    words = case.left_out
    if same and (peer_of(case.program) or words):
        last = max(same, key=lambda row: row["size"])
        if "not installed" in last.get("missing", ""):
            return ""
        if "missing" in last:
            return f"left out: {words}" if words else f"left out, as at {last['size']:,}: {last['missing']}"
        took = spread(last["seconds"]).median
        if words:
            return f"left out: {words}; {took:.2g} s at {last['size']:,}"
        expected = took * (case.size or 0) / last["size"]
        longest = case.longest or LONGEST
        if expected > longest:
            return f"left out: {took:.2g} s at {last['size']:,}, so more than {longest:g} s here"
    return f"left out: {words}" if words else ""


def _not_run(case: Case, why: str) -> dict[str, Any]:
    peer = peer_of(case.program)
    return {"peer": peer, "version": version_of(peer) if peer else None, "missing": why}


def _take_turns(group: Sequence[Case], repeats: int) -> list[dict[str, Any]]:
    """Measure the cases of one task: what each took in every turn, or why it is missing."""
    times = [1 if QUICK else case.repeats or repeats for case in group]
    if max(times, default=1) == 1:
        return [_measured(case) for case in group]
    workers: list[Worker] = []
    try:
        for case in group:
            workers.append(Worker(case, case.longest or LONGEST, spare_memory()))
            workers[-1].first()
        for turn in range(max(times)):
            order = list(zip(workers, times, strict=True))[:: 1 if turn % 2 == 0 else -1]  # neither is always the first
            for worker, most in order:
                if most > 1 and turn < most:
                    worker.turn()
            if sum(worker.taken for worker in workers) > ENOUGH * max(1, sum(worker.works for worker in workers)):
                break
    finally:
        found = [worker.finish() for worker in workers]
    return found


def _measured(case: Case) -> dict[str, Any]:
    """Measure a case by its first call alone."""
    worker = Worker(case, case.longest or LONGEST, spare_memory())
    try:
        worker.first()
    finally:
        found = worker.finish()
    return found


def _line(row: Mapping[str, Any], first: Mapping[str, Any]) -> str:
    size = "" if row["size"] is None else f"{row['size']:,}"
    start = f"{row['task']:26}{size:>11}  {row['program']:20}"
    if "missing" in row:
        return f"{start}{row['missing']}"
    seconds, cpu = spread(row["seconds"]), spread(row["cpu"])
    times = f"{seconds.median:10.3f}{cpu.median:10.3f}{cpu.low:10.3f}{cpu.high:9.3f}"
    than = ratio(row["cpu"], first["cpu"]) if "cpu" in first else None
    beside = f"{than.median:8.2f}" if than is not None else f"{'':8}"
    error = f"{row['error']:11.4g}" if row.get("error") is not None else ""
    return f"{start}{times}{beside}{row['memory'] / 1e6:8.0f} MB{error}"


def _written(value: Any) -> str:
    return value if isinstance(value, str) else digits.write(value, significant=4)
