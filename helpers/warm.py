"""Compile the kernels once, so that the first cell of a notebook starts at once: ``python -m helpers.warm``."""

from __future__ import annotations

import importlib
import pkgutil
import time

import helpers
from helpers import load_sample


def main() -> None:
    """Import every stage and run each one's ``warm`` function on the embedded sample, where it has one."""
    began = time.perf_counter()
    atoms = load_sample("demo").model()
    for module in pkgutil.iter_modules(helpers.__path__):
        if module.ispkg and module.name != "book":
            stage = importlib.import_module(f"helpers.{module.name}")
            if hasattr(stage, "warm"):
                stage.warm(atoms.positions)
    print(f"kernels compiled in {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
