"""Counts the argument types that each kernel was compiled for during a test session; too many of them fail it.

A kernel takes seconds to compile, and again for every other set of types: float32 beside float64, rows of an array
beside whole ones. Public functions therefore convert before they call. A kernel that needs more than one set is listed
here with the reason. Literals do not count apart: with them the kernel that calls chooses a variant. Workers of
pytest-xdist hand in what they compiled.
"""

from __future__ import annotations

import os
import re
import sys

import pytest
from numba.core import event

#: Kernels that may be compiled for several sets of types: how many, and why.
SEVERAL = {
    "helpers.atoms._image_kernels._splat": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._splat_one": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._gather": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._gather_one": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._compare": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._compare_one": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._gaussian": (2, "finite differences of the likelihood need double precision"),
    "helpers.geometry._pair_kernels._square": (2, "a filter in single precision, and distances in double"),
    "helpers.geometry._pair_kernels.sort_by_key": (2, "atoms by number, and by distance where cells are cut"),
    "helpers.structure._tetrahedron_kernels._difference": (2, "atoms come from the list of neighbours and from loops"),
    "helpers.structure._network_kernels._step": (2, "atoms come from a list of bonds and from loops"),
}


def compiled() -> dict[str, set[str]]:
    """Return the signatures of every loaded kernel of the package, compiled here or taken from the cache."""
    found = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("helpers.") and module is not None:
            for kernel in list(vars(module).values()):
                if getattr(getattr(kernel, "py_func", None), "__module__", None) == name:
                    found[f"{name}.{kernel.py_func.__name__}"] = {
                        _without_literals(str(types)) for types in getattr(kernel, "signatures", ())
                    }
    return found


def _without_literals(types: str) -> str:
    """Write int64 for a literal integer, and bool for a literal truth.

    Examples
    --------
    >>> _without_literals("(Literal[int](0), Literal[bool](True), float64)")
    '(int64, bool, float64)'
    """
    return re.sub(r"Literal\[bool\]\(\w+\)", "bool", re.sub(r"Literal\[int\]\(-?\d+\)", "int64", types))


def too_many(found: dict[str, dict[str, str]]) -> list[str]:
    """Describe the kernels with more sets of types than they may have, and the tests during which each set came.

    Examples
    --------
    >>> found = {"(float32,)": "t.py::test_single", "(float64,)": ""}
    >>> print(*too_many({"helpers.a._one": {"(int64,)": ""}, "helpers.b._two": found}))
    helpers.b._two was compiled for 2 sets of types and may be for 1:
        (float32,) in t.py::test_single
        (float64,) before the first test
    """
    return [
        f"{name} was compiled for {len(types)} sets of types and may be for {SEVERAL.get(name, (1, ''))[0]}:\n"
        + "\n".join(f"    {each} {f'in {test}' if test else 'before the first test'}" for each, test in types.items())
        for name, types in sorted(found.items())
        if len(types) > SEVERAL.get(name, (1, ""))[0]
    ]


class Signatures(event.Listener):
    """The plugin: collects in every process, judges in the one that reports."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, str]] = {}  # kernel, types, the test during which they came first
        self.grown = True
        event.register("numba:compiler_lock", self)

    def on_start(self, event):
        """Note that a kernel is compiled, or taken from the cache; asking all of them after every test takes longer."""
        self.grown = True

    def on_end(self, event):
        """Do nothing: what `on_start` noted is looked at after the test."""

    def add(self, found: dict[str, dict[str, str]]) -> None:
        """Take in what one process compiled."""
        for name, types in found.items():
            self.found[name] = types | self.found.get(name, {})

    def look(self, test: str) -> None:
        """Put down to a test what was compiled since the last look."""
        if self.grown:
            self.grown = False
            self.add({name: dict.fromkeys(sorted(types), test) for name, types in compiled().items()})

    @pytest.hookimpl
    def pytest_runtest_logstart(self):
        """Leave out what collecting the tests compiled."""
        if not self.found:
            self.look("")

    @pytest.hookimpl
    def pytest_runtest_logfinish(self, nodeid):
        """Look after each test."""
        self.look(nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        """Take in what a worker hands in."""
        self.add(getattr(node, "workeroutput", {}).get("signatures", {}))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session):
        """Hand in, in a worker; else judge, as if it were one more test."""
        self.look("")
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["signatures"] = {name: types for name, types in self.found.items() if types}
            return
        wrong = too_many(self.found)
        if wrong:
            words = "\n".join([*wrong, "Convert before the call, or list the kernel and the reason in SEVERAL."])
            name = "no kernel is compiled for more types than it may be"
            place = ("tests/signatures.py", 0, name)
            report = pytest.TestReport(f"{place[0]}::{name}", place, {}, "failed", words, "call")
            session.config.hook.pytest_runtest_logreport(report=report)
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def pytest_configure(config):
    """Watch, unless kernels run as plain Python or their source is compared with them."""
    if os.environ.get("NUMBA_DISABLE_JIT") != "1":
        config.pluginmanager.register(Signatures(), "counts of signatures")
