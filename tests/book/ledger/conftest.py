"""Tests of the ledger start from an empty archive; only those of the record itself see what is recorded."""

from __future__ import annotations

import pytest

from helpers.book.ledger import archive


@pytest.fixture(autouse=True)
def _nothing_recorded(request, tmp_path, monkeypatch):
    if request.module.__name__.endswith("test_recorded"):
        yield
        return
    monkeypatch.setattr(archive, "FOLDER", tmp_path / "recorded")
    archive._content.cache_clear()
    yield
    archive._content.cache_clear()
