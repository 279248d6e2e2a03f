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
from typing import Any

import pytest

#: Kernels that may be compiled for several sets of types: how many, and why.
SEVERAL = {
    "helpers.atoms._image_kernels._splat": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._splat_one": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._gather": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._gather_one": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._compare": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._compare_one": (2, "finite differences of the likelihood need double precision"),
    "helpers.atoms._image_kernels._gaussian": (2, "finite differences of the likelihood need double precision"),
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


def too_many(found: dict[str, set[str]]) -> list[str]:
    """Describe the kernels with more sets of types than they may have.

    Examples
    --------
    >>> too_many({"helpers.a._one": {"(int64,)"}, "helpers.b._two": {"(float32,)", "(float64,)"}})
    ['helpers.b._two was compiled for 2 sets of types: (float32,) and (float64,)']
    """
    return [
        f"{name} was compiled for {len(types)} sets of types: {' and '.join(sorted(types))}"
        for name, types in sorted(found.items())
        if len(types) > SEVERAL.get(name, (1, ""))[0]
    ]


class Signatures:
    """The plugin: collects in every process, judges in the one that reports."""

    def __init__(self) -> None:
        self.found: dict[str, set[str]] = {}
        self.wrong: list[str] = []

    def add(self, found: dict[str, Any]) -> None:
        """Take in what one process compiled."""
        for name, types in found.items():
            self.found.setdefault(name, set()).update(types)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        """Take in what a worker hands in."""
        self.add(getattr(node, "workeroutput", {}).get("signatures", {}))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session):
        """Hand in, in a worker; else judge."""
        mine = compiled()
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["signatures"] = {name: sorted(types) for name, types in mine.items() if types}
            return
        self.add(mine)
        self.wrong = too_many(self.found)
        if self.wrong and session.exitstatus == 0:
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter):
        """Name the kernels that were compiled too often."""
        for words in self.wrong:
            terminalreporter.write_line(
                f"{words}; convert before the call, or list it in tests/signatures.py", red=True
            )


def pytest_configure(config):
    """Watch, unless kernels run as plain Python or their source is compared with them."""
    if os.environ.get("NUMBA_DISABLE_JIT") != "1":
        config.pluginmanager.register(Signatures(), "counts of signatures")
