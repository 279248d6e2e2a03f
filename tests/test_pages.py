"""The built pages in a headless browser: every figure is drawn, and nothing comes from another host.

By default the pages are built from the notebooks that ``test_notebooks`` has run. Set ``AET_BOOK`` to the
folder of other pages, for instance ``_build/html`` after ``make book``, to test those.
"""

from __future__ import annotations

import functools
import http.server
import os
import re
import threading
import warnings
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
import yaml
from executed import NOTEBOOKS, ROOT, execute, session_folder

from helpers.book.pages import address, stills
from helpers.book.pages.build import build_book
from helpers.book.pages.panels import panels

pytestmark = pytest.mark.pages

PATIENCE = 300_000  # ms; WebGL runs in software, perhaps on a busy computer
PHONE = {"width": 390, "height": 800}
DESK = {"width": 1280, "height": 900}


def _pages() -> list[str]:
    found: list[str] = []

    def visit(node):
        if isinstance(node, dict):
            found.extend(str(node[key]) for key in ("root", "file") if key in node)
            for value in node.values():
                visit(value)
        elif isinstance(node, list):
            for value in node:
                visit(value)

    visit(yaml.safe_load((ROOT / "book" / "_toc.yml").read_text(encoding="utf-8")))
    return found


PAGES = _pages()


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    """Folder of the built pages."""
    if "AET_BOOK" in os.environ:
        folder = (ROOT / os.environ["AET_BOOK"]).resolve()
        if not (folder / "index.html").is_file():
            pytest.fail(f"AET_BOOK={folder} holds no book; run `make book` first, or unset it")
        return folder
    folder = session_folder(tmp_path_factory)
    for path in NOTEBOOKS:
        executed = execute(path, folder)
        if not executed.notebook.is_file():
            pytest.fail(f"notebook {path.stem} did not run, so there are no pages:\n{executed.report}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AET_RESULTS", str(folder / "results"))
        return build_book(folder, tmp_path_factory.mktemp("book"))


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium or Chrome of this computer."""
    program = stills.browser()
    if program is None:
        reason = (
            f"NO BROWSER, THE PAGES WERE NOT TESTED: install one of {', '.join(stills.BROWSERS)} or set AET_BROWSER"
        )
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    playwright = pytest.importorskip("playwright.sync_api", reason="THE PAGES WERE NOT TESTED: playwright is missing")
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, headless=True, args=stills.FLAGS)
        yield running
        running.close()


class Visit:
    """One page, with everything that went wrong while it was open."""

    def __init__(self, browser, address: str, size: dict[str, int]):
        self.troubles: list[str] = []
        self.allowed = address.split("//")[0] + "//" + address.split("//")[1].split("/")[0]
        self.page = browser.new_page(viewport=size)
        self.page.set_default_timeout(PATIENCE)
        self.page.route("**/*", self._answer)
        self.page.on("requestfailed", lambda request: self.troubles.append(f"request failed: {request.url}"))
        self.page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        self.page.on("console", self._listen)
        self.page.on("response", self._check)
        self.page.goto(address)

    def _answer(self, route):
        if route.request.url.startswith(("data:", "blob:", self.allowed)):
            route.continue_()
        else:
            self.troubles.append(f"request to another host: {route.request.url}")
            route.abort()

    def _listen(self, message):
        if message.type == "error":
            self.troubles.append(f"console: {message.text}")

    def _check(self, response):
        if response.status >= 400:
            self.troubles.append(f"status {response.status}: {response.url}")

    def draw(self):
        """Bring each figure into view, wait until it is drawn, and yield it."""
        figures = self.page.locator(".book-figure:visible")
        for i in range(figures.count()):
            figure = figures.nth(i)
            figure.evaluate("box => box.scrollIntoView({block: 'center', behavior: 'instant'})")
            self.page.wait_for_function(
                "box => ['drawn', 'failed'].includes(box.dataset.state)", arg=figure.element_handle()
            )
            self.page.wait_for_timeout(200)
            yield figure

    def close(self):
        self.page.close()


@pytest.fixture
def visit(browser):
    """Open pages; close them at the end of the test."""
    open_pages: list[Visit] = []

    def start(address: str, size: dict[str, int] = DESK) -> Visit:
        open_pages.append(Visit(browser, address, size))
        return open_pages[-1]

    yield start
    for page in open_pages:
        page.close()


def _colours(figure) -> int:
    """Number of different colours on a screenshot of a figure."""
    from PIL import Image

    image = Image.open(BytesIO(figure.screenshot())).convert("RGB")
    return len(image.getcolors(maxcolors=image.width * image.height))


#: Words of a figure that are cut off, or that lie on one another; those that stand at a slant are left out.
WORDS_IN_THE_WAY = """box => {
    const frame = box.getBoundingClientRect(), found = [];
    const words = [...box.querySelectorAll("svg.main-svg text")]
        .filter((text) => text.textContent.trim() && !text.closest(".hoverlayer, [clip-path]"))
        .filter((text) => {
            const turn = /rotate\\(\\s*(-?[\\d.]+)/.exec(text.getAttribute("transform") || "");
            return !turn || Number(turn[1]) % 90 === 0;
        })
        .map((text) => [text.textContent.trim(), text.getBoundingClientRect()])
        .filter(([, place]) => place.width > 0);
    words.forEach(([text, a], i) => {
        const beyond = [frame.left - a.left, a.right - frame.right, frame.top - a.top, a.bottom - frame.bottom];
        if (Math.max(...beyond) > 2) found.push(`${text} is cut off`);
        for (const [other, b] of words.slice(i + 1)) {
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            const least = Math.min(a.width * a.height, b.width * b.height);
            if (wide > 1 && high > 1 && wide * high > 0.25 * least) found.push(`${text} lies on ${other}`);
        }
    });
    return found;
}"""


def _words_in_the_way(figure) -> list[str]:
    """What is wrong with the words of a figure once it has come to rest; on a busy computer that takes a while."""
    found = []
    for _ in range(10):
        found = figure.evaluate(WORDS_IN_THE_WAY)
        if not found:
            break
        figure.page.wait_for_timeout(300)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_is_drawn_and_captioned(name, html, visit):
    page = visit((html / f"{name}.html").as_uri())
    for figure in page.draw():
        assert figure.get_attribute("data-state") == "drawn"
        assert figure.locator("svg.main-svg").count() > 0
        assert _colours(figure) > 8, "the figure is blank"  # white, frame and text alone have several greys
        caption = figure.locator("xpath=ancestor::figure[1]//figcaption")
        chapter = re.match(r"notebooks/(\d\d)", name)
        number = rf"Figure {int(chapter[1])}\.\d+" if chapter else r"\w"
        assert re.match(number, caption.inner_text()), "the figure has no caption numbered by chapter"
        assert _words_in_the_way(figure) == [], caption.inner_text()
        contexts = page.page.locator(".book-figure .gl-container > div").count()
        assert contexts <= 16, "more WebGL scenes are alive than browsers keep"
    assert page.page.locator(".system-message, .problematic").count() == 0
    assert page.troubles == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_and_speaks_without_scripts(name, html, browser):
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((html / f"{name}.html").as_uri(), timeout=PATIENCE)
        width = page.evaluate("document.documentElement.scrollWidth")
        words = page.locator(".book-figure-text").all_text_contents()
        pictures = page.locator(".book-figure-still")
        empty = [image.get_attribute("src") for image in pictures.all() if not image.is_visible()]
        count = pictures.count()
    assert width <= PHONE["width"] + 1, f"the page is {width} px wide on a screen of {PHONE['width']} px"
    assert all(re.search(r"Interactive figure.*\. The drawing", text) for text in words)
    assert count == len(words), "a figure has no picture for readers without scripts"
    assert empty == []


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("notebooks/")])
def test_plane_figures_fit_a_phone(name, html, visit):
    """Scenes are left to the desk: drawn by software they take seconds each, and have few words."""
    page = visit((html / f"{name}.html").as_uri(), PHONE)
    page.page.evaluate("""() => document.querySelectorAll(".book-figure").forEach((box) => {
        const still = box.querySelector(".book-figure-still");
        if (still && still.src.endsWith(".png")) box.remove();
    })""")
    for figure in page.draw():
        assert figure.get_attribute("data-state") == "drawn"
        words = figure.locator("xpath=ancestor::figure[1]//figcaption").inner_text()
        assert _words_in_the_way(figure) == [], words
    width = page.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"] + 1, f"the page is {width} px wide on a screen of {PHONE['width']} px"
    assert page.troubles == []


@pytest.mark.parametrize("name", PAGES)
def test_on_paper_every_figure_is_its_picture(name, html, visit):
    page = visit((html / f"{name}.html").as_uri())
    if page.page.locator(".book-figure").count() == 0:
        pytest.skip("no figure on this page")
    page.page.emulate_media(media="print")
    for box in page.page.locator(".book-figure").all():
        assert box.locator(".book-figure-still").is_visible()
        assert not box.locator(".book-figure-plot").is_visible()
    assert page.troubles == []


def test_a_scene_turns_with_the_arrow_keys_and_its_bar_follows_the_zoom(html, visit):
    page = visit((html / "notebooks" / "10_models_and_order.html").as_uri())
    figure = next(figure for figure in page.draw() if figure.locator(".gl-container canvas").count())
    state = """box => {
        const plot = box.querySelector(".book-figure-plot");
        return [plot._fullLayout.scene._scene.getCamera().eye.x, plot.layout.shapes[0].x1];
    }"""
    eye, bar = figure.evaluate(state)
    figure.focus()
    page.page.keyboard.press("ArrowLeft")
    page.page.keyboard.press("+")
    page.page.wait_for_timeout(1500)
    turned, longer = figure.evaluate(state)
    assert turned != eye
    assert longer > bar
    assert page.troubles == []


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


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_pages_work_from_a_server_too(html, visit):
    drawn = [page for page in (html / "notebooks").glob("*.html") if "book-figure-plot" in page.read_text("utf-8")]
    if not drawn:
        pytest.skip("no notebook has a figure yet")
    small = min(drawn, key=lambda page: page.read_text("utf-8").count("book-figure-plot"))
    handler = functools.partial(_QuietHandler, directory=str(html))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = visit(f"http://127.0.0.1:{server.server_port}/notebooks/{small.name}")
        assert [figure.get_attribute("data-state") for figure in page.draw()]
        assert page.troubles == []
        server.shutdown()


def test_all_figures_are_on_one_page_and_in_a_pdf(html, visit):
    made = [path.read_text("utf-8") for path in sorted((html / "notebooks").glob("*.html"))]
    names = [name for text in made for name in re.findall(r'<figure[^>]* id="(fig-[\w-]+)"', text)]
    sheet = (html / "figures.html").read_text(encoding="utf-8")
    assert re.findall(r'<figure id="(fig-[\w-]+)"', sheet) == names
    assert len(re.findall(r'<span class="caption-number">Figure \d+\.\d+ ', sheet)) == len(names)
    assert (html / "figures.pdf").read_bytes().startswith(b"%PDF-")
    assert str(html).encode() not in (html / "figures.pdf").read_bytes(), "the PDF names a folder of this computer"
    page = visit((html / "figures.html").as_uri(), PHONE)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"] + 1
    assert page.troubles == []


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
