"""Memory that a calculation will need, compared with what is free before anything is allocated."""

from __future__ import annotations

import os
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_GROUPS = (  # limit and use of a container by Linux, and where it says what of it files have left in the cache
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"), Path("/sys/fs/cgroup/memory.stat")),
    tuple(
        Path("/sys/fs/cgroup/memory") / name
        for name in ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat")
    ),
)
_NO_LIMIT = 2**60  # older containers without a limit state nearly 2⁶³; what they use takes a while to sum up
_CACHE = ("active_file", "inactive_file")  # given back when memory is wanted; both as such or as total_…


def free_memory() -> float:
    """Return the bytes that are free for new arrays; infinity where the system does not tell.

    Returns
    -------
    float
        The least of what the machine and its container have left [bytes].

    Examples
    --------
    >>> from helpers.memory import free_memory
    >>> free_memory() > 1e6
    True
    """
    return min([_machine(), *(_group(*files) for files in _GROUPS)])


def check_memory(needed: float, *, what: str, instead: str) -> None:
    """Refuse a calculation that needs more memory than is free.

    Parameters
    ----------
    needed : float
        Arrays held at the peak [bytes].
    what : str
        What would be held, as the subject of the message.
    instead : str
        The way out, in the imperative.

    Raises
    ------
    MemoryError
        If `needed` exceeds what `free_memory` finds.

    Examples
    --------
    >>> from helpers.memory import check_memory
    >>> check_memory(1e3, what="a volume of 5³ voxels", instead="take fewer voxels")
    """
    free = free_memory()
    if needed > free:
        msg = f"{what} would take {as_bytes(needed)} of memory but {as_bytes(free)} are free; {instead}"
        raise MemoryError(msg)


def as_bytes(amount: float) -> str:
    """Write an amount of memory for a reader.

    Examples
    --------
    >>> from helpers.memory import as_bytes
    >>> as_bytes(2.5e6), as_bytes(3.21e9), as_bytes(1.024e15)
    ('2 MB', '3.2 GB', '1,024 TB')
    """
    if amount < 2e9:
        return f"{amount / 1e6:.0f} MB"
    return f"{amount / 1e9:.1f} GB" if amount < 2e12 else f"{amount / 1e12:,.0f} TB"


def _machine() -> float:
    try:
        for line in _MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024.0 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


def _group(limit: Path, used: Path, parts: Path) -> float:
    try:
        most = int(limit.read_text())
        if most >= _NO_LIMIT:
            return float("inf")
        return max(float(most) - int(used.read_text()) + _cache(parts), 0.0)
    except (OSError, ValueError):  # no container, or no limit ("max")
        return float("inf")


def _cache(parts: Path) -> float:
    """Return the bytes of a container that hold files, and are free as soon as they are wanted."""
    try:
        sizes = dict(line.split() for line in parts.read_text(encoding="ascii").splitlines())
        return float(sum(int(sizes.get(f"total_{name}", sizes.get(name, 0))) for name in _CACHE))
    except (OSError, ValueError):
        return 0.0
