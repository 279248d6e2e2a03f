"""Warnings that a test counts, or that must not come: those of the kinds that it is about, and no others.

What is recorded while a block runs need not come from it: the garbage collector, which runs at any moment, warns of
files that something else has left open, and other libraries announce what they are going to drop.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


def of_kind(recorded: Iterable[warnings.WarningMessage], *kinds: type[Warning]) -> list[warnings.WarningMessage]:
    """Return the recorded warnings of some kinds; if none is named, of all that the package defines."""
    return [
        each
        for each in recorded
        if (issubclass(each.category, kinds) if kinds else each.category.__module__.partition(".")[0] == "helpers")
    ]


@contextmanager
def nothing_said() -> Iterator[None]:
    """Fail if the block gives a warning of the package, or one of numerics, such as of a division by zero."""
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter("always")
        yield
    found = of_kind(recorded) + of_kind(recorded, RuntimeWarning)
    assert not found, "; ".join(f"{each.category.__name__}: {each.message}" for each in found)
