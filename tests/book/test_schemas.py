"""Neither the first figure nor the first notebook waits for grammars of addresses."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

FIGURE = """
from helpers.book import figures
figures.draw_curves({"a": ([0, 1], [0, 1])}, x_title="r", y_title="g")._repr_mimebundle_()
"""
NOTEBOOK = """
import helpers.book.pages, nbformat
nbformat.validate(nbformat.v4.new_notebook())
"""
LOADED = "import json, sys\nprint(json.dumps(['jsonschema' in sys.modules, 'lark' in sys.modules]))"


@pytest.mark.parametrize("code", [FIGURE, NOTEBOOK], ids=["figure", "notebook"])
def test_no_grammar_is_built(code):
    done = subprocess.run([sys.executable, "-c", code + LOADED], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True, False]
