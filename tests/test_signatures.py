"""A kernel that is compiled for more types than it may be fails the session, and the report names the tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

PLANTED = """
import sys
from types import ModuleType, SimpleNamespace

from numba.core.compiler_lock import global_compiler_lock

module = sys.modules["helpers.planted"] = ModuleType("helpers.planted")
source = SimpleNamespace(__name__="_twofold", __module__="helpers.planted")
module._twofold = SimpleNamespace(py_func=source, signatures=[])


def compile_for(types):
    with global_compiler_lock:
        module._twofold.signatures.append(types)
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_the_report_names_kernel_types_and_tests(tmp_path, processes):
    (tmp_path / "planted.py").write_text(PLANTED)
    for name in ("single", "double"):
        test = f"import planted\n\ndef test_{name}():\n    planted.compile_for('({name},)')\n"
        (tmp_path / f"test_{name}.py").write_text(test)
    command = [
        sys.executable, "-m", "pytest", "-p", "xdist.plugin", "-p", "signatures", "-p", "no:cacheprovider",
        "-n", processes, "--dist", "loadfile", "-q", "--color=no", ".",
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    environment["PYTHONPATH"] = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert "helpers.planted._twofold was compiled for 2 sets of types and may be for 1:" in result.stdout
    assert "    (single,) in test_single.py::test_single" in result.stdout
    assert "    (double,) in test_double.py::test_double" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("1 failed, 2 passed")
    assert "FAILED tests/signatures.py::no kernel is compiled for more types" in result.stdout
