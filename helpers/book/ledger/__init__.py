"""The ledger: what the paper states, what we find, and how the two compare.

A notebook opens its `page`, records a number under its claim's name, and ends with the verdicts; `rows`, `table` and
`scoreboard` read all records back. Nothing in the ledger is typed by hand.
"""

from . import conclusions, html
from .archive import recorded
from .notebook import Page, page
from .own import Own, own_atoms, own_table
from .paper import Claim, about, claims, find
from .records import VERDICTS, Record, judge, load, record
from .tables import counts, robustness, rows, scoreboard, show, table

__all__ = [
    "VERDICTS",
    "Claim",
    "Own",
    "Page",
    "Record",
    "about",
    "claims",
    "conclusions",
    "counts",
    "find",
    "html",
    "judge",
    "load",
    "own_atoms",
    "own_table",
    "page",
    "record",
    "recorded",
    "robustness",
    "rows",
    "scoreboard",
    "show",
    "table",
]
