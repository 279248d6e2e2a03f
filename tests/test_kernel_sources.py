"""Every kernel equals its own Python source, on the small inputs with which each stage is warmed.

While a stage is warmed, a stand-in takes the place of each kernel. It calls the kernel and, the first few times, also
the kernel's Python source on copies of the same arguments; both must give the same and change their arrays alike. The
sources call one another, so that what a kernel calls is compared with it. Compared are the calls 1, 2, 4, 8 … of each.
"""

from __future__ import annotations

import ast
import copy
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
import numpy as np
import pytest

from helpers.store import STAGES

ROOT = Path(__file__).parents[1]
# A sum in another order, or a product and a sum rounded once instead of twice, changes the last digits; in float32
# the seventh. Cancellation and iterations amplify this. What counts is the coarsest type among the arguments.
RELATIVE = {4: 2e-4, 8: 1e-8}


compiled = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled, so nothing is to be compared")
plain = pytest.mark.skipif(not numba.config.DISABLE_JIT, reason="NUMBA_DISABLE_JIT=1 runs kernels as plain Python")


def kernel_names() -> list[str]:
    """Every function below a decorator of numba, by module and name."""
    names = []
    for path in sorted((ROOT / "helpers").rglob("*.py")):
        module = ".".join(("helpers", *path.relative_to(ROOT / "helpers").with_suffix("").parts))
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            marks = [ast.unparse(mark).split("(")[0] for mark in getattr(node, "decorator_list", [])]
            if {"njit", "numba.njit", "jit", "kernel", "vectorize", "guvectorize"} & set(marks):
                names.append(f"{module}.{node.name}")
    return names


class StandIn:
    """In the place of a kernel: calls it, and compares it with its source the first few times."""

    def __init__(self, name: str, kernel: Any, house: House):
        self.name, self.kernel, self.house = name, kernel, house
        self.times, self.calls, self.trouble = 0, 0, ""
        source = kernel.py_func
        self.source = FunctionType(
            source.__code__, {}, source.__name__, source.__defaults__, source.__closure__
        )  # the house fills in what it sees around it

    def plain(self, *arguments: Any) -> Any:
        """Run the source; this is what other sources call."""
        self.calls += 1
        return self.source(*arguments)

    def __call__(self, *arguments: Any) -> Any:
        self.times += 1
        if self.times & (self.times - 1) or self.trouble:
            with self.house.as_it_was():
                return self.kernel(*arguments)
        copies = copy.deepcopy(arguments)
        with self.house.as_it_was():
            result = self.kernel(*arguments)
        plain = self.plain(*copies)
        tolerance = RELATIVE[min(sizes(arguments), default=8)]
        self.trouble = difference(result, plain, tolerance, "result")
        self.trouble = self.trouble or difference(arguments, copies, tolerance, "arguments")
        return result


class House:
    """All modules of the package, in which stand-ins can be put."""

    def __init__(self, names: list[str]):
        for stage in STAGES:
            importlib.import_module(f"helpers.{stage}._warm")
        pairs = {name: name.rpartition(".")[::2] for name in names}
        kernels = {name: getattr(importlib.import_module(module), own) for name, (module, own) in pairs.items()}
        self.stand_ins = {name: StandIn(name, kernel, self) for name, kernel in kernels.items()}
        of = {id(stand_in.kernel): stand_in for stand_in in self.stand_ins.values()}
        modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "helpers"]
        self.places = [
            (vars(module), name, value, of[id(value)])
            for module in modules
            for name, value in vars(module).items()
            if id(value) in of
        ]
        for stand_in in self.stand_ins.values():
            around = stand_in.kernel.py_func.__globals__
            stand_in.source.__globals__.update({n: of[id(v)].plain if id(v) in of else v for n, v in around.items()})

    def put(self, which: int) -> None:
        for place in self.places:
            place[0][place[1]] = place[which]

    @contextmanager
    def as_it_was(self) -> Iterator[None]:
        self.put(2)
        try:
            yield
        finally:
            self.put(3)

    @contextmanager
    def with_stand_ins(self) -> Iterator[None]:
        self.put(3)
        try:
            yield
        finally:
            self.put(2)


def sizes(value: Any) -> Iterator[int]:
    """Bytes of a number in every array of floats among some arguments."""
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from sizes(part)
    elif isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fc":
        yield np.finfo(value.dtype).dtype.itemsize


def difference(ours: Any, theirs: Any, tolerance: float, what: str) -> str:
    """Say where two results differ; an empty text if they do not."""
    if isinstance(ours, (tuple, list)):
        if len(ours) != len(theirs):
            return f"{what}: {len(ours)} and {len(theirs)} parts"
        pairs = enumerate(zip(ours, theirs, strict=True))
        return next(filter(None, (difference(a, b, tolerance, f"{what}[{i}]") for i, (a, b) in pairs)), "")
    if ours is None or theirs is None:
        return "" if ours is theirs else f"{what}: {ours!r} and {theirs!r}"
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.shape != b.shape:
        return f"{what}: shapes {a.shape} and {b.shape}"
    if a.size == 0:
        return ""
    if a.dtype.kind not in "fc":
        return "" if np.array_equal(a, b) else f"{what}: {np.count_nonzero(a != b)} of {a.size} differ"
    size = float(np.max(np.abs(b), where=np.isfinite(b), initial=0.0))
    if np.allclose(a, b, rtol=tolerance, atol=tolerance * size, equal_nan=True):
        return ""
    return f"{what}: by {np.nanmax(np.abs(a - b)):.3g} at values up to {size:.3g}"


#: Kernels that no public call reaches; the list may only shrink.
UNREACHED: set[str] = set()


@pytest.fixture(scope="module")
def compared() -> dict[str, StandIn]:
    house = House(kernel_names())
    for stage in STAGES:
        warm = importlib.import_module(f"helpers.{stage}._warm").warm
        warm()  # compiled first, for a compiler does not know stand-ins
        with house.with_stand_ins(), np.errstate(all="ignore"):
            warm()
    return house.stand_ins


@compiled
@pytest.mark.parametrize("name", kernel_names())
def test_a_kernel_equals_its_source(name, compared):
    if name in UNREACHED:
        assert compared[name].calls == 0, "reached: take it from UNREACHED"
        return
    assert compared[name].calls > 0, f"no call reaches it; make one in the _warm of {name.split('.')[1]}"
    assert compared[name].trouble == ""


@compiled
def test_a_wrong_kernel_is_seen(monkeypatch):
    kernel = importlib.import_module("helpers.geometry.boxes")._nearest
    house = House(["helpers.geometry.boxes._nearest"])
    stand_in = house.stand_ins["helpers.geometry.boxes._nearest"]
    with house.with_stand_ins():  # which takes them out again
        assert stand_in(9.0, 10.0) == kernel(9.0, 10.0) == -1.0
        assert (stand_in.calls, stand_in.trouble) == (1, "")
        monkeypatch.setattr(stand_in, "source", lambda value, side: value - side + 1e-6)
        stand_in(9.0, 10.0)
    assert "by 1e-06 at values up to" in stand_in.trouble
    assert importlib.import_module("helpers.geometry.boxes")._nearest is kernel


@plain
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_runs_as_plain_python(stage):
    importlib.import_module(f"helpers.{stage}._warm").warm()
