"""The script that draws figures, in a browser: in the dark theme they are light on dark, and back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import plotly
import pytest

from helpers.book import figures
from helpers.book.pages import renderer, stills

STATIC = Path(renderer.__file__).parent / "static"
COLOURS = """() => {
    const plot = document.querySelector(".book-figure-plot"), trace = (plot.data || [])[1];
    if (!trace || !plot.querySelector(".xtitle")) return [];
    const style = (one) => getComputedStyle(plot.querySelector(one));
    return [style(".main-svg").backgroundColor, style(".xtitle").fill, trace.line.color, trace.marker.color,
            plot.data[0].line.color];
}"""


@pytest.fixture
def page(tmp_path):
    """A page with one figure: a coloured curve, and a black one whose points have colours of their own."""
    program = stills.browser()
    if program is None:
        pytest.skip("THE SCRIPT WAS NOT TESTED: no browser is installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="THE SCRIPT WAS NOT TESTED: playwright is missing")
    figure = figures.draw_curves({"Ta": (np.arange(3), np.arange(3))}, x_title="r [Å]", y_title="g(r)")
    marker = {"color": ["#222222", "#00FF00"], "size": 9}
    figure.add_scatter(x=[0, 1], y=[1, 0], line={"color": "black"}, marker=marker, mode="lines+markers")
    name, script = renderer.figure_script(json.loads(figure.to_json()))
    (tmp_path / "_static" / "figures").mkdir(parents=True)
    (tmp_path / "_static" / "figures" / f"{name}.js").write_text(script, encoding="utf-8")
    shutil.copy(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", tmp_path / "_static")
    shutil.copy(STATIC / "figures.js", tmp_path / "_static")
    body = renderer.figure_element(json.loads(figure.to_json()), name)
    (tmp_path / "index.html").write_text(
        f'<html data-theme="light" data-content_root="./"><meta charset="utf-8"><body>{body}'
        '<script src="_static/figures.js"></script></body></html>',
        encoding="utf-8",
    )
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=program, headless=True, args=stills.FLAGS, timeout=stills.PATIENCE
        )
        opened = running.new_page()
        opened.set_default_timeout(stills.PATIENCE)
        opened.goto((tmp_path / "index.html").as_uri())
        yield opened
        running.close()


def test_a_figure_follows_the_theme_and_keeps_its_colours(page):
    blue = figures.sample_colour("Ta")
    light = ["rgb(255, 255, 255)", "rgb(34, 34, 34)", "black", ["#222222", "#00FF00"], blue]
    dark = ["rgb(18, 18, 18)", "rgb(220, 220, 220)", "#efefef", ["#dcdcdc", "#00FF00"], blue]
    for theme, expected in (("light", light), ("dark", dark), ("light", light), ("dark", dark)):
        page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        words = json.dumps(json.dumps(expected, separators=(",", ":")))
        page.wait_for_function(f"() => JSON.stringify(({COLOURS})()) === {words}")
