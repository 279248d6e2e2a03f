"""Tables of the pages about running the book: what each notebook takes, and what faults were tried."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from ... import store
from ...data import DATA_FOLDER
from .panels import nested
from .run import Cost, read_cost


class Fault(NamedTuple):
    """Something that was broken on purpose, what came of it, and the test that does it again."""

    fault: str
    result: str
    test: str


def faults() -> list[Fault]:
    """Return the rows of ``data/faults.csv``."""
    with (DATA_FOLDER / "faults.csv").open(encoding="utf-8", newline="") as file:
        return [Fault(**row) for row in csv.DictReader(file)]


def fault_lines(rows: list[Fault]) -> list[str]:
    """Write the table of faults in the pages' own language.

    Examples
    --------
    >>> from helpers.book.pages.facts import Fault, fault_lines
    >>> fault_lines([Fault("a full disk", "one sentence", "tests/test_files.py::test_a_full_disk")])[-1]
    '| a full disk | one sentence | `test_files.py` |'
    """
    body = [f"| {row.fault} | {row.result} | `{Path(row.test.split('::')[0]).name}` |" for row in rows]
    return ["| fault | what happens | test |", "|---|---|---|", *body]


def cost_lines(fresh: dict[str, Any], here: dict[str, Cost]) -> list[str]:
    """Write the table of what each notebook takes: in a fresh place, as recorded, and in the build of these pages."""
    recorded = {entry["notebook"]: Cost(**entry) for entry in fresh.get("notebooks", [])}
    head = ["notebook", *(["fresh [s]", "[MB]"] if recorded else []), *(["this copy [s]", "[MB]"] if here else [])]
    lines = [f"| {' | '.join(head)} |", f"|---|{'--:|' * (len(head) - 1)}"]
    for name in sorted({*recorded, *here}):
        cells = [name.replace("_", " ")]
        for known, shown in ((recorded, bool(recorded)), (here, bool(here))):
            cost = known.get(name)
            cells += ([f"{cost.seconds:.0f}", f"{cost.megabytes:,.0f}"] if cost else ["–", "–"]) if shown else []
        lines.append(f"| {' | '.join(cells)} |")
    return lines


class RunCosts(SphinxDirective):
    """What each notebook takes: ``{run-costs}``."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Write a row a notebook, from what the runs measured of themselves."""
        runs = sorted((DATA_FOLDER.parent / "_build" / "notebooks").glob("[0-9][0-9]_*.ipynb"))
        here = {path.stem: cost for path in runs if (cost := read_cost(path)) is not None}
        recorded = DATA_FOLDER / "recorded" / "binder.json"
        fresh = store.load_numbers(recorded) if recorded.is_file() else {}
        if not fresh and not here:
            return [nodes.paragraph(text="No run of this copy was measured.")]
        return nested(self, cost_lines(fresh, here))


class Faults(SphinxDirective):
    """The table of faults: ``{faults}``."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Write a row a fault."""
        return nested(self, fault_lines(faults()))
