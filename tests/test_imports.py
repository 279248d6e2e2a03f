"""What an import must not load: libraries that only some calls need, and that take longer than all our own code."""

from __future__ import annotations

import subprocess
import sys

import pytest

SLOW = ("pandas", "ase", "h5py", "pooch", "requests", "skimage", "rsciio", "scipy.fft", "scipy.ndimage", "scipy.signal",
        "scipy.spatial", "scipy.stats", "concurrent.futures.process")  # fmt: skip


@pytest.mark.parametrize(("module", "beside"), [("helpers", ("numba", "scipy")), ("helpers.tomography", ())])
def test_what_only_some_calls_need_is_not_loaded(module, beside):
    code = (
        f"import sys, numpy\nif not {beside!r}: import numba\nbefore = set(sys.modules)\nimport {module}\n"
        f"print(*sorted(set({(*SLOW, *beside)!r}) & (set(sys.modules) - before)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == []
