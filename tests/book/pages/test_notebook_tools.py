"""Stored notebooks: what is kept of their outputs, and what is found wrong with them."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.book.pages.notebooks import bare_environment, check, main, strip, text_outputs

PLOT = new_output("display_data", {"application/vnd.plotly.v1+json": {"data": []}})
BAR = new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "  0%|"})
TABLE = new_output("execute_result", {"text/plain": "a\n1", "text/html": "<table>"}, execution_count=2)
ERROR = new_output("stream", name="stderr", text="warning")
PRINT = new_output("stream", name="stdout", text="6.0\n")


def good():
    cells = [
        new_markdown_cell("# Ten\n\nSee {numref}`fig-10-line`."),
        new_code_cell("delta: float = 0.25  # limit", execution_count=1, metadata={"tags": ["parameters"]}),
        new_code_cell("print(6.0)", execution_count=2, outputs=[PRINT]),
        new_code_cell(
            "draw()", execution_count=3, metadata={"mystnb": {"figure": {"name": "fig-10-line", "caption": "A line."}}}
        ),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def problems(notebook, folder):
    path = folder / "10_ten.ipynb"
    nbformat.write(notebook, path)
    return check(path)


def test_only_text_is_kept():
    kept = text_outputs([PLOT, BAR, TABLE, ERROR, PRINT])
    assert [output.output_type for output in kept] == ["execute_result", "stream"]
    assert kept[0].data == {"text/plain": "a\n1"}
    assert "text/html" in TABLE.data  # the original stays as it was


def test_stripping_keeps_counts_text_tags_and_captions():
    notebook = good()
    notebook.cells[3].outputs = [PLOT, PRINT]
    notebook.cells[3].metadata["papermill"] = {"duration": 1.0}
    bare = strip(notebook)
    assert bare.cells[3].outputs == [PRINT]
    assert bare.cells[3].execution_count == 3
    assert list(bare.cells[3].metadata) == ["mystnb"]
    assert strip(bare) == bare


def test_a_good_notebook_has_no_problems(tmp_path):
    assert problems(good(), tmp_path) == []


def change(cell, **values):
    def apply(notebook):
        for key, value in values.items():
            notebook.cells[cell][key] = value

    return apply


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (change(0, source="text"), "first cell is not a title"),
        (change(0, source="# A {numref}`fig-10-line`\n\n# B"), "more than one title"),
        (change(1, metadata={}), "no cell is tagged 'parameters'"),
        (change(1, source="delta: float = 0.25"), "no comment with its meaning"),
        (change(1, source="delta = 0.25  # limit"), "expected 'name: type = value"),
        (change(2, source="\n".join(["x = 1"] * 15)), "shows 15 lines of code"),
        (
            lambda nb: [change(i, source="\n".join(["x = 1"] * 11))(nb) for i in (2, 3)],
            "2 of 2 cells show more than 10",
        ),
        (
            lambda nb: [change(i, source="\n".join(["x = 1"] * 5))(nb) for i in (2, 3)],
            "the median of its cells shows 5 lines of code; expected at most 4",
        ),
        (change(2, source=f"x = {'1' * 85}"), "cell 2 has a line of more than 88 characters"),
        (change(2, execution_count=None), "no execution count"),
        (change(2, execution_count=7), "not run once, in order"),
        (change(2, outputs=[PLOT]), "stores a figure"),
        (change(2, outputs=[new_output("stream", name="stdout", text="x" * 9000)]), "characters of text"),
        (change(2, outputs=[new_output("stream", name="stdout", text="/home/me/x")]), "a path or an address"),
        (change(2, outputs=[new_output("error", ename="E", evalue="", traceback=[])]), "stores an error"),
        (change(3, metadata={"mystnb": {"figure": {"name": "fig-10-line"}}}), "without name or caption"),
        (change(0, source="# Ten"), "nowhere cited"),
        (
            change(3, metadata={"mystnb": {"figure": {"name": "line", "caption": "A line."}}}),
            "should be named fig-10-",
        ),
        (lambda notebook: notebook.metadata.kernelspec.update(name="conda-env"), "the kernel is not 'python3'"),
    ],
)
def test_each_fault_is_named(tmp_path, spoil, words):
    notebook = good()
    spoil(notebook)
    assert any(words in problem for problem in problems(notebook, tmp_path))


def test_the_environment_hides_data_and_network(tmp_path, monkeypatch):
    monkeypatch.setenv("AET_DATA", "/somewhere")
    environment = bare_environment(tmp_path)
    assert "AET_DATA" not in environment
    assert environment["AET_OFFLINE"] == "1"
    assert environment["AET_RESULTS"].startswith(str(tmp_path.resolve()))


def test_the_command_line_fails_when_there_is_something_to_mend(tmp_path, capsys):
    path = tmp_path / "10_ten.ipynb"
    notebook = good()
    notebook.cells[2].outputs = [PLOT]
    nbformat.write(notebook, path)
    assert main(["check", str(path)]) == 1
    assert "10_ten.ipynb: cell 2 stores a figure" in capsys.readouterr().err
    assert main(["strip", str(path)]) == 0
