"""Recorded curves are drawn once, whether the notebook or the page draws them."""

from __future__ import annotations

import json

from helpers.book.pages.curves import add_recorded

CURVE = {"name": "Ta film", "type": "scatter", "x": [0.0, 1.0], "y": [1.0, 0.0]}


def test_a_curve_that_the_notebook_has_drawn_is_not_drawn_again(tmp_path):
    (tmp_path / "fig-10-pdf.json").write_text(json.dumps([CURVE]), encoding="utf-8")
    bare = add_recorded({"data": []}, "fig-10-pdf", tmp_path)
    assert [trace["name"] for trace in bare["data"]] == ["Ta film, recorded"]
    assert add_recorded(bare, "fig-10-pdf", tmp_path)["data"] == bare["data"]
