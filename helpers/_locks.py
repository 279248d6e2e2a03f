"""Locks: one process at a time. The system frees them when their holder ends, however it ends."""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PAUSE = 0.1  # seconds between two tries


class Busy(RuntimeError):
    """Another process is at work on the same file or folder."""


@contextmanager
def holding(path: str | Path, what: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold a lock while the block runs.

    Parameters
    ----------
    path : path
        The lock file; it is gone after the block. A file that a killed process has left holds nobody up.
    what : str
        What the lock is for, as the message names it.
    wait : float
        How long to wait for another holder [s].

    Raises
    ------
    Busy
        If another process, or another thread, still holds it then; the message says which, and since when.

    Notes
    -----
    Where the file system knows no locks, the block runs without one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = _take(path, what, time.monotonic() + wait)
    try:
        yield
    finally:
        if file is not None:
            path.unlink(missing_ok=True)  # first, so that whoever waits for this file sees that it is gone
            file.close()


def _take(path: Path, what: str, until: float) -> IO[str] | None:
    """Open and lock the file; None where locks are unknown."""
    import fcntl

    while True:
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(file)
            file.close()
            if time.monotonic() >= until:
                msg = f"{what} is in use by {holder}; wait until it has ended, or stop it"
                raise Busy(msg) from None
            time.sleep(_PAUSE)
            continue
        except OSError:
            file.close()
            path.unlink(missing_ok=True)
            return None
        if _is_still(path, file):
            _sign(file)
            return file
        file.close()  # the holder before has removed it meanwhile


def _is_still(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _sign(file: IO[str]) -> None:
    """Write down who holds the lock, for the message to others; a full disk does not matter."""
    now = datetime.datetime.now().astimezone().strftime("%H:%M on %d %B")
    try:
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()} since {now}")
        file.flush()
    except OSError:
        pass


def _holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "another process"
