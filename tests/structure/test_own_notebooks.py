"""Pages on a reader's samples: periodic, of two elements, crystalline, of 79 and six atoms, none. They say so."""

from __future__ import annotations

import nbformat
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.cluster import Octahedron
from ase.io import write

from helpers import simulation
from helpers.book.pages.run import parameters_of, run_notebook
from helpers.data import DATA_FOLDER

FOLDER = DATA_FOLDER.parent / "book" / "notebooks"
PAGES = sorted(path for number in (*range(10, 16), 17) for path in FOLDER.glob(f"{number}_*.ipynb"))
SEVERAL = sorted(path for path in FOLDER.glob("*.ipynb") if "samples" in parameters_of(path))  # may be given none
SAMPLE = """[{name}]
title = "{name}"
short = "my {name}"
elements = {elements}
kind = "{kind}"
files.model = {{ file = "{name}.xyz" }}

"""


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Write five samples and their description; return its path."""
    folder = tmp_path_factory.mktemp("own")
    random = np.random.default_rng(1)
    places, sides = simulation.dense_random_packing(500, 500 / 21.57**3)
    liquid = Atoms("Ta500", places, cell=np.broadcast_to(sides, 3), pbc=True)
    binary = liquid.copy()
    binary.symbols[random.permutation(500)[:180]] = "Pd"
    crystal = bulk("Pd", "fcc", 3.9, cubic=True).repeat(8)
    crystal = crystal[np.linalg.norm(crystal.positions - crystal.positions.mean(axis=0), axis=1) < 13]
    crystal.pbc = False
    small = Octahedron("Pt", 5, 1)  # 79 atoms
    six = Atoms("Ta6", 2.0 * np.concatenate([np.eye(3), -np.eye(3)]))
    text = ""
    for name, model in {"liquid": liquid, "binary": binary, "crystal": crystal, "small": small, "six": six}.items():
        write(folder / f"{name}.xyz", model, format="extxyz")
        elements = str(sorted(set(model.get_chemical_symbols()))).replace("'", '"')
        text += SAMPLE.format(name=name, elements=elements, kind="bulk" if model.pbc.all() else "particle")
    (folder / "samples.toml").write_text(text, encoding="utf-8")
    return folder / "samples.toml"


def texts(path):
    """Return what a reader sees in words: text outputs, the HTML twins of tables left out."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if not any(kind.startswith(("application", "image")) for kind in data):
                yield data.get("text/markdown", data.get("text/plain", output.get("text", "")))


def run(page, samples, folder):
    """Run a page without copies of its models; return what a reader sees in words."""
    fewer = {"repeats": 0} if "repeats" in parameters_of(page) and page.stem[:2] != "16" else {}  # which needs one
    run_notebook(page, folder / "run.ipynb", samples=samples, parameters=fewer)
    return list(texts(folder / "run.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem[:2])
@pytest.mark.parametrize("name", ["liquid", "binary", "crystal", "small", "six"])
def test_a_page_runs_on_a_readers_sample(page, name, samples, tmp_path, monkeypatch):
    monkeypatch.setenv("AET_SAMPLES", str(samples))
    words = run(page, [name], tmp_path)
    assert not any(word in ("nan", "inf", "NaN") for text in words for word in text.replace("|", " ").split())
    replaced = [text for text in words if f"The sample my {name} has" in text and "too few for what follows" in text]
    number = int(page.stem[:2])
    expected = {
        "liquid": number == 15,  # no crystal, no border
        "binary": number == 15,
        "crystal": number != 17,  # page 10 keeps its models and its order; a crystal scatters
        "small": number != 17,
        "six": True,
    }
    assert bool(replaced) == expected[name]
    chance = [text for text in words if "by chance [%]" in text]
    assert bool(chance) == (name == "binary" and number in (11, 14))  # elements of caps, rings and networks


@pytest.mark.slow
@pytest.mark.parametrize("page", SEVERAL, ids=lambda path: path.stem[:2])
def test_a_page_without_a_sample_says_so(page, tmp_path):
    """Page 16 compares its simulation with nothing, or with what is recorded; the others take the simulated "
    "particle."""
    said = any("No sample was named" in text for text in run(page, [], tmp_path))
    assert said == (page.stem[:2] != "16")
