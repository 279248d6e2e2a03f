"""Seals: a file carries the SHA-256 of all its other bytes, so that no damage is read as a result."""

from __future__ import annotations

import hashlib
import io
import mmap
from functools import lru_cache
from pathlib import Path

_MARK = b"sealed-sha256:"
_DIGITS = 64
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
    state = path.stat()
    found = _check(path, state.st_ino, state.st_size, state.st_mtime_ns)
    if found is False:
        msg = f"{path} is damaged: its content is not what was stored; remove it and make it again"
        raise DamagedFile(msg)
    return found is not None


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
