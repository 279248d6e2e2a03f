"""The tables about running the book: every fault has its test, and every notebook its cost."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from helpers.book.pages import facts
from helpers.book.pages.run import Cost

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("row", facts.faults(), ids=lambda row: row.fault)
def test_every_fault_has_its_test(row):
    file, name = row.test.split("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file} has no {name}"
    assert "|" not in row.fault + row.result, "a bar would end the cell of the table"


def test_the_table_holds_fresh_and_own_runs():
    fresh = {"notebooks": [vars(Cost("10_order", 41.6, 50.0, 1234.4, 2)), vars(Cost("11_motifs", 9.4, 9.0, 300.0, 2))]}
    assert facts.cost_lines(fresh, {"10_order": Cost("10_order", 20.2, 20.0, 800.0, 2)}) == [
        "| notebook | fresh [s] | [MB] | this copy [s] | [MB] |",
        "|---|--:|--:|--:|--:|",
        "| 10 order | 42 | 1,234 | 20 | 800 |",
        "| 11 motifs | 9 | 300 | – | – |",
    ]
    assert facts.cost_lines({}, {"10_order": Cost("10_order", 20.2, 20.0, 800.0, 2)})[0] == (
        "| notebook | this copy [s] | [MB] |"
    )


def test_what_is_recorded_is_what_binder_grants():
    """Every notebook, with default parameters, in a fresh place."""
    path = ROOT / "data" / "recorded" / "binder.json"
    if not path.is_file():
        pytest.skip("nothing is recorded yet")
    found = json.loads(path.read_text())
    names = {path.stem for path in (ROOT / "book" / "notebooks").glob("[0-9][0-9]_*.ipynb")}
    assert {entry["notebook"] for entry in found["notebooks"]} <= names
    for entry in found["notebooks"]:
        assert entry["megabytes"] < 1500, entry
