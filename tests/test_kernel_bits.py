"""A kernel that was compiled a moment ago computes the same bits as one that a later process loads.

Where a kernel calls another one that is not compiled into it, the process that compiles them links it to the callee
by itself, and a process that loads them to the copy beside the caller; the two may be rounded differently.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from helpers.store import STAGES

SCRIPT = Path(__file__).with_name("kernel_bits.py")


@pytest.mark.slow  # compiles everything
@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
@pytest.mark.parametrize("stage", STAGES)
def test_a_cached_kernel_rounds_as_when_it_was_compiled(stage, tmp_path):
    around = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_NUM_THREADS": "1"}
    around["PYTHONPATH"] = str(SCRIPT.parents[1])
    command = [sys.executable, str(SCRIPT), stage]
    first, second = (
        json.loads(subprocess.run(command, env=around, check=True, capture_output=True).stdout) for _ in range(2)
    )
    assert len(first) > 10
    assert [one[0] for one, other in zip(first, second, strict=True) if one != other] == []
