"""Ctrl-C in a long calculation: say how far it came and how to go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def explained(advice: Callable[[], str]) -> Iterator[None]:
    """Let an interruption say what `advice` returns at that moment.

    Parameters
    ----------
    advice : callable
        Returns one sentence: how far the calculation came, what is kept, and how to go on.

    Raises
    ------
    KeyboardInterrupt
        If the calculation within is interrupted.

    Examples
    --------
    >>> from helpers.interrupts import explained
    >>> done = []
    >>> with explained(lambda: f"stopped after {len(done)} of 3 images and nothing is kept; call again"):
    ...     done += [1, 2, 3]
    """
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(advice()) from None
