"""Every notebook runs on the embedded sample and prints what is stored in it."""

import re

import nbformat
import pytest
from executed import NOTEBOOKS, ROOT, execute, session_folder

from helpers.book.pages.build import listed_notebooks
from helpers.book.pages.notebooks import check, refresh

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])


@each
def test_it_prints_what_is_stored(path, tmp_path_factory):
    result = execute(path, session_folder(tmp_path_factory))
    assert result.passed, result.report


@each
def test_it_is_well_formed(path):
    assert check(path) == []


def test_the_contents_list_every_notebook_once():
    assert sorted(listed_notebooks(ROOT / "book" / "_toc.yml")) == [path.stem for path in NOTEBOOKS]


def test_figure_names_are_unique_in_the_book():
    names = [
        cell.metadata["mystnb"]["figure"]["name"]
        for path in NOTEBOOKS
        for cell in nbformat.read(path, as_version=4).cells
        if "figure" in cell.metadata.get("mystnb", {})
    ]
    assert len(set(names)) == len(names)


SMALL = {
    "parameters": "factor: float = 2.0  # dimensionless",
    "number": "print(f'twice three is {factor * 3:.1f}')",
    "figure": "from helpers.book.figures import draw_curves\n"
    "draw_curves({'demo': ([0, 1], [0, 1])}, x_title='r [Å]', y_title='g(r)')",
    "value": "round(factor / 3, 4)",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A notebook with a printed number, a figure and a value, as the book stores it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Small\n\n{numref}`fig-90-line`")])
    for tag, source in SMALL.items():
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}))
    notebook.cells[3].metadata["mystnb"] = {"figure": {"name": "fig-90-line", "caption": "A line."}}
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path = tmp_path_factory.mktemp("small") / "90_small.ipynb"
    nbformat.write(notebook, path)
    assert refresh(path) == []
    return path


def test_a_stored_notebook_has_text_and_no_figure(small):
    cells = nbformat.read(small, as_version=4).cells
    assert cells[2].outputs[0].text == "twice three is 6.0\n"
    assert cells[3].outputs == []
    assert cells[3].execution_count == 3
    assert cells[4].outputs[0].data == {"text/plain": "0.6667"}


def test_the_figure_is_drawn_but_not_compared(small, tmp_path):
    result = execute(small, tmp_path)
    assert result.passed, result.report
    outputs = nbformat.read(result.notebook, as_version=4).cells[3].outputs
    assert list(outputs[-1].data) == ["application/vnd.plotly.v1+json"]


def test_a_changed_digit_and_a_missing_output_fail(small, tmp_path):
    """One run: a digit of printed text, one of a value, and text that is not stored; the figure between them passes."""
    notebook = nbformat.read(small, as_version=4)
    notebook.cells.append(nbformat.from_dict({**notebook.cells[2], "id": "again", "outputs": []}))
    for cell, old, new in ((2, "6.0", "6.1"), (4, "0.6667", "0.6666")):
        text = nbformat.writes(nbformat.v4.new_notebook(cells=[notebook.cells[cell]]))
        assert old in text
        notebook.cells[cell] = nbformat.reads(text.replace(old, new), as_version=4).cells[0]
    changed = tmp_path / "90_changed.ipynb"
    nbformat.write(notebook, changed)
    result = execute(changed, tmp_path / "run")
    assert not result.passed
    failed = re.findall(r"^FAILED .*::Cell (\d+)", result.report, re.MULTILINE)
    assert failed == ["1", "3", "4"], result.report  # of the cells of code
    assert "Cell outputs differ" in result.report
