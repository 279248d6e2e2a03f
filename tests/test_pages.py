"""The built pages in a headless browser: every figure is drawn, and nothing comes from another host.

By default the pages are built from the notebooks that ``test_notebooks`` has run. Set ``AET_BOOK`` to the
folder of other pages, for instance ``_build/html`` after ``make book``, to test those.
"""

from __future__ import annotations

import functools
import http.server
import re
import threading
import warnings
from io import BytesIO

import pytest
from executed import PAGES

from helpers.book.pages import stills

pytestmark = pytest.mark.pages

TRIES = 100  # looks at a figure, 0.3 s apart, before it is taken to have come to rest as it is
PHONE = {"width": 390, "height": 800}
DESK = {"width": 1280, "height": 900}


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
        running = driver.chromium.launch(
            executable_path=program, headless=True, args=stills.FLAGS, timeout=stills.PATIENCE
        )
        yield running
        running.close()


class Visit:
    """One page, with everything that went wrong while it was open."""

    def __init__(self, browser, address: str, size: dict[str, int]):
        self.troubles: list[str] = []
        self.allowed = address.split("//")[0] + "//" + address.split("//")[1].split("/")[0]
        self.page = browser.new_page(viewport=size)
        self.page.set_default_timeout(stills.PATIENCE)
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
            figure.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
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


def _is_blank(figure) -> bool:
    """Whether a figure that has come to rest shows nothing; white, frame and text alone have several greys."""
    from PIL import Image

    for _ in range(TRIES):
        image = Image.open(BytesIO(figure.screenshot())).convert("RGB")
        if len(image.getcolors(maxcolors=image.width * image.height)) > 8:
            return False
        figure.page.wait_for_timeout(300)
    return True


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
    for _ in range(TRIES):
        found = figure.evaluate(WORDS_IN_THE_WAY)
        if not found:
            break
        figure.page.wait_for_timeout(300)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_figure_is_drawn_and_captioned_and_on_paper_is_its_picture(name, html, visit):
    page = visit((html / f"{name}.html").as_uri())
    for figure in page.draw():
        assert figure.get_attribute("data-state") == "drawn"
        assert figure.locator("svg.main-svg").count() > 0
        assert not _is_blank(figure)
        caption = figure.locator("xpath=ancestor::figure[1]//figcaption")
        chapter = re.match(r"notebooks/(\d\d)", name)
        number = rf"Figure {int(chapter[1])}\.\d+" if chapter else r"\w"
        assert re.match(number, caption.inner_text()), "the figure has no caption numbered by chapter"
        assert _words_in_the_way(figure) == [], caption.inner_text()
        contexts = page.page.locator(".book-figure .gl-container > div").count()
        assert contexts <= 16, "more WebGL scenes are alive than browsers keep"
    assert page.page.locator(".system-message, .problematic").count() == 0
    page.page.emulate_media(media="print")
    for box in page.page.locator(".book-figure").all():
        assert box.locator(".book-figure-still").is_visible()
        assert not box.locator(".book-figure-plot").is_visible()
    assert page.troubles == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_phone_and_speaks_without_scripts(name, html, browser):
    with browser.new_context(viewport=PHONE, java_script_enabled=False) as context:
        page = context.new_page()
        page.set_default_timeout(stills.PATIENCE)
        page.goto((html / f"{name}.html").as_uri())
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
    changed = (
        f"([box, eye, bar]) => {{ const [turned, longer] = ({state})(box); return turned !== eye && longer > bar; }}"
    )
    page.page.wait_for_function(changed, arg=[figure.element_handle(), eye, bar])
    assert page.troubles == []


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
