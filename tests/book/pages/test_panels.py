"""Every panel of the paper has a row, and every link of a row a figure."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import nbformat
import pytest

from helpers.book.figures import draw_curves, name_samples
from helpers.book.pages.origin import named_in_figures, samples_of, words_of, words_of_figure, words_of_page
from helpers.book.pages.panels import panels
from helpers.book.pages.renderer import PLOTLY_MIME

NOTEBOOKS = Path(__file__).parents[3] / "book" / "notebooks"
#: Panels of the paper, figure by figure; "" is a figure without panels.
PAPER = {
    "1": "abcd", "2": "abc", "3": "abc", "4": "abcd", "5": "abcdefghij", "6": "abcde", "S5": "abcd",
    "S6": "abc", "S7": "a", "S8": "abcd", "S10": "abcdef", "S11": "abcd",
}  # fmt: skip
INSETS = ["1a, inset", "1b, inset", "5f, inset"]
PLAIN = [*INSETS, "S1", "S2", "S3", "S4", "S9", *(f"S{n}" for n in range(12, 23)), "Table S1"]


def test_every_row_has_its_five_cells():
    with (NOTEBOOKS.parents[1] / "data" / "panels.csv").open(encoding="utf-8", newline="") as file:
        assert [row for row in csv.reader(file) if len(row) != 5] == []


def test_every_panel_has_one_row():
    wanted = [f"{figure}{letter}" for figure, letters in PAPER.items() for letter in letters] + PLAIN
    assert sorted(row.panel for row in panels()) == sorted(wanted)


def test_every_link_has_a_figure_and_every_gap_a_reason():
    figures = {
        cell.metadata["mystnb"]["figure"]["name"]
        for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")
        for cell in nbformat.read(path, as_version=4).cells
        if "figure" in cell.metadata.get("mystnb", {})
    }
    assert {row.figure for row in panels() if row.figure} - figures == set()
    assert [row.panel for row in panels() if not row.figure and not row.note] == []


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        ([("parameters", "samples: list = ['demo']  # names")], ["demo"]),
        (
            [("parameters", "samples: list = ['demo']"), ("injected-parameters", "samples = ['Ta', 'Pd1']")],
            ["Ta", "Pd1"],
        ),
        ([("parameters", "sample: str = 'demo'\ndelta: float = 0.2")], ["demo"]),
        ([("parameters", "sample: str = 'demo'\nfilm: str = 'Ta'")], ["demo"]),
        ([("parameters", "film: str = 'Ta'")], ["Ta"]),
        ([("parameters", "film_from: str = 'MD300'")], ["MD300"]),
        ([("parameters", "sample: str = 'demo'\nfilm_from: str = 'MD300'")], ["demo"]),
        ([("parameters", "verdicts: list = []")], []),
        ([("other", "samples = ['Ta']")], []),
    ],
)
def test_a_page_knows_its_samples(cells, names):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}) for tag, source in cells]
    assert samples_of(notebook) == names


def test_published_data_are_named_first():
    assert words_of(["demo", "Pd2"]) == ("published data", "Pd 2")
    assert words_of(["demo", "MD300"])[0] == "simulated"


def test_a_figure_names_samples_of_its_own():
    figure = name_samples(draw_curves({"Ta": ([0, 1], [0, 1])}, x_title="r [Å]", y_title="g(r)"), ["demo", "Ta"])
    outputs = [nbformat.v4.new_output("display_data", data={PLOTLY_MIME: figure.to_plotly_json()})]
    cells = [
        nbformat.v4.new_code_cell(outputs=outputs, metadata={"mystnb": {"figure": {"name": "fig-01-series"}}}),
        nbformat.v4.new_code_cell(metadata={"mystnb": {"figure": {"name": "fig-01-rings"}}}),
        nbformat.v4.new_markdown_cell("words"),
    ]
    named = named_in_figures(nbformat.v4.new_notebook(cells=cells))
    assert named == {"fig-01-series": ["demo", "Ta"]}
    assert words_of_figure(named["fig-01-series"]) == "simulated and published data"
    assert words_of_figure(["Pd1"]) == "published data"


def _page(samples, origins):
    """A page that ran on these samples, and one cell for each figure with what it says of its origin."""
    source = f"samples: list = {samples}\nrun: str = 'MD300'\nliquids: list = ['MD5200']\nrepeats: int = 4"
    cells = [nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})]
    for number, origin in enumerate(origins):
        figure = {"figure": {"name": f"fig-{number}"}}
        cells.append(nbformat.v4.new_code_cell(metadata={"mystnb": figure | ({"origin": origin} if origin else {})}))
    return nbformat.v4.new_notebook(cells=cells)


def test_a_cell_says_which_samples_its_figure_shows():
    page = _page(["Ta", "demo"], [["run"], ["samples", "liquids"], ["demo"], None])
    named = named_in_figures(page)
    assert named == {"fig-0": ["MD300"], "fig-1": ["Ta", "MD5200"], "fig-2": ["demo"]}
    words = [words_of_figure(samples) for samples in named.values()]
    assert words == ["simulated", "simulated and published data", "simulated"]
    assert named_in_figures(_page(["demo"], [["samples", "liquids"]])) == {"fig-0": ["demo", "MD5200"]}


def test_a_page_of_simulations_says_so():
    assert words_of_page(_page(["Ta", "demo"], [["run"], None])) == ("simulated and published data", "Ta film")
    assert words_of_page(_page(["Ta", "demo"], [["run"], None, None]))[0] == "published data"
    assert words_of_page(_page(["demo"], [["run"]]))[0] == "simulated"


def test_what_the_notebooks_say_of_their_figures_is_known():
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        declared = [cell for cell in notebook.cells if cell.metadata.get("mystnb", {}).get("origin")]
        assert set(named_in_figures(notebook)) == {c.metadata["mystnb"]["figure"]["name"] for c in declared}, path.name


def test_no_reference_is_given_twice():
    text = (NOTEBOOKS.parent / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{([^,\s]+)", text, flags=re.MULTILINE)
    assert sorted(keys) == sorted(set(keys))
