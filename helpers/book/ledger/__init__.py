"""The ledger: what the paper states, what we find, and how the two compare.

Notebooks `record` a number under its claim's name; `table` and `scoreboard` read all records back. Nothing
in the ledger is typed by hand.
"""

from . import conclusions
from .paper import Claim, about, claims, find
from .records import VERDICTS, Record, judge, load, record
from .tables import counts, robustness, scoreboard, show, table

__all__ = [
    "VERDICTS",
    "Claim",
    "Record",
    "about",
    "claims",
    "conclusions",
    "counts",
    "find",
    "judge",
    "load",
    "record",
    "robustness",
    "scoreboard",
    "show",
    "table",
]
