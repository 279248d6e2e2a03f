"""Compiled kernels whose cache notices when a kernel of another file, which they call, has changed.

numba stores compiled code beside the source and compiles anew when that file changes. It does not look at the files
of the kernels that were compiled in: after an edit there, old code runs on. `kernel` makes their files count too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numba import njit


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile with ``numba.njit(cache=True)``, anew also when a kernel that the file imports has changed.

    Parameters
    ----------
    function : callable
        The kernel. Without one, as in ``@kernel(parallel=True)``, a decorator is returned.
    **options
        As for `numba.njit`.

    Notes
    -----
    Needed where a kernel calls one of another file; import that one at the top, by name. The cache is stamped
    with the times and sizes of all files from which kernels were imported, directly or by way of others.

    Examples
    --------
    In a file (numba stores nothing for a console)::

        from helpers.geometry.boxes import _nearest

        @kernel
        def _gap(a, b, side):
            return _nearest(b - a, side)
    """
    if function is None:
        return lambda inner: kernel(inner, **options)
    compiled = njit(cache=True, **options)(function)
    stored = getattr(getattr(compiled, "_cache", None), "_cache_file", None)  # none where nothing is stored
    modules = sorted(set(_modules(function.__module__, {function.__module__})))
    if stored is not None and modules:
        files = [Path(str(sys.modules[name].__file__)).stat() for name in modules]
        stored._source_stamp = (stored._source_stamp, [(file.st_mtime, file.st_size) for file in files])
    return compiled


def _modules(name: str, known: set[str]) -> Iterator[str]:
    """Name the modules whose kernels a module has imported, and those that these have imported."""
    for value in list(vars(sys.modules[name]).values()) if name in sys.modules else ():
        home = getattr(value, "__module__", None) if hasattr(value, "py_func") else None
        if home is not None and home not in known:
            known.add(home)
            yield home
            yield from _modules(home, known)
