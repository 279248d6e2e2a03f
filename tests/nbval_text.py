"""A plug-in for nbval: compare text only, and keep what was run.

Stored notebooks hold no figures, so figures and progress bars are left out of the comparison too; standard
output and printed values are compared to the letter. The executed notebook, figures included, is written to
the file that NBVAL_EXECUTED names: the page tests build the book from it without running anything twice.
"""

# ruff: noqa: I001
import os

from helpers.book.pages.notebooks import text_outputs  # first, for it loads nbformat as quickly as that can be

import nbformat
from nbval.plugin import IPyNbCell

_compare = IPyNbCell.compare_outputs


def _compare_text(cell, found, stored, skip_compare=None):
    return _compare(cell, text_outputs(found), text_outputs(stored), skip_compare)


def pytest_configure(config):
    IPyNbCell.compare_outputs = _compare_text


def pytest_collection_modifyitems(items):
    for item in items:
        item.output_timeout = 600  # seconds; five, its own limit, is short on a busy computer


def pytest_sessionfinish(session):
    target = os.environ.get("NBVAL_EXECUTED")
    cells = [item for item in session.items if isinstance(item, IPyNbCell)]
    if not target or not cells or any(item.test_outputs is None for item in cells):
        return
    for count, item in enumerate(cells, start=1):
        item.cell.outputs = item.test_outputs
        item.cell.execution_count = count
    nbformat.write(cells[0].parent.nb, target)
