"""pyproject.toml, the lock file, environment.yml and the citation speak of the same things."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def split(requirement: str) -> tuple[str, str]:
    """Name and version limits of a requirement, without extras."""
    name, limits = re.fullmatch(r"([A-Za-z0-9._-]+)(?:\[.*\])?(.*)", requirement.strip()).groups()
    return name.lower().replace("_", "-"), limits.replace(" ", "")


@pytest.fixture(scope="module")
def conda() -> dict[str, str]:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    flat = [e for e in entries if isinstance(e, str)] + [p for e in entries if isinstance(e, dict) for p in e["pip"]]
    return dict(split(e) for e in flat if e not in ("pip",))


def test_conda_has_what_the_package_and_the_book_need(conda):
    extras = PROJECT["optional-dependencies"]
    needed = [*PROJECT["dependencies"], *extras["book"], *extras["denoise"], "pytest>=8.3", "nbval>=0.11"]
    for name, limits in map(split, needed):
        assert conda.get(name) == limits, f"environment.yml says {name}{conda.get(name)}, pyproject.toml {limits}"


def test_conda_names_nothing_else(conda):
    extras = PROJECT["optional-dependencies"]
    known = {split(r)[0] for group in ([*PROJECT["dependencies"]], *extras.values()) for r in group}
    assert set(conda) - known == {"python"}


def test_no_local_path_spoils_binders_cache():
    assert not re.search(r"^\s*-\s*(-e|\.|file:)", (ROOT / "environment.yml").read_text(), re.MULTILINE)


def test_the_packages_that_were_asked_for_are_there(conda):
    asked = ["jupyter-book", "jupyterlab", "numpy", "scipy", "numba", "bm3d", "plotly", "nbval", "papermill"]
    assert set(asked) <= set(conda)


def test_lock_file_holds_every_requirement_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    locked = {split(line.split(";")[0])[0] for line in lock.splitlines() if "==" in line}
    extras = PROJECT["optional-dependencies"]
    needed = {split(r)[0] for group in ([*PROJECT["dependencies"]], *extras.values()) for r in group}
    assert needed - {"amorphous-packing"} <= locked
    assert "://" not in lock
    assert "index-url" not in lock


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.12", "3.13"])
def test_lock_file_resolves_for_other_pythons(version):
    """The resolver asks a registry and needs no interpreter of that version."""
    pytest.importorskip("uv")
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--all-extras",
        "--python-version", version, "--constraint", "requirements.lock", "pyproject.toml",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if "error sending request" in done.stderr or "dns error" in done.stderr:
        pytest.skip("no registry can be reached")
    assert done.returncode == 0, done.stderr
    locked = set(re.findall(r"^[\w.-]+==[^ ;]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    found = set(re.findall(r"^[\w.-]+==[^ ;]+", done.stdout, re.MULTILINE))
    assert len(found) > 200
    assert found <= locked


def test_citation_gives_the_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert "repository-code" not in citation  # the address stands in _config.yml alone
