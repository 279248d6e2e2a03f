"""Compiled kernels whose cache notices when a kernel of another file, which they call, has changed.

numba stores compiled code beside the source and compiles anew when that file changes. It does not look at the files
of the kernels that were compiled in: after an edit there, old code runs on. `kernel` makes their files count too.

Compilation takes seconds. numba optimises a parallel loop four times over, with all that it calls; a kernel that does
one part of the task, called by `share` from several threads, once. Meanwhile Python does not look for cycles among its
objects: the compiler makes so many that this took a tenth of the time.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from numba import get_num_threads, njit
from numba.core import event

#: For ``fastmath``: everything but "no NaN" and "no infinity", for a NaN must stay one.
SAFE = {"contract", "nsz", "arcp", "reassoc"}
_PARTS = 8  # parts a thread: enough to even out what some take longer
_FEWEST = 256  # items for which a part is worth its while


def kernel(function: Callable[..., Any] | None = None, *, inner: bool = False, **options: Any) -> Any:
    """Compile with ``numba.njit(cache=True)``, anew also when a kernel that the file imports has changed.

    Parameters
    ----------
    function : callable
        The kernel. Without one, as in ``@kernel(parallel=True)``, a decorator is returned.
    inner : bool
        Whether only other kernels call it. It is then compiled without the code that takes arguments from Python,
        which is the larger part where they are many arrays; a call from Python raises.
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
        return lambda later: kernel(later, inner=inner, **options)
    compiled = njit(**{"cache": True, "nogil": True, "no_cfunc_wrapper": True, "no_cpython_wrapper": inner, **options})(
        function
    )
    if inner and hasattr(compiled, "_compile_for_args"):  # a plain function where nothing is compiled
        compiled._insert = lambda *_, **__: None  # there is nothing for a call from Python to find
        compiled._compile_for_args = _refuse(function.__name__)
    stored = getattr(getattr(compiled, "_cache", None), "_cache_file", None)  # none where nothing is stored
    modules = sorted(set(_modules(function.__module__, {function.__module__})))
    if stored is not None and modules:
        files = [Path(str(sys.modules[name].__file__)).stat() for name in modules]
        stored._source_stamp = (stored._source_stamp, [(file.st_mtime, file.st_size) for file in files])
    return compiled


def share(kernel: Callable[..., object], parts: int, *arguments: Any) -> None:
    """Call ``kernel(part, parts, *arguments)`` for each part of a task, by as many threads as numba is told to use.

    Parameters
    ----------
    kernel : callable
        A kernel that does its part and writes where no other part does.
    parts : int
        Number of parts; a free thread takes the next one.
    *arguments
        What the kernel takes besides; the results are among them.

    Notes
    -----
    Kernels release the interpreter, so that threads of Python run them side by side. The threads wait for the next
    call, for to start one takes longer than many a kernel; before the process forks they end.

    Examples
    --------
    >>> import numpy as np
    >>> from helpers.kernels import share
    >>> squares = np.zeros(4)
    >>> def square(part, parts, numbers, squares):
    ...     mine = slice(len(numbers) * part // parts, len(numbers) * (part + 1) // parts)
    ...     squares[mine] = numbers[mine] ** 2
    >>> share(square, 2, np.arange(4), squares)
    >>> squares.tolist()
    [0.0, 1.0, 4.0, 9.0]
    """
    waiting = iter(range(parts))
    troubles: list[BaseException] = []

    def work() -> None:
        try:
            for part in waiting:
                if troubles:  # or an interruption, which only the main thread hears of
                    return
                kernel(part, parts, *arguments)
        except BaseException as trouble:
            troubles.append(trouble)

    compiled = bool(getattr(kernel, "signatures", False))  # a first call compiles, and plain Python gains nothing
    if parts > 1 and getattr(kernel, "py_func", None) is not None and not compiled:
        kernel(next(waiting), parts, *arguments)
        compiled = bool(getattr(kernel, "signatures", False))
    helpers = _helpers(min(get_num_threads(), parts) - 1 if compiled else 0)
    asked: list[None] = []
    ended: list[None] = []
    finished: SimpleQueue[None] = SimpleQueue()
    queues, task = [helper.tasks for helper in helpers], (work, ended, finished)
    while True:  # also after an interruption: nobody may write to the arrays any more when this returns
        try:
            if not asked:  # in one step, so that none is asked and not counted
                asked.extend(map(SimpleQueue.put, queues, repeat(task)))
            work()
            while len(ended) < len(asked):
                finished.get()
            break
        except BaseException as interruption:
            troubles.append(interruption)
    if troubles:
        raise troubles[0]


_Task = tuple[Callable[[], None], list[None], "SimpleQueue[None]"]  # what to do, and how to say that it is done


class _Helper(Thread):
    """A thread that does one task after another, and sleeps between them."""

    def __init__(self) -> None:
        super().__init__(name="helpers.kernels", daemon=True)
        self.tasks: SimpleQueue[_Task | None] = SimpleQueue()

    def run(self) -> None:
        """Work until told to end."""
        while (task := self.tasks.get()) is not None:
            work, ended, finished = task
            try:
                work()
            finally:
                del task, work  # and with them the arrays, before a sleep that may be long
                _idle.append(self)
                ended.append(None)
                finished.put(None)
                del ended, finished


_idle: list[_Helper] = []


def _helpers(count: int) -> list[_Helper]:
    """Return threads that sleep, and new ones; fewer where the system grants no more, for those there are do it all."""
    found: list[_Helper] = []
    while len(found) < count:
        try:
            found.append(_idle.pop())
        except IndexError:
            helper = _Helper()
            try:
                helper.start()
            except RuntimeError:
                break
            found.append(helper)
    return found


def _end_idle() -> None:
    """End the threads that sleep: a forked process has none of them, and some systems warn of those that there are."""
    while _idle:
        helper = _idle.pop()
        helper.tasks.put(None)
        helper.join()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_end_idle)


def parts_of(count: int) -> int:
    """Return into how many parts `share` cuts so many items: one where threads would not pay.

    Examples
    --------
    >>> from helpers.kernels import parts_of
    >>> parts_of(200)
    1
    """
    return max(1, min(_PARTS * get_num_threads(), count // _FEWEST))


class _WithoutCollection(event.Listener):
    """Stops the collection of garbage from the beginning of a compilation to its end; numba runs one at a time."""

    def __init__(self) -> None:
        self._depth, self._was_on = 0, False

    def on_start(self, event: event.Event) -> None:
        """Switch the collection off, where the outermost compilation begins."""
        if self._depth == 0:
            self._was_on = gc.isenabled()
            gc.disable()
        self._depth += 1

    def on_end(self, event: event.Event) -> None:
        """Switch it on again, where that ends, well or not."""
        self._depth -= 1
        if self._depth == 0 and self._was_on:
            gc.enable()


event.register("numba:compile", _WithoutCollection())


def _refuse(name: str) -> Callable[..., None]:
    """Return what a call of an inner kernel from Python meets."""

    def refuse(*_: Any, **__: Any) -> None:
        msg = f"{name} is compiled for other kernels to call; call one of those, or its py_func"
        raise TypeError(msg)

    return refuse


def _modules(name: str, known: set[str]) -> Iterator[str]:
    """Name the modules whose kernels a module has imported, and those that these have imported."""
    for value in list(vars(sys.modules[name]).values()) if name in sys.modules else ():
        home = getattr(value, "__module__", None) if hasattr(value, "py_func") else None
        if home is not None and home not in known:
            known.add(home)
            yield home
            yield from _modules(home, known)
