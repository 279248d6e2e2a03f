"""The package can be imported where nothing but a temporary folder can be written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = (
    "import os, warnings; warnings.simplefilter('always'); import helpers, numpy as np; "
    "from helpers.simulation._exposure import _ground; _ground(np.ones(7), 0.0, 0.0); "
    "print(os.environ.get('NUMBA_CACHE_DIR', ''))"
)


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    """A copy of the package in which no kernel can be kept: files lie where folders would be, even for root."""
    folder = tmp_path_factory.mktemp("frozen")
    shutil.copytree(ROOT / "helpers", folder / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "data", folder / "data", ignore=shutil.ignore_patterns("*.h5", "recorded"))
    for path in [folder / "helpers", *(folder / "helpers").rglob("*")]:
        if path.is_dir():
            (path / "__pycache__").write_text("in the way")
    return folder


JOBS = """
import sys, warnings; warnings.simplefilter("always")
import helpers, numpy as np
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from helpers.simulation._exposure import _ground

def job(number):
    _ground(np.ones(7 + number), 0.0, 0.0)
    return number

if __name__ == "__main__":
    with ProcessPoolExecutor(3, get_context("spawn")) as pool:
        print(sum(pool.map(job, range(6))))
"""


def run(folder, **changes):
    environment = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    command = changes.pop("command", ("-c", CODE))
    environment |= {"PYTHONPATH": str(folder), "HOME": "/proc/nowhere", "PYTHONDONTWRITEBYTECODE": "1", **changes}
    return subprocess.run(
        [sys.executable, *command], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="nothing is compiled without the compiler")
def test_a_read_only_package_and_home(frozen, tmp_path):
    result = run(frozen, TMPDIR=str(tmp_path))
    assert result.returncode == 0, result.stderr
    place = Path(result.stdout.strip())
    assert place == tmp_path / f"amorphous-packing-{os.getuid()}"
    assert list(place.rglob("*.nbc")), "nothing was kept"
    assert result.stderr.count("RuntimeWarning: neither") == 1
    assert "set NUMBA_CACHE_DIR to a folder that lasts, or every start compiles anew" in result.stderr


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="nothing is compiled without the compiler")
@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME"])
def test_a_folder_that_is_named_is_used_without_a_word(frozen, tmp_path, variable):
    result = run(frozen, **{variable: str(tmp_path)})
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == (str(tmp_path) if variable == "NUMBA_CACHE_DIR" else "")
    assert list(tmp_path.rglob("*.nbc"))
    assert "neither" not in result.stderr


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="nothing is compiled without the compiler")
def test_jobs_at_once_with_a_read_only_cache(frozen, tmp_path):
    """The cache that the environment names cannot be written, nor anything else: said once, by the parent."""
    (tmp_path / "jobs.py").write_text(JOBS)
    (tmp_path / "closed").write_text("in the way")
    closed = tmp_path / "closed" / "cache"
    result = run(frozen, TMPDIR=str(tmp_path), NUMBA_CACHE_DIR=str(closed), command=(str(tmp_path / "jobs.py"),))
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["15"]
    assert result.stderr.count("RuntimeWarning: neither") == 1
    assert f"neither NUMBA_CACHE_DIR={closed}, " in result.stderr
    assert list((tmp_path / f"amorphous-packing-{os.getuid()}").rglob("*.nbc"))


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="nothing is compiled without the compiler")
def test_a_read_only_cache_beside_a_package_that_can_be_written(frozen, tmp_path):
    (tmp_path / "closed").write_text("in the way")
    result = run(frozen, XDG_CACHE_HOME=str(tmp_path), NUMBA_CACHE_DIR=str(tmp_path / "closed" / "cache"))
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == ""
    assert f"closed/cache cannot be written, so compiled kernels are kept in {tmp_path / 'numba'}" in result.stderr
    assert list((tmp_path / "numba").rglob("*.nbc"))
