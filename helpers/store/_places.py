"""Where results are kept."""

from __future__ import annotations

import os
from pathlib import Path

STAGES = ("imaging", "tomography", "atoms", "structure", "simulation")


def results_folder() -> Path:
    """Where results are kept: ``AET_RESULTS`` if set, else ``results`` in the checkout or working folder."""
    if "AET_RESULTS" in os.environ:
        return Path(os.environ["AET_RESULTS"])
    root = Path(__file__).resolve().parents[2]
    return (root if (root / "pyproject.toml").exists() else Path.cwd()) / "results"


def results_path(sample: str, stage: str, name: str) -> Path:
    """Return ``results/<sample>/<stage>/<name>``; the folder is made when something is written."""
    if stage not in STAGES:
        msg = f"stage={stage!r}; expected one of {', '.join(STAGES)}"
        raise ValueError(msg)
    return results_folder() / sample / stage / name
