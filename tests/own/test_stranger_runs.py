"""A stranger's samples run, by the page's instructions alone."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from ase.cluster import Octahedron
from microscope_files import write_stack
from test_own_samples import glass, liquid, particle

from helpers import simulation
from helpers.book.pages.run import run_notebook
from helpers.own import check_samples
from helpers.own.new import main as new

NOTEBOOKS = Path(__file__).parents[2] / "book" / "notebooks"


def imaged(folder):
    """A series of a particle of 79 atoms, as a microscope with little noise gives it: MRC and .rawtlt."""
    atoms = Octahedron("Pt", 5, 1)
    angles = np.linspace(-70, 70, 29)
    raw = simulation.acquire(
        atoms.positions - atoms.positions.mean(axis=0),
        angles,
        misalignment=0.0,
        angle_error=0.0,
        background=0.0,
        seed=2,
    )
    write_stack(folder / "tomo.mrc", raw.truth.images, raw.pixel_size)
    (folder / "tomo.rawtlt").write_text("".join(f"{angle:.2f}\n" for angle in angles))
    return [folder / "tomo.mrc", folder / "tomo.rawtlt"], {"elements": ["Pt"]}


def described(folder, form) -> Path:
    files, known = form(folder)
    elements = ["--elements", *known["elements"]] if known else []
    assert new([*map(str, files), "--name", "stranger", *elements]) == 0
    return files[0].with_suffix(".toml")


def run(name, target, toml, monkeypatch, **parameters) -> str:
    monkeypatch.setenv("AET_SAMPLES", str(toml))
    (notebook,) = NOTEBOOKS.glob(f"{name}_*.ipynb")
    cells = nbformat.read(run_notebook(notebook, target, sample="stranger", parameters=parameters), as_version=4).cells
    return "\n".join(str(output) for cell in cells for output in cell.get("outputs", []))


def test_a_stranger_s_particle_goes_through_the_page(tmp_path, monkeypatch):
    text = run("19", tmp_path / "out.ipynb", described(tmp_path, particle), monkeypatch)
    assert "the file gives 489 atoms" in text
    assert "No atom with a closed polyhedron is disordered" in text  # it is a perfect crystal
    assert "empty slice" not in text and "NaN" not in text


@pytest.mark.slow
@pytest.mark.parametrize("form", [glass, liquid])
def test_a_stranger_s_box_goes_through_the_page(tmp_path, monkeypatch, form):
    text = run("19", tmp_path / "out.ipynb", described(tmp_path, form), monkeypatch)
    assert "the file gives 2,000 atoms" in text


@pytest.mark.slow
def test_a_stranger_s_images_become_the_atoms_that_were_imaged(tmp_path, monkeypatch):
    monkeypatch.setenv("AET_RESULTS", str(tmp_path / "my results"))
    toml = described(tmp_path, imaged)
    text = run("19", tmp_path / "out.ipynb", toml, monkeypatch)
    assert "79 atoms were located in 29 images" in text
    files, arguments = re.search(r'make new-sample FILES="([^"]+)" ARGS="([^"]+)"', text.replace("\\", "")).groups()
    assert new(["--together", files, *arguments.split()]) == 0  # as the page says, to go on with the other pages
    report = check_samples(Path(files).with_suffix(".toml"))
    assert not report.wrong and not any(outlook.lacks for outlook in report.outlooks)
    assert {outlook.sample for outlook in report.outlooks} == {"stranger_atoms"}


@pytest.mark.slow
@pytest.mark.parametrize("form", [particle, glass, liquid])
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("10", {"liquids": ["MD5200"], "repeats": 0}),
        ("11", {"liquids": ["MD300"], "repeats": 0, "packed": 1000}),
        ("12", {"repeats": 0}),
        ("13", {"liquids": ["MD300"], "repeats": 0}),
        ("14", {"repeats": 0}),
        ("15", {"repeats": 0}),
    ],
)
def test_a_stranger_s_model_goes_through_the_notebooks_on_structure(tmp_path, monkeypatch, form, name, parameters):
    assert run(name, tmp_path / "out.ipynb", described(tmp_path, form), monkeypatch, **parameters)
