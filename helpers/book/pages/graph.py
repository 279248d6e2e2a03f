"""One run of the graph of notebooks in a folder at a time, and none held up by one that was killed.

Snakemake marks a folder as locked with files that stay behind when it is killed. A lock of the system tells the two
apart: it goes with its process.
"""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path
from typing import IO

_HELD: list[IO[str]] = []  # open for as long as this process lives


def free_stale_lock(folder: str | Path = ".") -> list[Path]:
    """Take away Snakemake's lock on a folder if no process holds it, and hold the folder for this process.

    Parameters
    ----------
    folder : path
        Where Snakemake works.

    Returns
    -------
    list of path
        The files of the lock that a killed run has left; empty if there was none, or another run is at work, which
        Snakemake then says itself.
    """
    state = Path(folder) / ".snakemake"
    state.mkdir(exist_ok=True)
    file = (state / "held").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return []
    except OSError:  # a file system without locks: nothing can be told
        file.close()
        return []
    _HELD.append(file)
    left = sorted((state / "locks").glob("*.lock")) if (state / "locks").is_dir() else []
    for path in left:
        path.unlink(missing_ok=True)
    if left:
        print(
            "an earlier run here was killed; its lock is taken away, and only what it had not finished runs",
            file=sys.stderr,
        )
    return left
