"""Digests of what every kernel of a stage does to its small inputs: ``python tests/kernel_bits.py STAGE``."""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from typing import Any, ClassVar

import numpy as np
import test_kernel_sources as sources


def digest(value: Any) -> str:
    """Fold numbers and arrays, also those in tuples, into a short text."""
    if isinstance(value, (tuple, list)):
        return hashlib.sha256("".join(map(digest, value)).encode()).hexdigest()
    return hashlib.sha256(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()).hexdigest()


class Witness(sources.StandIn):
    """In the place of a kernel: calls it, and notes its arguments as it left them and what it returned."""

    notes: ClassVar[list[tuple[str, str]]] = []

    def __call__(self, *arguments: Any) -> Any:
        with self.house.as_it_was():
            result = self.kernel(*arguments)
        self.notes.append((self.name, digest((arguments, result))))
        return result


def notes(stage: str) -> list[tuple[str, str]]:
    """Warm a stage twice, the second time with witnesses and without anything that is left to chance in memory."""
    sources.StandIn = Witness  # type: ignore[misc]
    house = sources.House(sources.kernel_names())
    warm = importlib.import_module(f"helpers.{stage}._warm").warm
    warm()
    np.empty, np.empty_like = np.zeros, np.zeros_like  # type: ignore[assignment]
    with house.with_stand_ins(), np.errstate(all="ignore"):
        warm()
    return Witness.notes


if __name__ == "__main__":
    print(json.dumps(notes(sys.argv[1])))
