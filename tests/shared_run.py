"""How tests are shared out when several processes run them: ``pytest -n 2``, as ``make test`` does.

What is handed out is a file, so that no two processes build the fixtures of a module; but notebooks go one by one, and
so do pages in a browser. What takes longest goes first. Each process computes on one thread, for two that use all cores
hinder one another; a test that is about threads asks for the fixture ``all_threads``.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from xdist.scheduler import LoadScopeScheduling

#: What takes longest, longest first: notebooks and pages in a browser, by number, and files of tests.
LONG_NOTEBOOKS = ("16", "09", "02", "08", "05", "03", "01", "20", "06", "17", "07", "04", "14", "11")
LONG_FILES = (
    "test_kernel_sources.py", "test_bound.py", "test_locate.py", "test_quench.py", "test_batch.py", "test_notebooks.py",
)  # fmt: skip
LONG_PAGES = ("16", "14", "11", "13", "08", "20", "12", "10", "00")


class Scheduler(LoadScopeScheduling):
    """Hands out what `unit_of` names, in the order of `rank`."""

    def __init__(self, config: Any, log: Any):
        super().__init__(config, log)
        config.option.loadscopereorder = False  # units with the most tests are not those that take longest

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """Name what is handed out together with a test.

    Examples
    --------
    >>> unit_of("tests/test_notebooks.py::test_it_prints_what_is_stored[05_x]")
    'tests/test_notebooks.py::test_it_prints_what_is_stored[05_x]'
    >>> unit_of("tests/test_pages.py::test_a_page_fits_a_phone[notebooks/05_x]")
    'tests/test_pages.py[notebooks/05_x]'
    >>> unit_of("tests/test_store.py::test_it[1::2]")
    'tests/test_store.py'
    """
    file, _, test = nodeid.partition("::")
    name, _, parameters = test.partition("[")
    if name == "test_it_prints_what_is_stored":
        return nodeid
    if file.endswith("test_pages.py") and parameters:
        return f"{file}[{parameters}"
    return file


def rank(nodeid: str) -> tuple[int, int]:
    """Tell the place of a test in a shared run.

    First the notebooks, then the pages that are built from them, all other files, and the pages in a browser; short
    ones last, so that no process waits long for another.

    Examples
    --------
    >>> sorted(["test_pages.py::a[intro]", "test_pages.py::a[notebooks/16_x]", "test_pages.py::b"], key=rank)
    ['test_pages.py::b', 'test_pages.py::a[notebooks/16_x]', 'test_pages.py::a[intro]']
    >>> sorted(["test_pages.py", "test_store.py", "test_page_texts.py"], key=rank)
    ['test_page_texts.py', 'test_store.py', 'test_pages.py']
    """
    file = PurePosixPath(nodeid.partition("::")[0]).name
    if unit_of(nodeid) == nodeid and "[" in nodeid:
        return 0, _place(nodeid.partition("[")[2][:2], LONG_NOTEBOOKS)
    if file == "test_pages.py":
        page = nodeid.partition("[")[2]
        return 3, _place(page.removeprefix("notebooks/")[:2], LONG_PAGES) if page else -1
    return (1 if file == "test_page_texts.py" else 2), _place(file, LONG_FILES)


def _place(name: str, known: tuple[str, ...]) -> int:
    return known.index(name) if name in known else len(known)


def in_order(items: Iterable[Any]) -> list[Any]:
    """Sort tests by `rank`; those of one file stay together and in their order."""
    return sorted(items, key=lambda item: rank(item.nodeid))
