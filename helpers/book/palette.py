"""The colours of the book, as ``data/palette.toml`` lists them."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from typing import Any

from ..data import DATA_FOLDER


@lru_cache(maxsize=1)
def palette() -> dict[str, dict[str, Any]]:
    """Return every colour by its group and its name.

    Examples
    --------
    >>> from helpers.book.palette import palette
    >>> palette()["motifs"]["5"]
    '#A95000'
    """
    return tomllib.loads((DATA_FOLDER / "palette.toml").read_text(encoding="utf-8"))


def line_of(sample: str) -> tuple[str, str] | None:
    """Return colour and pattern of a sample, a snapshot going by the name of its simulation; None if none is set.

    Examples
    --------
    >>> from helpers.book.palette import line_of
    >>> line_of("MD300"), line_of("nothing")
    (('#6B6B6B', 'dot'), None)
    """
    known = palette()["samples"]
    entry = known.get(sample, known.get(re.sub(r"\d+$", "", sample)))
    if entry is None:
        return None
    return (entry, "solid") if isinstance(entry, str) else (entry["colour"], entry.get("dash", "solid"))
