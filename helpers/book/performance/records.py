"""What ``make bench`` recorded, and the few statistics that are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...data import DATA_FOLDER

#: One file for each bench file.
FOLDER = DATA_FOLDER / "recorded" / "bench"


class Spread(NamedTuple):
    """Median, lowest and highest of a few values."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Return median, lowest and highest.

    Examples
    --------
    >>> from helpers.book.performance.records import spread
    >>> spread([3.0, 1.0, 2.0])
    Spread(median=2.0, low=1.0, high=3.0)
    """
    return Spread(float(np.median(values)), float(min(values)), float(max(values)))


def ratio(values: Sequence[float], to: Sequence[float]) -> Spread:
    """Return the spread of what one program took over what another took in the same turn.

    Where one had fewer turns than the other, its median stands for those that it lacks.

    Examples
    --------
    >>> from helpers.book.performance.records import ratio
    >>> ratio([2.0, 4.0, 6.0], [1.0, 1.0, 2.0])
    Spread(median=3.0, low=2.0, high=4.0)
    """
    turns = max(len(values), len(to))
    above, below = ([*each, *[float(np.median(each))] * (turns - len(each))] for each in (values, to))
    tiny = 1e-9  # a clock may stand still
    return spread([max(a, tiny) / max(b, tiny) for a, b in zip(above, below, strict=True)])
