"""Stored figures on a page: named by content, described in words, and limited in size."""

import json
from types import SimpleNamespace

import pytest

from helpers.book.pages.renderer import PLOTLY_MIME, PlotlyRenderer, describe, figure_element, figure_script

FIGURE = {
    "data": [{"type": "scatter3d", "name": "Ta", "x": {"bdata": "AAAA", "dtype": "f4"}}],
    "layout": {"title": {"text": "Q<sub>6</sub> & more"}, "height": 520},
}


class Page:
    """What the renderer needs of MyST-NB."""

    def __init__(self):
        self.files, self.warnings = {}, []
        self.renderer = SimpleNamespace(sphinx_env=SimpleNamespace(docname="notebooks/10"))
        self.logger = SimpleNamespace(warning=lambda text, **options: self.warnings.append(text))

    def write_file(self, path, content, exists_ok=False):
        self.files["/".join(path)] = content.decode()

    def render(self, figure, mime=PLOTLY_MIME, caption="Atoms."):
        metadata = {"mystnb": {"figure": {"caption": caption}}} if caption else {}
        data = SimpleNamespace(mime_type=mime, content=figure, cell_metadata=metadata, cell_index=3, line=1)
        return PlotlyRenderer.handle_mime(self, data, False)


def test_the_script_holds_the_figure_unchanged():
    name, script = figure_script(FIGURE)
    assert json.loads(script.split("=", 2)[2].rstrip(";\n")) == FIGURE
    assert f'["{name}"]' in script
    assert figure_script({**FIGURE, "data": []})[0] != name


def test_a_figure_becomes_one_element_and_one_file():
    page = Page()
    (node,) = page.render(FIGURE)
    name, script = figure_script(FIGURE)
    assert page.files == {f"figures/{name}.js": script}
    assert f'data-figure="{name}"' in node.astext()
    assert page.renderer.sphinx_env.book_figures == {"notebooks/10": [name]}
    assert page.warnings == []


def test_other_outputs_are_left_to_others():
    assert Page().render("text", mime="text/plain") is None


def test_the_element_is_described_for_readers_without_it():
    text = figure_element(FIGURE, "abc", "Atoms of *one* particle (Fig. 1a).")
    assert (
        'aria-label="Atoms of one particle (Fig. 1a). Interactive figure: Q6 &amp; more; a view in three dimensions'
        in text
    )
    assert "<!--still abc-->" in text
    assert 'tabindex="0"' in text
    assert "min-height:520px" in text


def test_a_figure_without_words_is_still_called_one():
    assert describe({"data": [{"type": "heatmap"}], "layout": {}}) == "Interactive figure."


@pytest.mark.parametrize(
    ("figure", "caption", "words"),
    [
        (FIGURE, None, "has no caption"),
        ({"data": [{"x": "A" * 7_000_000}], "layout": {}}, "Big.", "7.0 MB; expected at most 6"),
    ],
)
def test_heavy_or_uncaptioned_figures_fail_the_build(figure, caption, words):
    page = Page()
    page.render(figure, caption=caption)
    assert len(page.warnings) == 1
    assert words in page.warnings[0]
