"""Pictures of figures: drawn once, placed in the pages, and left out with a word where nothing can draw them."""

from __future__ import annotations

import pytest

from helpers.book.pages import stills
from helpers.book.pages.renderer import figure_element, plain


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
    assert trouble.startswith("no browser to draw 1 pictures of figures: install one of chromium")
    (tmp_path / "stills" / "a.svg").write_text("")
    assert stills.draw_stills([tmp_path / "a.js"], tmp_path / "plotly.js", tmp_path / "stills") == []


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        (r"Share at $\delta \leq 0.255$, see {numref}`fig-1`.", "Share at δ ≤ 0.255, see fig-1."),
        ("*Dashed*: the {term}`ring <n-fold bipyramid>` (Fig. 2a of {cite}`Yuan2022`).", "Dashed: the ring (Fig. 2a)."),
    ],
)
def test_captions_lose_their_marks(caption, words):
    assert plain(caption) == words
