"""Curves of measured samples are kept and drawn in grey where the data are not; coordinates are not."""

from __future__ import annotations

import json

import nbformat

from helpers.book import figures
from helpers.book.pages import curves
from helpers.book.pages.renderer import PLOTLY_MIME


def plain(figure):
    return json.loads(figure.to_json())


def executed(folder, figure, samples):
    cell = nbformat.v4.new_code_cell("figure", metadata={"mystnb": {"figure": {"name": "fig-10-pdf", "caption": "c"}}})
    cell.outputs = [nbformat.v4.new_output("display_data", {PLOTLY_MIME: plain(figure)})]
    parameters = nbformat.v4.new_code_cell(f"samples: list = {samples!r}", metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[parameters, cell]), folder / "10_models.ipynb")


def test_curves_go_to_a_file_and_come_back_in_grey(tmp_path):
    lines = {"Ta": ([1.0, 2.0], [0.123456, 1.0]), "demo": ([1.0], [1.0])}
    figure = figures.draw_curves(lines, x_title="r", y_title="g")
    executed(tmp_path, figure, ["Ta", "demo"])
    (path,) = curves.gather(tmp_path, tmp_path / "kept")
    (kept,) = json.loads(path.read_text())
    assert (kept["name"], kept["y"]) == ("Ta film", [0.1235, 1.0])
    bare = plain(figures.draw_curves({"demo": ([1.0], [1.0])}, x_title="r", y_title="g"))
    drawn = curves.add_recorded(bare, "fig-10-pdf", tmp_path / "kept")
    assert [trace["name"] for trace in drawn["data"]] == ["simulated particle", "Ta film, recorded"]
    assert drawn["data"][1]["line"]["color"] == figures.RECORDED_COLOUR
    assert curves.add_recorded(bare, "fig-10-other", tmp_path / "kept") is bare


def test_simulated_pages_scenes_and_points_are_not_kept(tmp_path):
    executed(tmp_path, figures.draw_curves({"Ta": ([1.0], [1.0])}, x_title="r", y_title="g"), ["demo"])
    assert curves.gather(tmp_path, tmp_path / "kept") == []
    scene = figures.draw_atoms([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]], sample="Ta")
    assert curves.curves_of(plain(scene)) == []
    points = figures.draw_curves({}, x_title="x", y_title="y").add_scatter(x=[1], y=[2], mode="markers", name="Ta film")
    assert curves.curves_of(plain(points)) == []


def test_a_panel_that_is_missing_gives_its_curve_to_the_first(tmp_path):
    (tmp_path / "fig.json").write_text(
        json.dumps([{"name": "Pd 2", "type": "bar", "x": ["a"], "y": [1], "xaxis": "x3"}])
    )
    drawn = curves.add_recorded({"data": [], "layout": {"xaxis": {}, "yaxis": {}}}, "fig", tmp_path)
    assert drawn["data"][0]["xaxis"] == "x"
