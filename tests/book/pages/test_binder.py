"""Binder: kernels that postBuild has compiled are found in the image, on whatever computer it runs."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers.book.pages import binder
from helpers.book.pages.run import Cost

ROOT = Path(__file__).parents[3]
CODE = (
    "import json; from helpers.structure._tetrahedron_kernels import _length; _length(1.0, 2.0, 3.0); "
    "assert isinstance(_length._cache._cache_file._source_stamp, tuple), 'not stamped'; "
    "from numba.core.registry import cpu_target; "
    "name = cpu_target.target_context.codegen().magic_tuple()[1]; "
    "print(json.dumps([sum(_length.stats.cache_hits.values()), name]))"
)


@pytest.fixture
def copy(tmp_path):
    """A copy of the package whose files have times between two seconds, as a fresh checkout has."""
    for name in ("helpers", "data"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.h5"))
    for name in ("start", "postBuild"):
        shutil.copy(ROOT / name, tmp_path / name)
    for path in (tmp_path / "helpers").rglob("*.py"):
        os.utime(path, (1e9 + 0.123, 1e9 + 0.123))
    return tmp_path


def call(copy):
    """Call a kernel that is stamped with the times of other files; return cache hits and the processor."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA")} | {"PYTHONPATH": str(copy)}
    command = ["./start", sys.executable, "-c", CODE]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="nothing is compiled without the compiler")
def test_what_postbuild_compiles_is_found_in_the_image(copy):
    """One process compiles, the times are cut as in an image, a second process compiles nothing."""
    (times,) = re.findall(r"^find helpers .*$", (copy / "postBuild").read_text(), re.MULTILINE)
    subprocess.run(["bash", "-c", times], cwd=copy, check=True)
    hits, processor = call(copy)
    assert hits == 0
    if platform.machine() == "x86_64":
        assert processor == "x86-64-v3", "compiled for the builder's own processor"
    binder.settle(copy)
    assert call(copy) == [1, processor]


def test_postbuild_and_start_are_run_as_binder_runs_them():
    for name in ("postBuild", "start"):
        assert os.access(ROOT / name, os.X_OK)
    assert "./start python -m helpers.warm" in (ROOT / "postBuild").read_text()
    done = subprocess.run([str(ROOT / "start"), "echo", "two words"], capture_output=True, text=True, check=True)
    assert done.stdout == "two words\n"


def test_the_packages_are_those_of_the_environment():
    found = binder.requirements(ROOT / "environment.yml")
    assert not [entry for entry in found if entry.startswith(("python=", "pip"))]
    assert len(found) == len(set(found)) > 20


def test_a_step_that_fails_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(binder, "ROOT", tmp_path / "no repository")
    assert binder.main([str(tmp_path / "place")]) == 1
    assert "copy failed: " in capsys.readouterr().err


def test_a_notebook_above_the_limits_fails(tmp_path, capsys, monkeypatch):
    costs = [vars(Cost("10_order", 30.0, 40.0, 900.0, 2)), vars(Cost("11_motifs", 130.0, 140.0, 900.0, 2))]
    monkeypatch.setattr(binder, "replay", lambda folder, numbers: {"steps": {}, "notebooks": costs})
    assert binder.main([str(tmp_path), "--output", str(tmp_path / "b.json")]) == 1
    assert "above 120 s or 1500 MB: 11_motifs" in capsys.readouterr().err
    assert (tmp_path / "b.json").is_file()


def test_the_python_of_binder_is_one_that_the_checks_run():
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (version,) = (e.removeprefix("python=") for e in entries if isinstance(e, str) and e.startswith("python="))
    checks = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text())
    assert version in checks["jobs"]["test"]["strategy"]["matrix"]["python-version"]
