"""The built pages as text: what they say, where their links lead, and how heavy they are.

The pages are those of ``test_pages``.
"""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag

import pytest
import yaml
from executed import NOTEBOOKS, PAGES, ROOT

from helpers.book.pages import address
from helpers.book.pages.panels import panels

pytestmark = pytest.mark.pages


class _Words(HTMLParser):
    """What a reader sees of a page: neither scripts nor program code."""

    def __init__(self):
        super().__init__()
        self.apart, self.words = 0, []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        hidden = tag in ("script", "style") or "highlight" in (dict(attrs).get("class") or "").split()
        if tag not in ("img", "br", "input", "meta", "link", "hr", "source", "col"):
            self.open.append(tag)
            if self.apart or hidden:
                self.apart += 1

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open and self.open.pop() != tag:
                self.apart = max(0, self.apart - 1)
            self.apart = max(0, self.apart - 1)

    def handle_data(self, text):
        if not self.apart:
            self.words.append(text)


#: What no page should show, and why.
BLEMISHES = {
    r"\b(NaN|nan|inf)\b": "a number that is none",
    r"(?<![\w.])[−-]0(\.0+)?(?![\w.])": "minus zero",
    r"not at hand": "an apology within the prose",
    r"\\\\[a-zA-Z]": "a doubly escaped formula",
    r"\d\.?\d*e[+-]\d": "an exponent as programs write it",
}


@pytest.mark.parametrize("name", [page for page in PAGES if not page.startswith("api/")])
def test_a_page_shows_no_blemish_and_is_light(name, html):
    path = html / f"{name}.html"
    parser = _Words()
    parser.feed(path.read_text(encoding="utf-8"))
    article = " ".join(parser.words)
    found = {why: re.findall(rf".{{0,40}}(?:{form}).{{0,20}}", article) for form, why in BLEMISHES.items()}
    assert {why: hits for why, hits in found.items() if hits} == {}
    assert path.stat().st_size <= 3e6, "a page opens slowly if it is larger than 3 MB"


def test_every_panel_of_the_paper_has_its_row(html):
    text = (html / "panels.html").read_text(encoding="utf-8")
    table = text[text.index('class="paper-panels') :]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, flags=re.DOTALL)[1:]
    assert len(rows) == len(panels())
    for panel, row in zip(panels(), rows, strict=True):
        cells = re.findall(r"<td>(.*?)</td>", row, flags=re.DOTALL)
        assert re.sub(r"<[^>]+>", "", cells[0]).strip() == panel.panel
        drawn = f"#{panel.figure}" in cells[2]
        assert drawn or not panel.figure or "built without the data" in cells[3], panel.panel


def test_shared_links_have_a_picture(html):
    text = (html / "index.html").read_text(encoding="utf-8")
    (picture,) = re.findall(r'content="([^"]*)" property="og:image"', text)
    assert (html / "_static" / picture.rsplit("/", 1)[-1]).stat().st_size > 10_000
    assert "url=intro.html" in text


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets: list[str] = []
        self.names: set[str] = set()

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.names |= {values[key] for key in ("id", "name") if values.get(key)}
        self.targets += [values[key] for key in ("href", "src") if values.get(key)]


def test_no_link_within_the_book_is_broken(html):
    parsed = {}
    for path in html.rglob("*.html"):
        if "_static" not in path.parts:
            parsed[path.resolve()] = _Links()
            parsed[path.resolve()].feed(path.read_text(encoding="utf-8"))
    broken = []
    for path, links in parsed.items():
        for target in links.targets:
            if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
                continue
            place, anchor = urldefrag(target.split("?")[0] if "#" not in target else target)
            file = (path.parent / unquote(place.split("?")[0])).resolve() if place else path
            if not file.exists() or (anchor and file in parsed and unquote(anchor) not in parsed[file].names):
                broken.append(f"{path.relative_to(html)}: {target}")
    assert broken == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_the_rocket_opens_the_source_notebook_or_is_not_there(path, html):
    text = (html / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    known = address.repository(config["repository"]["url"], os.environ)
    rocket = rf"mybinder\.org/v2/gh/[\w.-]+/[\w.-]+/main\?urlpath=lab/tree/book/notebooks/{path.name}"
    assert bool(re.search(rocket, text)) == (known is not None)
    assert f"github.com/{address.PLACEHOLDER}" not in text
