"""What was aimed at, what it was before, and what the record says: the table of ``data/speed.csv``."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ... import digits
from ...data import DATA_FOLDER
from .records import Row, Run, Spread, growth, rows, spread, unevenness
from .sentences import folded, full_name, with_spread

_TIMES = {"seconds": 1.0, "cpu": 1.0, "memory": 1e-6}
_SUM = "sum"
_SIGNS = {"<": "less than", ">": "more than"}


class Goal(NamedTuple):
    """A row of the table.

    `file`, `table`, `where` and `take` say where in the record it stands: a bench file; a task, or the title of a
    table of any other shape; conditions ``column=value``, joined by semicolons; and ``seconds``, ``cpu``, ``memory``
    [MB] or ``error`` of a case, ``cpu_ratio``, ``seconds_ratio`` or ``error_ratio`` to the first program of the task,
    or a column, of which all rows that fit are added up. The table ``sum`` adds up the seconds of the tasks that `take`
    joins by plus signs. ``growth`` is by how many per cent the CPU time per atom differs between the sizes of a task,
    see `records.unevenness`. Where several other programs fit, the one with the least ratio counts. `limit` is
    ``< number`` or ``> number``.
    """

    what: str
    before: str
    limit: str
    unit: str
    file: str
    table: str
    where: str
    take: str


class Found(NamedTuple):
    """What the record says of a goal: a value, another program that it is a ratio to, and when and at what load."""

    value: Spread
    beside: str
    load: float
    date: str


def goals() -> list[Goal]:
    """Return the rows of ``data/speed.csv``."""
    with (DATA_FOLDER / "speed.csv").open(encoding="utf-8", newline="") as file:
        return [Goal(**row) for row in csv.DictReader(file)]


def found_for(goal: Goal, runs: Sequence[Run]) -> Found | None:
    """Return what the record says of a goal, or None where it says nothing."""
    conditions = dict(part.split("=", 1) for part in goal.where.split(";") if part)
    for table in (table for run in runs if run.file == goal.file for table in run.content["tables"]):
        beside, load, date = "", float(table["begun"]["load"]), str(table["begun"]["time"])[:10]
        if table["kind"] == "table":
            if table["title"] != goal.table:
                continue
            chosen = [row for row in table["rows"] if all(str(row.get(k)) == v for k, v in conditions.items())]
            values = [row[goal.take] for row in chosen if row.get(goal.take) is not None]
            value = spread([sum(values)]) if values else None
            if len(chosen) == 1:  # where each row has its own time
                load, date = float(chosen[0].get("load before", load)), str(chosen[0].get("date", date))
        else:
            value, beside = _of_cases(goal, conditions, table)
        if value is not None:
            return Found(value, beside, load, date)
    return None


def _of_cases(goal: Goal, conditions: Mapping[str, str], table: dict[str, Any]) -> tuple[Spread | None, str]:
    if goal.take == "growth":
        series = growth(table).get((goal.table, conditions.get("program", "ours")))
        uneven = unevenness(series) if series else None
        return (None if uneven is None else spread([100 * uneven])), ""
    tasks = goal.take.split("+") if goal.table == _SUM else [goal.table]
    cases = [row for row in rows(table) if row.task in tasks and not row.missing]
    fit = [row for row in cases if all(str(getattr(row, k)) == v for k, v in conditions.items())]
    if goal.table == _SUM:
        each = [row.seconds for row in fit if row.seconds]
        done = [row.task for row in fit] == tasks
        return (Spread(*(sum(values) for values in zip(*each, strict=True))) if done else None), ""
    if goal.take.endswith("_ratio") and "program" not in conditions:
        others = [(value, row) for row in fit if row.peer and (value := _of_case(row, goal.take))]
        value, row = min(others, key=lambda pair: pair[0].median, default=(None, None))
        return value, full_name(row) if row else ""
    if len(fit) != 1:
        return None, ""
    return _of_case(fit[0], goal.take), full_name(fit[0]) if goal.take.endswith("_ratio") else ""


def _of_case(row: Row, take: str) -> Spread | None:
    value = getattr(row, take)
    if value is None or isinstance(value, Spread):
        return value
    return spread([value * _TIMES.get(take, 1.0)])


def is_met(goal: Goal, found: Spread) -> bool:
    """Whether the median keeps within the limit.

    Examples
    --------
    >>> from helpers.book.performance.goals import Goal, is_met
    >>> from helpers.book.performance.records import Spread
    >>> is_met(Goal("", "", "< 25", "s", "", "", "", ""), Spread(24.0, 23.0, 26.0))
    True
    """
    sign, limit = goal.limit.split()
    return found.median < float(limit) if sign == "<" else found.median > float(limit)


def judged(runs: Sequence[Run]) -> list[tuple[Goal, Found | None, str]]:
    """Return every goal with what the record says of it, and "met", "missed" or "not recorded"."""
    made = []
    for goal in goals():
        found = found_for(goal, runs)
        words = "not recorded" if found is None else "met" if is_met(goal, found.value) else "missed"
        made.append((goal, found, words))
    return made


def tally(runs: Sequence[Run]) -> tuple[str, list[str]]:
    """Say how many goals are met; return a phrase for each that is missed beside it."""
    found = judged(runs)
    words = [each for _, _, each in found]
    missed = [
        f"{goal.what}: {with_spread(now.value, 3)}{unit} instead of {_SIGNS[goal.limit[0]]} {goal.limit[2:]}{unit}"
        for goal, now, each in found
        if now and each == "missed"
        for unit in (f" {goal.unit}" if goal.unit else "",)
    ]
    text = f"Of {len(words)} goals {words.count('met')} are met and {len(missed)} missed"
    absent = words.count("not recorded")
    return text + (f"; of {absent} nothing is recorded." if absent else "."), missed


def goals_html(runs: Sequence[Run]) -> str:
    """Write the table: before, goal, now with its spread, whether it is met, beside whom, and the load then."""
    body = []
    found_all = judged(runs)
    dates = {found.date for _, found, _ in found_all if found}
    for goal, found, words in found_all:
        body.append(
            [
                goal.what + (f" [{goal.unit}]" if goal.unit else ""), goal.before or digits.MISSING, goal.limit,
                digits.MISSING if found is None else with_spread(found.value, 3), words,
                found.beside if found else "", digits.write(found.load, places=1) if found else "",
                *([found.date if found else ""] if len(dates) > 1 else []),
            ]
        )  # fmt: skip
    head = ["", "before", "goal", "now", "", "beside", "load", *(["date"] if len(dates) > 1 else [])]
    note = f"All of {dates.pop()}" if len(dates) == 1 else ""
    return folded("Goals", head, body, is_open=True, note=note, marked={"met": "met", "missed": "missed"})


def goals_text(runs: Sequence[Run]) -> str:
    """Write the same for a terminal, a line a goal.

    Examples
    --------
    >>> from helpers.book.performance.goals import goals_text
    >>> goals_text([]).splitlines()[0]
    'before    goal      now                                   what'
    """
    lines = [f"{'before':10}{'goal':10}{'now':24}{'':14}what"]
    for goal, found, words in judged(runs):
        now = "" if found is None else with_spread(found.value, 3)
        unit = f" [{goal.unit}]" if goal.unit else ""
        lines.append(f"{goal.before:10}{goal.limit:10}{now:23} {words:14}{goal.what}{unit}")
    return "\n".join(lines)
