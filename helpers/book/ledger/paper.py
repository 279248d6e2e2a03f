"""What the paper states: its claims, as ``data/claims.toml`` lists them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ... import digits
from ...data import DATA_FOLDER
from ...samples import load_sample, sample_names


@dataclass(frozen=True)
class Claim:
    """A quantitative statement of the paper, as ``data/claims.toml`` lists it, with how we obtain our number."""

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
    section: str | None = None
    rule: str = ""
    why: str = ""
    better: str | None = None
    readings: Mapping[str, str] = field(default_factory=dict)

    @property
    def places(self) -> int:
        """Decimal places that the paper prints."""
        return digits.places_of(self.half_width) if self.half_width else 0

    @property
    def paper(self) -> str:
        """The paper's number as it prints it, with its unit; of a trend, that it holds."""
        if self.kind == "trend":
            return "holds"
        before = {"above": "> ", "below": "< "}.get(self.bound or "", "")
        return before + digits.write(self.value, places=self.places, unit=self.unit)

    @property
    def figure_words(self) -> str:
        """Where the paper states it."""
        return f"Fig. {self.figure}" if self.figure[-1].isdigit() or self.figure[0] in "S0123456789" else self.figure

    @property
    def about(self) -> str:
        """Names of the samples that it speaks of, for reading."""
        known = sample_names()
        return ", ".join(load_sample(s).short if s in known else "simulated Ta" for s in self.samples)


@lru_cache(maxsize=1)
def claims() -> dict[str, Claim]:
    """Return every claim by its name, in the order of the paper."""
    content = tomllib.loads((DATA_FOLDER / "claims.toml").read_text(encoding="utf-8"))
    found = {}
    for name, entry in content.items():
        shared = content[entry["like"]] if "like" in entry else {}
        how = {key: shared[key] for key in ("rule", "why", "readings") if key in shared}
        fields = {**how, **{key: value for key, value in entry.items() if key != "like"}}
        found[name] = Claim(name=name, **{**fields, "samples": tuple(entry["samples"])})
    return found


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
