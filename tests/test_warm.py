"""The warm-up finds every kernel by itself, says which it has not reached, and leaves nothing to compile."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import warm

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="nothing is compiled without the compiler")

#: Run the code cells of a notebook, then print which kernels of the package were compiled on the way.
RUN = """
import json, sys
from numba.core import event

class Compiled(event.Listener):
    names = []
    def on_start(self, found):
        function = found.data["dispatcher"].py_func
        self.names.append(f"{function.__module__}.{function.__name__}")
    def on_end(self, found):
        pass

event.register("numba:compile", Compiled())
names = {"__name__": "__main__"}
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), "cell", "exec"), names)
print(json.dumps(sorted(name for name in Compiled.names if name.startswith("helpers."))))
"""


def decorated() -> set[str]:
    """Names of all functions under @njit, @kernel or a name of the same file for one of them with options."""
    found = set()
    for path in (ROOT / "helpers").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        marks = {"njit", "kernel"}
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.value).split("(")[0] in ("njit", "kernel"):
                marks |= {ast.unparse(target) for target in node.targets}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and any(
                ast.unparse(d).split("(")[0] in marks for d in node.decorator_list
            ):
                found.add(f"{module}.{node.name}")
    return found


def test_every_kernel_is_found():
    assert set(warm.kernels()) == decorated()


def test_every_stage_with_kernels_is_warmed():
    stages = {name.split(".")[1] for name in warm.kernels()} - {"geometry"}  # the ground: warmed by who stands on it
    assert stages <= set(warm.STAGES)


def test_a_kernel_that_no_call_reaches_fails(monkeypatch, capsys):
    everything = set(warm.kernels())
    forgotten = max(everything)
    monkeypatch.setattr(warm, "warm", lambda: everything - {forgotten})
    assert warm.main([]) == 1
    assert f"nothing has compiled {forgotten}; call it in the _warm of its stage" in capsys.readouterr().err
    monkeypatch.setattr(warm, "warm", lambda: everything)
    assert warm.main([]) == 0


def test_what_a_compiled_kernel_calls_counts_and_nothing_else(tmp_path):
    """In an empty cache and a fresh process: one call compiles a kernel and those under it."""
    code = (
        "import json, numpy as np; from helpers import warm; from helpers.simulation._exposure import _ground; "
        "before = len(warm.compiled()); _ground(np.ones(7), 0.0, 0.0); "
        "print(json.dumps([before, sorted(warm.compiled())]))"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    output = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(output) == [0, ["helpers.simulation._exposure._ground"]]


def test_a_failing_stage_is_named():
    with pytest.raises(RuntimeError, match="warming nowhere failed: .*invalid choice: 'nowhere'"):
        warm.warm(["nowhere"])


@pytest.mark.slow
def test_nothing_is_left_to_compile(tmp_path):
    """Warm an empty cache; a second process then runs notebooks 03 and 10 without compiling a kernel."""
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
        "PYTHONPATH": str(ROOT),
        "AET_RESULTS": str(tmp_path / "results"),
    }
    subprocess.run([sys.executable, "-m", "helpers.warm"], env=environment, check=True, cwd=tmp_path)
    for number in ("03", "10"):
        (notebook,) = (ROOT / "book" / "notebooks").glob(f"{number}_*.ipynb")
        run = subprocess.run(
            [sys.executable, "-c", RUN, str(notebook)],
            env=environment, capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        assert json.loads(run.stdout.splitlines()[-1]) == [], f"notebook {number} compiles"
