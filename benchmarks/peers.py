"""Install what `make bench` compares with into a folder of its own, beside the environment, and name what could not be.

::

    python benchmarks/peers.py _build/peers

The packages that the project itself needs are not installed again: each peer comes with a list of what else it imports.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: What is imported, and the packages that this takes.
PACKAGES = {
    "astra": ["astra-toolbox", "nvidia-cuda-runtime-cu12", "nvidia-cufft-cu12", "nvidia-nvjitlink-cu12"],
    "ovito": ["ovito", "traits", "PySide6-Essentials", "shiboken6"],
    "pyscal3": ["pyscal3"],
    "mdapy": ["mdapy", "polars", "polars-runtime-32"],
}


def install(module: str, packages: list[str], folder: Path) -> str:
    """Install packages one by one, then import; return what went wrong, or nothing."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--upgrade"]
    done = subprocess.run([*pip, "--target", str(folder), *packages], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        environment = {**os.environ, "PYTHONPATH": str(folder), "QT_QPA_PLATFORM": "offscreen"}
        command = [sys.executable, "-c", f"import {module}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return (done.stderr.strip().splitlines() or ["no message"])[-1] if done.returncode else ""


def main() -> int:
    """Install all; return 0, for a peer that is missing is left out and nothing more."""
    folder = Path(sys.argv[1]).absolute()
    for module, packages in PACKAGES.items():
        wrong = install(module, packages, folder)
        print(f"{packages[0]}: {wrong or 'installed'}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
