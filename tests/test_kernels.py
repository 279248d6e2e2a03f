"""The cache of compiled kernels: used again while nothing has changed, left when an imported kernel has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import helpers
from helpers.kernels import kernel

INNER = "from helpers.kernels import kernel\n\n\n@kernel\ndef inner(x):\n    return x + {}\n"
MIDDLE = (
    "from helpers.kernels import kernel\nfrom inner import inner\n\n\n@kernel\ndef middle(x):\n    return inner(x)\n"
)
OUTER = "from helpers.kernels import kernel\nfrom {0} import {0}\n\n\n@kernel\ndef outer(x):\n    return {0}(x)\n"
CALL = "from outer import outer; print(outer(1), sum(outer.stats.cache_hits.values()))"


pytestmark = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")


@pytest.fixture
def call(tmp_path):
    """Return a function that calls the outermost kernel in a new process: its result, and hits of the cache."""
    root = Path(helpers.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}", "NUMBA_CACHE_DIR": str(tmp_path / "c")}

    def run():
        command = [sys.executable, "-B", "-c", CALL]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return tuple(map(int, done.stdout.split()))

    return run


@pytest.mark.parametrize("by_way_of", ["inner", "middle"])
def test_an_edit_in_another_file_is_seen(tmp_path, call, by_way_of):
    (tmp_path / "inner.py").write_text(INNER.format("1"))
    (tmp_path / "middle.py").write_text(MIDDLE)
    (tmp_path / "outer.py").write_text(OUTER.format(by_way_of))
    assert call() == (2, 0)
    assert call() == (2, 1)  # nothing changed, nothing compiled
    (tmp_path / "inner.py").write_text(INNER.format("20"))  # of another size, for times may be coarse
    assert call() == (21, 0)


def test_options_reach_numba():
    @kernel(error_model="numpy")
    def inverse(x):
        return 1 / x

    assert inverse(0.0) == float("inf")
