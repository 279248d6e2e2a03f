"""The report of a batch: one page with times, memory and figures, whatever names and captions hold."""

from __future__ import annotations

import json
import re

import nbformat
import pytest

from helpers.book.pages.report import main, write_report
from helpers.book.pages.run import Cost, read_cost


def executed(path, figure=None, caption="", error=None):
    cell = nbformat.v4.new_code_cell("draw()")
    cell.metadata["mystnb"] = {"figure": {"caption": caption, "name": "fig-01"}}
    if figure is not None:
        cell.outputs = [nbformat.v4.new_output("display_data", {"application/vnd.plotly.v1+json": figure})]
    if error is not None:
        cell.outputs = [nbformat.v4.new_output("error", ename="ValueError", evalue=error, traceback=[])]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def test_the_page_holds_times_memory_and_figures(tmp_path):
    path = tmp_path / "Ta" / "notebooks" / "10_order.ipynb"
    executed(path, {"data": [{"y": [1, 2.5]}], "layout": {}}, "Two {term}`points`.")
    cost = {"notebook": "10_order", "seconds": 61.4, "cpu_seconds": 50.0, "megabytes": 812.2, "cores": 2}
    path.with_name("10_order.cost.json").write_text(json.dumps(cost))
    assert read_cost(path) == Cost("10_order", 61.4, 50.0, 812.2, 2)
    failed = executed(tmp_path / "Pd1" / "notebooks" / "10_order.failed.ipynb", error="too <few> atoms")
    page = write_report(tmp_path / "report.html", [path, failed]).read_text()
    assert "1 notebook ran to its end, 1 failed; 1 minute of runs in all" in page
    assert '<td class="number">61</td><td class="number">812</td><td class="number">2</td>' in page
    assert '<a href="Ta/notebooks/10_order.ipynb">10_order</a>' in page
    assert '<div class="figure"></div><script type="application/json">{"data": [{"y": [1, 2.5]}]' in page
    assert "<em>Two points.</em>" in page
    assert "ValueError: too &lt;few&gt; atoms" in page
    head, body = page.split("</head>")
    assert not re.search(r'(?:src|href)="(?:https?:)?//', body), "the page asks another host"
    assert "<link" not in head.split("<script>")[0]
    assert "<script src" not in page


def test_markup_in_names_and_captions_stays_text(tmp_path):
    bad = "</script><script>alert(1)</script>"
    folder = tmp_path / "<b>bold" / "notebooks"
    path = executed(folder / "10_order.ipynb", {"data": [{"name": bad}], "layout": {"title": bad}}, bad)
    page = write_report(tmp_path / "report.html", [path]).read_text()
    assert "alert(1)</script>" not in page
    assert "<b>bold" not in page
    (text,) = re.findall(r'<script type="application/json">(.*?)</script>', page)
    assert json.loads(text)["data"][0]["name"] == bad


def test_a_figure_that_is_too_large_is_left_in_its_notebook(tmp_path):
    figure = {"data": [{"y": list(range(500_000))}], "layout": {}}
    page = write_report(tmp_path / "r.html", [executed(tmp_path / "a.ipynb", figure, "Many.")]).read_text()
    assert "<em>Many.</em> (a figure of 4 MB; open the notebook)" in page
    with pytest.raises(ValueError, match="at least one executed notebook"):
        write_report(tmp_path / "r.html", [])


def test_the_command_line_writes_it(tmp_path, capsys):
    assert main([str(tmp_path / "r.html"), str(executed(tmp_path / "a.ipynb"))]) == 0
    assert (tmp_path / "r.html").is_file()
    assert "r.html" in capsys.readouterr().err
