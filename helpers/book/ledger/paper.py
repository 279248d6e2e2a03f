"""What the paper states: its claims, as ``data/claims.toml`` lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...data import DATA_FOLDER


@dataclass(frozen=True)
class Claim:
    """A quantitative statement of the paper, as ``data/claims.toml`` lists it."""

    name: str
    figure: str
    statement: str
    samples: tuple[str, ...]
    kind: str
    notebook: int
    value: float | None = None
    unit: str = ""
    half_width: float | None = None
    bound: str | None = None
    over: str | None = None
    needs: str | None = None


@lru_cache(maxsize=1)
def claims() -> dict[str, Claim]:
    """Return every claim by its name, in the order of the paper."""
    content = tomllib.loads((DATA_FOLDER / "claims.toml").read_text(encoding="utf-8"))
    return {n: Claim(name=n, **{**c, "samples": tuple(c["samples"])}) for n, c in content.items()}


def find(stem: str, sample: str) -> str | None:
    """Return the claim about one sample whose name starts with `stem`, or None.

    Examples
    --------
    >>> from helpers.book.ledger import find
    >>> find("nuclei_fraction", "Pd1")
    'nuclei_fraction_pd1'
    >>> find("nuclei_fraction", "demo") is None
    True
    """
    fitting = [n for n, c in claims().items() if n.startswith(stem) and c.samples == (sample,)]
    return fitting[0] if len(fitting) == 1 else None


def about(name: str, samples: Sequence[str]) -> list[str]:
    """Return those of the samples that a claim speaks of, or all of them if it speaks of none.

    A pooled number is to be computed on these alone: other samples may have been run beside them.

    Examples
    --------
    >>> from helpers.book.ledger import about
    >>> about("five_edged_faces", ["Pd1", "demo", "Ta"])
    ['Pd1', 'Ta']
    >>> about("five_edged_faces", ["demo"])
    ['demo']
    """
    return [s for s in samples if s in claims()[name].samples] or list(samples)
