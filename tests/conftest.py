"""Shared fixtures: published data where they are, and a quiet place for results."""

from __future__ import annotations

import os
import sys

import pytest

import helpers


@pytest.fixture(autouse=True)
def _own_results(tmp_path_factory, monkeypatch):
    """Results of tests never land among the user's; downloads are never attempted."""
    monkeypatch.setenv("AET_RESULTS", str(tmp_path_factory.mktemp("results")))
    monkeypatch.setenv("AET_OFFLINE", "1")


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


def pytest_terminal_summary(terminalreporter):
    """Say how many calls the fuzz tests made."""
    if "fuzzing" in sys.modules:
        tally = sys.modules["fuzzing"].tally
        words = "{results:,} results and {refusals:,} errors of ours".format(**tally)
        terminalreporter.write_line(f"fuzz: {words} in {sum(tally.values()):,} calls")
