"""A picture of each figure, drawn by a headless browser while the pages are built.

Pictures stand where scripts, WebGL or a screen are missing: on paper, in a PDF, in previews. Plane figures become
SVG, scenes PNG. They are kept under ``_build/stills`` by the figure's name, which is the hash of its content.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from html import escape
from itertools import chain
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any
from urllib.parse import unquote_to_bytes

from ...digits import counted

#: Programs that can draw, in the order in which they are tried; AET_BROWSER names another.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
#: WebGL in software; the page itself is painted without it, which takes a quarter of the time.
FLAGS = [
    "--no-sandbox", "--disable-background-networking", "--use-angle=swiftshader-webgl", "--enable-unsafe-swiftshader",
    "--disable-gpu-rasterization",
]  # fmt: skip
WIDTH = 720  # px
PATIENCE = 300_000  # ms; WebGL runs in software, perhaps on a busy computer
_MARK = re.compile(r"<!--still (\w+)-->")
_DRAW = """
async ([name, width]) => {
  const figure = window.bookFigures[name];
  const height = figure.layout.height || 450;
  figure.layout.width = width;
  const flat = !figure.data.some((trace) => /3d$|^surface$|^volume$|^isosurface$/.test(trace.type || ""));
  const format = flat ? "svg" : "png";
  const still = { data: figure.data, layout: figure.layout, config: { staticPlot: true } };
  const image = await Plotly.toImage(still, { format, width, height, scale: flat ? 1 : 1.5 });
  delete window.bookFigures[name];
  return image;
}
"""


def browser() -> str | None:
    """Path of a Chromium or Chrome of this computer, or None."""
    return os.environ.get("AET_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)


def draw_stills(scripts: Sequence[Path], plotly: Path, folder: Path) -> list[str]:
    """Draw what has no picture yet.

    Parameters
    ----------
    scripts : sequence of path
        Figures as the pages load them, ``NAME.js``.
    plotly : path
        The script ``plotly.min.js``.
    folder : path
        Where pictures are kept, ``NAME.svg`` or ``NAME.png``.

    Returns
    -------
    list of str
        What went wrong, a sentence each; empty if every figure has a picture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [script for script in scripts if still_of(script.stem, folder) is None]
    if not wanted:
        return []
    program = browser()
    if program is None:
        return [
            f"no browser to draw {counted(len(wanted), 'picture of figures')}: install one of {', '.join(BROWSERS)}"
        ]
    try:
        from playwright.sync_api import Error
    except ImportError:
        return [f"playwright is missing, so {counted(len(wanted), 'figure', 'have')} no picture"]
    troubles = []
    with _page(program, plotly) as page:
        for script in wanted:
            try:
                _draw(page, script, folder)
            except Error as error:
                troubles.append(f"figure {script.stem} has no picture: {str(error).splitlines()[0]}")
    return troubles


class DrawnAhead:
    """Draws pictures in a thread while Sphinx reads and writes pages, since the browser is another process.

    What could not be drawn, for whatever reason, is left to `draw_stills`, which says why.

    Parameters
    ----------
    plotly, folder : path
        As for `draw_stills`.
    """

    def __init__(self, plotly: Path, folder: Path):
        self._scripts: SimpleQueue[Path | None] = SimpleQueue()
        self._thread = Thread(target=self._work, args=(plotly, folder), daemon=True)
        self._thread.start()

    def add(self, scripts: Iterable[Path]) -> None:
        """Draw these too; call it when the scripts are written."""
        for script in scripts:
            self._scripts.put(script)

    def finish(self) -> None:
        """Wait until all that was added is drawn."""
        self._scripts.put(None)
        self._thread.join()

    def _work(self, plotly: Path, folder: Path) -> None:
        program = browser()
        scripts = (script for script in iter(self._scripts.get, None) if still_of(script.stem, folder) is None)
        first = next(scripts, None)
        if program is None or first is None:
            return
        try:
            from playwright.sync_api import Error
        except ImportError:
            return
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(Error), _page(program, plotly) as page:
            for script in chain([first], scripts):
                with suppress(Error):
                    _draw(page, script, folder)


def _draw(page: Any, script: Path, folder: Path) -> None:
    """Draw one figure on an open page and keep its picture."""
    page.add_script_tag(path=str(script))
    kind, content = _decode(page.evaluate(_DRAW, [script.stem, WIDTH]))
    part = folder / f".{script.stem}.part"
    part.write_bytes(content)
    part.replace(folder / f"{script.stem}.{kind}")


def still_of(name: str, folder: Path) -> Path | None:
    """Return the picture of a figure, or None."""
    found = (folder / f"{name}.{kind}" for kind in ("svg", "png"))
    return next((path for path in found if path.is_file()), None)


def place_stills(pages: Path, folder: Path) -> int:
    """Put pictures into the built pages, where the renderer left a comment, and return how many.

    Parameters
    ----------
    pages : path
        Folder of the built pages.
    folder : path
        Pictures, as `draw_stills` leaves them; those that a page shows are copied into ``_static/figures``.
    """
    placed = 0
    target = pages / "_static" / "figures"
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(pages.rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        if "<!--still" not in text:
            continue
        up = "../" * (len(path.relative_to(pages).parts) - 1)

        def image(match: re.Match[str], up: str = up, text: str = text, page: str = path.name) -> str:
            nonlocal placed
            still = still_of(match[1], folder)
            if still is None:
                return ""
            placed += 1
            if page == "intro.html" and still.suffix == ".png":
                shutil.copy2(still, pages / "_static" / "preview.png")  # of links to the book
            shutil.copy2(still, target / still.name)
            words = re.search(
                r'min-height:(\d+)px"[^>]*aria-label="([^"]*)"><div class="book-figure-plot"></div>$',
                text[: match.start()][-4000:],
            )
            alt = words[2] if words else escape("figure")
            height = f'height="{words[1]}" ' if words else ""  # the place is kept before the picture is there
            return (
                f'<img class="book-figure-still" src="{up}_static/figures/{still.name}" width="{WIDTH}" {height}'
                f'alt="{alt}" loading="lazy">'
            )

        path.write_text(_MARK.sub(image, text), encoding="utf-8")
    return placed


def _decode(address: str) -> tuple[str, bytes]:
    """Kind and content of a data address."""
    head, _, body = address.partition(",")
    kind = "svg" if "svg" in head else "png"
    return kind, base64.b64decode(body) if head.endswith("base64") else unquote_to_bytes(body)


@contextmanager
def _page(program: str, plotly: Path) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, headless=True, args=FLAGS, timeout=PATIENCE)
        page = running.new_page(viewport={"width": WIDTH + 40, "height": 900})
        page.set_default_timeout(PATIENCE)
        page.add_script_tag(path=str(plotly))
        yield page
        running.close()
