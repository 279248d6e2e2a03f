"""Shared fixtures: published data where they are, and a quiet place for results."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import hypothesis
import numba
import pytest
from executed import ROOT, pages, session_folder

import helpers

#: The same cases in every run, however long they take: a new one that fails belongs in a fuzz run (see `fuzzing`).
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("steady")

pytest_plugins = ["signatures"]  # counts the argument types that kernels are compiled for


@pytest.fixture(autouse=True)
def _own_results(tmp_path_factory, monkeypatch):
    """Results of tests never land among the user's, whose samples and wishes are not seen; nothing is downloaded."""
    monkeypatch.setenv("AET_RESULTS", str(tmp_path_factory.mktemp("results")))
    monkeypatch.setenv("AET_OFFLINE", "1")
    for name in ("AET_SAMPLES", "AET_OUTSIDE_FILES", "QUICK", "BENCH_OUT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _empty_archive(request, tmp_path_factory, monkeypatch):
    """Tests of the ledger see nothing recorded, but for those of the record itself."""
    if request.path.parent.name != "ledger" or request.path.stem == "test_recorded":
        yield
        return
    from helpers.book.ledger import archive

    monkeypatch.setattr(archive, "FOLDER", tmp_path_factory.mktemp("recorded"))
    archive._content.cache_clear()
    yield
    archive._content.cache_clear()


@pytest.fixture
def published():
    """Return a function that gives a sample of the paper, or skips where its data are not at hand."""

    def get(name: str, role: str = "model", **number: int) -> helpers.Sample:
        sample = helpers.load_sample(name)
        if not sample.has(role, download=False, **number):
            where = os.environ.get("AET_DATA") or "AET_DATA is not set"
            pytest.skip(f"needs the published {role} of {name} ({where})")
        return sample

    return get


@pytest.fixture
def all_threads():
    """Let kernels use all cores, as they do outside the tests; each process of a shared run has one thread."""
    before = numba.get_num_threads()
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    yield
    numba.set_num_threads(before)


@pytest.fixture(scope="session")
def html(tmp_path_factory) -> Path:
    """Folder of the built pages: those of ``AET_BOOK``, or pages built from the notebooks that the tests have run."""
    if "AET_BOOK" in os.environ:
        folder = (ROOT / os.environ["AET_BOOK"]).resolve()
        if not (folder / "index.html").is_file():
            pytest.fail(f"AET_BOOK={folder} holds no book; run `make book` first, or unset it")
        return folder
    return pages(session_folder(tmp_path_factory))


def pytest_configure(config):
    """Give each process of a shared run one thread; linear algebra is told before the process starts."""
    if hasattr(config, "workerinput"):
        numba.set_num_threads(1)
    elif config.getoption("numprocesses", None):
        os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Share out tests by our own rule."""
    from shared_run import Scheduler

    return Scheduler(config, log)


def pytest_collection_modifyitems(config, items):
    """Put tests into the order in which a shared run hands them out."""
    if hasattr(config, "workerinput"):
        from shared_run import in_order

        items[:] = in_order(items)


#: Calls that the fuzz tests of other processes made.
_tally: Counter[str] = Counter()


def pytest_sessionfinish(session):
    """Tell the process that started this one how many calls the fuzz tests made."""
    if hasattr(session.config, "workeroutput") and "fuzzing" in sys.modules:
        session.config.workeroutput["fuzz"] = dict(sys.modules["fuzzing"].tally)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Add up what the processes of a shared run tell."""
    _tally.update(getattr(node, "workeroutput", {}).get("fuzz", {}))


def pytest_terminal_summary(terminalreporter):
    """Say how many calls the fuzz tests made."""
    if "fuzzing" in sys.modules:
        _tally.update(sys.modules["fuzzing"].tally)
    if _tally:
        words = "{results:,} results and {refusals:,} errors of ours".format(**_tally)
        terminalreporter.write_line(f"fuzz: {words} in {sum(_tally.values()):,} calls")
