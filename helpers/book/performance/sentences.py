"""Sentences about what was recorded; none of their numbers and none of their names is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Literal

from ... import digits
from .records import LINEAR, Row, Run, Spread, comparisons, growth, rows, unevenness

#: Verdict on a ratio of another program's time to ours.
Verdict = Literal["less", "as much", "more"]
_LONG = 12  # rows of a table that has to be unfolded


def verdict(other_over_ours: Spread) -> Verdict:
    """Say whether ours took less, more, or as much within the spread of the turns.

    Examples
    --------
    >>> from helpers.book.performance.records import Spread
    >>> from helpers.book.performance.sentences import verdict
    >>> verdict(Spread(2.0, 1.9, 2.2)), verdict(Spread(0.5, 0.4, 0.6)), verdict(Spread(1.05, 0.9, 1.2))
    ('less', 'more', 'as much')
    """
    return "less" if other_over_ours.low > 1 else "more" if other_over_ours.high < 1 else "as much"


def with_spread(value: Spread, significant: int = 2) -> str:
    """Write a median with the lowest and the highest value.

    Examples
    --------
    >>> from helpers.book.performance.records import Spread
    >>> from helpers.book.performance.sentences import with_spread
    >>> with_spread(Spread(2.0, 1.94, 2.2))
    '2 (1.9 to 2.2)'
    """
    low, high = (_number(each, significant) for each in (value.low, value.high))
    return _number(value.median, significant) + (f" ({low} to {high})" if value.high > value.low else "")


def summary(runs: Sequence[Run]) -> str:
    """Say on what computer, when, beside how many packages, and how often ours took less; empty if nothing is there."""
    found = comparisons(runs)
    if not found:
        return ""
    packages = {row.peer: row.version for row in found if row.peer}
    named = ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))
    text = (
        f"{len(found)} comparisons with {len(packages)} other packages are recorded: {named}. They were made "
        f"{on_what(runs)}."
    )
    for words, of in (("CPU time", "cpu_ratio"), ("time by the clock", "seconds_ratio")):
        judged = [verdict(getattr(row, of)) for row in found]
        text += (
            f" In {judged.count('less')} of them ours takes less {words}, in {judged.count('as much')} as much within "
            f"the spread, in {judged.count('more')} more."
        )
    return text


def measured(runs: Sequence[Run]) -> str:
    """Say where and when runs were made and at what load: a sentence for the caption of their figure."""
    loads = [
        f"{f'{run.file} ' if len(runs) > 1 else ''}{digits.write(tables[0]['begun']['load'], places=1)} and "
        f"{digits.write(tables[-1]['ended']['load'], places=1)}"
        for run in runs
        if (tables := run.content["tables"])
    ]
    commits = " and ".join(dict.fromkeys(run.content["commit"] for run in runs))
    return f"Made {on_what(runs)}, at commit {commits}; load before and after: {', '.join(loads)}."


def on_what(runs: Sequence[Run]) -> str:
    """Name the computer and the date, or the first and the last."""
    dates = sorted({table["begun"]["time"][:10] for run in runs for table in run.content["tables"]})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    machines = dict.fromkeys(
        f"{found['cpu']}, {found['cores']} cores, {_number(found['memory'])} GB of memory"
        for found in (run.content["machine"] for run in runs)
    )
    return f"on {' and '.join(machines)} ({when})"


def slower(found: Sequence[Row]) -> list[str]:
    """Return a phrase for each other program that took less time than ours, the largest differences first."""
    lost = [
        (row, [row.cpu_ratio, row.seconds_ratio])
        for row in found
        if row.cpu_ratio and row.seconds_ratio and "more" in (verdict(row.cpu_ratio), verdict(row.seconds_ratio))
    ]
    lost.sort(key=lambda pair: min(each.median for each in pair[1] if each))
    return [
        f"{row.name}: {full_name(row)} takes {with_spread(row.cpu_ratio)} of our CPU time and "
        f"{with_spread(row.seconds_ratio)} of our time by the clock"
        + (f", with {_number(row.error_ratio, 2)} times our error" if row.is_worse else "")
        for row, _ in lost
        if row.cpu_ratio and row.seconds_ratio
    ]


def left_out(runs: Sequence[Run]) -> list[str]:
    """Return a phrase for each program that was left out, with its tasks, and one for each case that failed."""
    absent: dict[tuple[str, str], dict[str, None]] = {}
    broken = []
    for run in runs:
        for table in run.tables("cases"):
            for row in rows(table):
                if row.failed:
                    broken.append(f"{row.name}, {row.program}: {row.missing}")
                elif row.missing.startswith("not installed"):
                    absent.setdefault((row.peer or row.program, "was not installed"), {})[row.task] = None
                elif row.missing:
                    absent.setdefault((row.program, row.missing), {})[row.name] = None
    return [f"{name} {words} ({', '.join(tasks)})" if words == "was not installed" else
            f"{'; '.join(tasks)}: {name}, {words}" for (name, words), tasks in absent.items()] + broken  # fmt: skip


def linearity(table: dict[str, Any]) -> list[str]:
    """Return a phrase for each program measured at several sizes: how evenly its time per atom goes on."""
    said = []
    for (task, program), series in growth(table).items():
        uneven = unevenness(series)
        if uneven is None:
            continue
        sizes = [row.size for row in series if row.size and row.size >= 9_000]
        judged = "linear" if uneven <= LINEAR else "not linear"
        own = " without the system's" if all(row.user for row in series) else ""
        said.append(
            f"{task}, {program}: CPU time per atom{own} differs by {uneven:.0%} from {min(sizes):,} to {max(sizes):,} "
            f"atoms ({judged} within {LINEAR:.0%})"
        )
    return said


def provenance_html(runs: Sequence[Run]) -> str:
    """Write the table of when and from what code each file was recorded, with the load of the computer."""
    took = {
        row["file"]: row["seconds"]
        for run in runs
        if run.file == "run"
        for table in run.tables("table")
        for row in table["rows"]
    }
    body = []
    for run in runs:
        tables = run.content["tables"]
        begun, ended = tables[0]["begun"], tables[-1]["ended"]
        quick = " (small sizes)" if run.content["quick"] else ""
        body.append(
            [
                run.file + quick, begun["time"][:10], run.content["commit"],
                *(digits.write(each["load"], places=1) for each in (begun, ended)),
                digits.write(took[run.file] / 60, places=1) if run.file in took else digits.MISSING,
            ]
        )  # fmt: skip
    head = ["bench file", "date", "commit", "load before", "load after", "minutes"]
    return folded("What was run when", head, body, is_open=True)


def computer(runs: Sequence[Run]) -> list[str]:
    """Name the computer, and the versions of all programs; one sentence each where runs differ."""
    machines = dict.fromkeys(
        f"{found['cpu']}, {found['cores']} cores, {_number(found['memory'])} GB of memory, {found['system']}"
        for found in (run.content["machine"] for run in runs)
    )
    versions: dict[str, dict[str, None]] = {}
    for run in runs:
        for name, version in run.content["versions"].items():
            versions.setdefault(name, {})[version] = None
    named = ", ".join(f"{name} {' and '.join(found)}" for name, found in versions.items())
    return [f"Computer: {'; '.join(machines)}.", f"Versions: {named}."]


def full_name(row: Row) -> str:
    """Name a program with its version."""
    return f"{row.program} ({row.version})" if row.version else row.program


def cases_html(table: dict[str, Any]) -> str:
    """Write all numbers of the cases of a table, to unfold."""
    found = rows(table)
    known = any(row.error is not None for row in found)
    head = ["task", "program", "time [s]", "CPU time [s]", "CPU ratio", "memory [MB]", *["error"] * known]
    body = []
    for row in found:
        cells = [row.name, full_name(row)]
        if row.missing:
            body.append([*cells, row.missing, *[""] * (len(head) - 3)])
            continue
        assert row.seconds is not None
        assert row.cpu is not None
        times = [*(with_spread(each, 3) for each in (row.seconds, row.cpu)), _ratio_words(row)]
        memory = _number((row.memory or 0) / 1e6)
        body.append([*cells, *times, memory, *([_number(row.error)] if known else [])])
    return folded(f"All numbers: {table['title']}", head, body)


def _ratio_words(row: Row) -> str:
    return with_spread(row.cpu_ratio) if row.cpu_ratio else "1" if row.is_first else digits.MISSING


def table_html(table: dict[str, Any]) -> str:
    """Write a table of any other shape."""
    head = [f"{name} [{unit}]" if unit else name for name, unit in table["columns"]]
    keys = [name for name, _ in table["columns"]]
    keys_shown = [key for key in keys if any(row.get(key) is not None for row in table["rows"])]
    head = [title for title, key in zip(head, keys, strict=True) if key in keys_shown]
    body = [[_number(row.get(key)) for key in keys_shown] for row in table["rows"]]
    note = table["note"] if not table["plot"] else ""
    return folded(table["title"], head, body, is_open=not table["plot"] and len(body) <= _LONG, note=note)


def folded(
    title: str,
    head: Sequence[str],
    body: Sequence[Sequence[str]],
    *,
    is_open: bool = False,
    note: str = "",
    marked: Mapping[str, str] | None = None,
) -> str:
    """Write a table as HTML that unfolds and, on a phone, scrolls by itself; `marked` names classes of some words."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    classes = {words: f' class="{name}"' for words, name in (marked or {}).items()}
    lines = "".join(
        f"<tr>{''.join(f'<td{classes.get(cell, str())}>{escape(cell)}</td>' for cell in row)}</tr>" for row in body
    )
    return (
        f'<details class="performance"{" open" * is_open}><summary>{escape(title)}</summary><div class="table-scroll">'
        f'<table class="dataframe"><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>'
        f"{f'<p>{escape(note)}.</p>' if note else ''}</details>"
    )


def _number(value: Any, significant: int = 3) -> str:
    return digits.write(value, significant=significant)
