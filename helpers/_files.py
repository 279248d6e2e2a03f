"""Files that appear whole or not at all, and the traces of writers that were killed."""

from __future__ import annotations

import errno
import itertools
import os
import platform
import re
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Numbers of the errors of a full disk.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_HOST = f"{zlib.crc32(platform.node().encode()):08x}"
_PART = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)-\d+\.part(\.\w+)?")
_OLD = 86400.0  # seconds after which a temporary file of another computer counts as abandoned
_FRESH = 60.0  # seconds in which no temporary file is touched: process numbers are used again
_COUNTER = itertools.count()


class NoSpace(OSError):
    """A disk, or what one user may keep on it, is full."""

    def __str__(self) -> str:
        return str(self.args[1])


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it there only if the block succeeds.

    What earlier writers left there when they were killed is removed, by its age and owner.

    Raises
    ------
    NoSpace
        If the disk is full; what was at `path` is still there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    part = path.with_name(f".{path.stem}.{_HOST}-{os.getpid()}-{next(_COUNTER)}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        if error.errno in FULL and not isinstance(error, NoSpace):
            raise no_space(path, None, error) from error
        raise
    finally:
        part.unlink(missing_ok=True)


def write(path: str | Path, content: bytes | memoryview) -> None:
    """Write bytes to a file that appears once it is whole and on the disk.

    Raises
    ------
    NoSpace
        If they do not fit; the message says what is needed and what is left.
    """
    path = Path(path)
    with replacing(path) as part:
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if error.errno in FULL:
                part.unlink(missing_ok=True)  # so that the message tells what is left without it
                raise no_space(path, len(content), error) from error
            raise


def no_space(path: Path, needed: int | None, error: OSError) -> NoSpace:
    """Say in a sentence what did not fit where."""
    size = "" if needed is None else f"needs {_size(needed)} and "
    before = "; the file that was there before is as it was" if path.exists() else ""
    msg = (
        f"{path.name} {size}cannot be written ({os.strerror(error.errno or 0)}): {_size(_left(path.parent))} are left "
        f"in {path.parent}; make room or name another place{before}"
    )
    return NoSpace(error.errno, msg)


def sweep(folder: Path) -> list[Path]:
    """Remove the temporary files of this user whose writers are gone; return them."""
    gone = []
    for path in folder.glob(".*.part*"):
        found = _PART.fullmatch(path.name)
        try:
            state = path.stat()
            if (
                found
                and state.st_uid == os.getuid()
                and _is_left(found[1], int(found[2]), time.time() - state.st_mtime)
            ):
                path.unlink()
                gone.append(path)
        except OSError:  # another process was quicker
            continue
    return gone


def _is_left(host: str, process: int, age: float) -> bool:
    """Whether a temporary file of that process, last written so many seconds ago, has no writer any more."""
    if host != _HOST:
        return age > _OLD
    if process == os.getpid() or age < _FRESH:
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return age > _OLD


def _left(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"
