"""What was aimed at, what it was before, and what the record says: the table of ``data/speed.csv``."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import NamedTuple

from ... import digits
from ...data import DATA_FOLDER
from .records import Row, Run, Spread, rows, spread
from .sentences import folded, with_spread

_TIMES = {"seconds": 1.0, "cpu": 1.0, "memory": 1e-6}


class Goal(NamedTuple):
    """A row of the table.

    `file`, `table`, `where` and `take` say where in the record it stands: a bench file; a task, or the title of a
    table of any other shape; conditions ``column=value``, joined by semicolons; and ``seconds``, ``cpu``, ``memory``
    [MB] or ``error`` of a case, ``cpu_ratio``, ``seconds_ratio`` or ``error_ratio`` to the first program of the task,
    or a column, of which all rows that fit are added up. The table ``sum`` adds up the seconds of the tasks that `take`
    joins by plus signs. `limit` is ``< number`` or ``> number``.
    """

    what: str
    before: str
    limit: str
    unit: str
    file: str
    table: str
    where: str
    take: str


def goals() -> list[Goal]:
    """Return the rows of ``data/speed.csv``."""
    with (DATA_FOLDER / "speed.csv").open(encoding="utf-8", newline="") as file:
        return [Goal(**row) for row in csv.DictReader(file)]


def found_for(goal: Goal, runs: Sequence[Run]) -> Spread | None:
    """Return what the record says of a goal, or None where it says nothing."""
    conditions = dict(part.split("=", 1) for part in goal.where.split(";") if part)
    for run in runs:
        if run.file != goal.file:
            continue
        for table in run.content["tables"]:
            if table["kind"] == "table":
                if table["title"] != goal.table:
                    continue
                chosen = [row for row in table["rows"] if all(str(row.get(k)) == v for k, v in conditions.items())]
                values = [row[goal.take] for row in chosen if row.get(goal.take) is not None]
                if values:
                    return spread([sum(values)])
                continue
            tasks = goal.take.split("+") if goal.table == "sum" else [goal.table]
            cases = [row for row in rows(table) if row.task in tasks and not row.missing]
            fit = [row for row in cases if all(str(getattr(row, k)) == v for k, v in conditions.items())]
            if goal.table == "sum" and [row.task for row in fit] == tasks:
                each = [row.seconds for row in fit if row.seconds]
                return Spread(*(sum(values) for values in zip(*each, strict=True)))
            if goal.table != "sum" and len(fit) == 1:
                return _of_case(fit[0], cases, goal.take)
    return None


def _of_case(row: Row, cases: Sequence[Row], take: str) -> Spread | None:
    if take == "error_ratio":
        first = next((each for each in cases if each.is_first and each.size == row.size), None)
        return spread([row.error / first.error]) if first and first.error and row.error is not None else None
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


def goals_html(runs: Sequence[Run]) -> str:
    """Write the table: before, now with its spread, goal, and whether it is met."""
    body = []
    for goal in goals():
        found = found_for(goal, runs)
        now = digits.MISSING if found is None else with_spread(found, 3)
        judged = "not recorded" if found is None else "met" if is_met(goal, found) else "not met"
        unit = f" [{goal.unit}]" if goal.unit else ""
        body.append([goal.what + unit, goal.before or digits.MISSING, now, goal.limit, judged])
    return folded("Goals", ["", "before", "now", "goal", ""], body, is_open=True)
