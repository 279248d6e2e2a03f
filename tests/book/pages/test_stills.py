"""Pictures of figures: drawn once, placed in the pages, and left out with a word where nothing can draw them."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from helpers.book.pages import stills
from helpers.book.pages.renderer import figure_element, plain

playwright = pytest.importorskip("playwright.sync_api")


@pytest.fixture
def page(tmp_path):
    """A built page with one figure, and a folder of pictures."""
    (tmp_path / "html" / "notebooks").mkdir(parents=True)
    path = tmp_path / "html" / "notebooks" / "10.html"
    path.write_text(f"<p>{figure_element({'layout': {}}, 'abc123', 'Atoms.')}</p>", encoding="utf-8")
    (tmp_path / "stills").mkdir()
    return path


def test_a_picture_takes_the_place_of_the_comment(page, tmp_path):
    (tmp_path / "stills" / "abc123.png").write_bytes(b"picture")
    assert stills.place_stills(tmp_path / "html", tmp_path / "stills") == 1
    text = page.read_text()
    assert 'src="../_static/figures/abc123.png"' in text
    assert 'alt="Atoms. Interactive figure."' in text
    assert "<!--" not in text
    assert (tmp_path / "html" / "_static" / "figures" / "abc123.png").read_bytes() == b"picture"


def test_without_a_picture_the_words_remain(page, tmp_path):
    assert stills.place_stills(tmp_path / "html", tmp_path / "stills") == 0
    assert "<img" not in page.read_text()
    assert "The drawing needs JavaScript" in page.read_text()


def test_a_missing_browser_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(stills, "browser", lambda: None)
    (tmp_path / "a.js").write_text("")
    (trouble,) = stills.draw_stills([tmp_path / "a.js"], tmp_path / "plotly.js", tmp_path / "stills")
    assert trouble.startswith("no browser to draw 1 picture of figures: install one of chromium")
    (tmp_path / "stills" / "a.svg").write_text("")
    assert stills.draw_stills([tmp_path / "a.js"], tmp_path / "plotly.js", tmp_path / "stills") == []


class Page:
    """In the place of a browser's page: one figure cannot be drawn."""

    def add_script_tag(self, path):
        self.failed = "bad" in path

    def evaluate(self, code, arguments):
        if self.failed:
            msg = "no WebGL"
            raise playwright.Error(msg)
        return f"data:image/svg+xml,{arguments[0]}"


def test_pictures_are_drawn_ahead_but_for_what_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(stills, "browser", lambda: "browser")
    monkeypatch.setattr(stills, "_page", lambda program, plotly: nullcontext(Page()))
    ahead = stills.DrawnAhead(tmp_path / "plotly.js", tmp_path / "stills")
    ahead.add([tmp_path / "a.js", tmp_path / "bad.js"])
    ahead.add([tmp_path / "b.js"])
    ahead.finish()
    assert {path.name: path.read_text() for path in (tmp_path / "stills").iterdir()} == {"a.svg": "a", "b.svg": "b"}
    assert stills.draw_stills([tmp_path / "bad.js"], tmp_path / "plotly.js", tmp_path / "stills") == [
        "figure bad has no picture: no WebGL"
    ]


def test_nothing_is_drawn_ahead_without_a_browser(tmp_path, monkeypatch):
    monkeypatch.setattr(stills, "browser", lambda: None)
    ahead = stills.DrawnAhead(tmp_path / "plotly.js", tmp_path / "stills")
    ahead.add([tmp_path / "a.js"])
    ahead.finish()
    assert not (tmp_path / "stills").exists()


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        (r"Share at $\delta \leq 0.255$, see {numref}`fig-1`.", "Share at δ ≤ 0.255, see fig-1."),
        ("*Dashed*: the {term}`ring <n-fold bipyramid>` (Fig. 2a of {cite}`Yuan2022`).", "Dashed: the ring (Fig. 2a)."),
    ],
)
def test_captions_lose_their_marks(caption, words):
    assert plain(caption) == words
