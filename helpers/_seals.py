"""Seals: a file carries the SHA-256 of all its other bytes, so that no damage is read as a result."""

from __future__ import annotations

import hashlib
import io
import mmap
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

Found = TypeVar("Found")

_MARK = b"sealed-sha256:"
_DIGITS = 64
_TICK = 2_000_000_000  # what may lie between two readings of the coarsest clock of a file system [ns]
#: What stands in a note until its file is sealed.
BLANK = _MARK.decode() + "0" * _DIGITS


class DamagedFile(ValueError):
    """A stored file is not what was written."""


def seal(file: io.BytesIO) -> None:
    """Put into a file that is made in memory, in the one place where `BLANK` stands, the hash of all its bytes.

    Raises
    ------
    ValueError
        If there is no such place, or more than one.
    """
    content = file.getvalue()  # the same memory, until something is written
    place, found = content.find(BLANK.encode()), content.count(_MARK)
    if found != 1 or place < 0:
        msg = f"a file has {found} places for its seal; expected one"
        raise ValueError(msg)
    digest = hashlib.sha256(content).hexdigest().encode()
    del content
    file.seek(place + len(_MARK))
    file.write(digest)


def is_sealed(path: str | Path) -> bool:
    """Say whether a file has a seal, and refuse it if its content is not the sealed one.

    Raises
    ------
    DamagedFile
        If a byte has changed or is missing.
    """
    path = Path(path)
    found = once(_check, path)
    if found is False:
        msg = f"{path} is damaged: its content is not what was stored; remove it and make it again"
        raise DamagedFile(msg)
    return found is not None


def once(function: _lru_cache_wrapper[Found], path: Path) -> Found:
    """Return what a function says of a file, computed once for each state of the file.

    The state is inode, size and time of change. A file that was changed just now may change again without another time,
    so nothing is remembered of it.
    """
    state = path.stat()
    is_young = time.time_ns() - state.st_mtime_ns < _TICK
    return (function.__wrapped__ if is_young else function)(path, state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _check(path: Path, inode: int, size: int, modified: int) -> bool | None:
    """Whether the seal fits, once for each state of a file; None without one."""
    if size < len(BLANK):
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.find(_MARK)
        if place < 0:
            return None
        start, end = place + len(_MARK), place + len(BLANK)
        view = memoryview(content)
        try:
            digest = hashlib.sha256(view[:start])
            digest.update(b"0" * len(view[start:end]))
            digest.update(view[end:])
            return bytes(view[start:end]) == digest.hexdigest().encode()
        finally:
            view.release()
