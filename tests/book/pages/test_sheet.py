"""The page of all figures: numbered captions, links back, a PDF where a browser can print it."""

from __future__ import annotations

import pytest

from helpers.book.pages import sheet, stills

FIGURE = (
    '<figure class="align-default" id="fig-10-pdf"><div class="book-figure"><img class="book-figure-still" '
    'src="../_static/figures/a.svg" alt="g(r)"></div><figcaption><p><span class="caption-number">Figure 10.3 </span>'
    '<span class="caption-text">Pairs (<a href="../bibliography.html#id2">1</a>).</span><a class="headerlink" '
    'href="#fig-10-pdf">#</a></p></figcaption></figure>'
)


@pytest.fixture
def pages(tmp_path):
    """Built pages: a notebook with one figure, and a page that asks for the links."""
    (tmp_path / "notebooks").mkdir()
    head = '<h1>10 Order</h1><p>1</p><h1>10 Order<a class="headerlink" href="#x">#</a></h1>'
    (tmp_path / "notebooks" / "10_order.html").write_text(head + FIGURE, encoding="utf-8")
    (tmp_path / "panels.html").write_text(f"<p>{sheet.MARK}</p>", encoding="utf-8")
    return tmp_path


def test_figures_are_found_with_their_words(pages):
    (found,) = sheet.figures_of(pages)
    assert (found.chapter, found.page, found.anchor) == ("10 Order", "notebooks/10_order.html", "fig-10-pdf")
    assert 'src="_static/figures/a.svg"' in found.picture
    assert found.caption.endswith('<span class="caption-text">Pairs (1).</span>')


def test_without_a_browser_there_is_a_page_but_no_pdf(pages, monkeypatch):
    monkeypatch.setattr(stills, "browser", lambda: None)
    assert sheet.write_sheet(pages, "Version 1.") == ["no browser to print figures.pdf with"]
    text = (pages / "figures.html").read_text(encoding="utf-8")
    assert '<a href="notebooks/10_order.html#fig-10-pdf"><span class="caption-number">Figure 10.3 </span></a>' in text
    assert "Version 1." in text
    links = (pages / "panels.html").read_text(encoding="utf-8")
    assert links == '<p><p class="all-figures">1 figure of this copy: <a href="figures.html">on one page</a>.</p></p>'


def test_without_pictures_there_is_neither(pages):
    page = pages / "notebooks" / "10_order.html"
    page.write_text(page.read_text(encoding="utf-8").replace("book-figure-still", "other"), encoding="utf-8")
    assert sheet.write_sheet(pages, "") == ["no page of all figures, because no figure has a picture"]
    assert not (pages / "figures.html").exists()
    assert (pages / "panels.html").read_text(encoding="utf-8") == "<p></p>"
