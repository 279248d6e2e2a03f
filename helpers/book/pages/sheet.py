"""All figures of the book on one page, ``figures.html``, and as ``figures.pdf``, from the pictures of the build.

Where no browser could draw pictures there is neither, and the build says so.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import NamedTuple

from ...digits import counted
from . import stills

#: Where a page wants the links to both, it leaves this comment.
MARK = "<!--all-figures-->"
_FIGURE = re.compile(r'<figure\b[^>]*\bid="(?P<anchor>fig-[\w-]+)"[^>]*>(?P<body>.*?)</figure>', re.DOTALL)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="_static/logo.svg">
<style>
body {{ max-width: 760px; margin: 2rem auto; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #222;
  background: #fff; }}
h1, h2 {{ line-height: 1.25; }}
figure {{ margin: 0 0 2rem; break-inside: avoid; }}
h2 {{ break-after: avoid; }}
img {{ display: block; max-width: 100%; height: auto; }}
figcaption {{ font-size: 0.9rem; overflow-wrap: anywhere; }}
.caption-number {{ font-weight: 600; }}
.badge {{ white-space: nowrap; border: 1px solid #767676; border-radius: 3px; padding: 0 0.3em; font-size: 0.8em; }}
mjx-container {{ display: inline !important; }}
@page {{ size: A4; margin: 14mm; }}
@media print {{ body {{ margin: 0; max-width: none; font-size: 10pt; }} img {{ max-height: 225mm; margin: auto; }} }}
</style>
<script defer src="_static/mathjax/tex-svg.js"></script>
</head>
<body>
<h1>{title}</h1>
<p>{words} <a href="intro.html">To the book</a></p>
{figures}
</body>
</html>
"""


class Figure(NamedTuple):
    """A figure of a built page: its chapter, its page and place there, its picture, and its caption in HTML."""

    chapter: str
    page: str
    anchor: str
    picture: str
    caption: str


def figures_of(pages: Path) -> list[Figure]:
    """Return the figures with a picture, in the order of the chapters.

    Parameters
    ----------
    pages : path
        Folder of the built pages, pictures placed.

    Returns
    -------
    list of Figure
    """
    found = []
    for path in sorted((pages / "notebooks").glob("[0-9][0-9]_*.html")):
        text = path.read_text(encoding="utf-8")
        heading = re.search(r'<h1>([^<]*)<a class="headerlink"', text)
        chapter = heading[1].strip() if heading else path.stem
        for match in _FIGURE.finditer(text):
            image = re.search(r'<img class="book-figure-still"[^>]*>', match["body"])
            caption = re.search(r"<figcaption>(.*?)</figcaption>", match["body"], flags=re.DOTALL)
            if image and caption:
                place = f"notebooks/{path.name}"
                found.append(Figure(chapter, place, match["anchor"], _from_above(image[0]), _bare(caption[1])))
    return found


def write_sheet(pages: Path, words: str) -> list[str]:
    """Write ``figures.html`` and ``figures.pdf`` beside the pages and link them where a page asks for it.

    Parameters
    ----------
    pages : path
        Folder of the built pages, pictures placed.
    words : str
        What stands above the figures: samples, version, date.

    Returns
    -------
    list of str
        What is missing, a sentence each.
    """
    found = figures_of(pages)
    links, troubles = "", []
    if found:
        sheet = pages / "figures.html"
        sheet.write_text(_page_of(found, words), encoding="utf-8")
        number = f"{'All ' if len(found) > 1 else ''}{counted(len(found), 'figure')}"
        links = f'{number} of this copy: <a href="figures.html">on one page</a>'
        program = stills.browser()
        if program is None:
            troubles.append("no browser to print figures.pdf with")
        else:
            size = print_pdf(sheet, program).stat().st_size
            links += f', <a href="figures.pdf">as a PDF ({size / 1e6:.1f} MB)</a>'
        links = f'<p class="all-figures">{links}.</p>'
    else:
        troubles.append("no page of all figures, because no figure has a picture")
    for path in pages.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        if MARK in text:
            path.write_text(text.replace(MARK, links), encoding="utf-8")
    return troubles


def print_pdf(sheet: Path, program: str) -> Path:
    """Print a page with a headless browser, without its links, which would name folders of this computer."""
    from playwright.sync_api import sync_playwright

    target = sheet.with_suffix(".pdf")
    with sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=program, headless=True, args=stills.FLAGS, timeout=stills.PATIENCE
        )
        page = running.new_page()
        page.set_default_timeout(stills.PATIENCE)
        page.goto(sheet.resolve().as_uri())
        page.evaluate(
            """async () => {
              if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
              document.querySelectorAll("a[href]").forEach((link) => link.replaceWith(...link.childNodes));
              const images = Array.from(document.images);
              images.forEach((image) => { image.loading = "eager"; });
              await Promise.all(images.map((image) => image.decode().catch(() => null)));
            }"""
        )
        page.pdf(path=str(target), prefer_css_page_size=True, print_background=True)
        running.close()
    return target


def _page_of(found: list[Figure], words: str) -> str:
    lines, chapter = [], ""
    for figure in found:
        if figure.chapter != chapter:
            chapter = figure.chapter
            lines.append(f"<h2>{chapter}</h2>")
        link = rf'<a href="{figure.page}#{figure.anchor}">\1</a>'
        caption = re.sub(r'(<span class="caption-number">[^<]*</span>)', link, figure.caption, count=1)
        lines.append(f'<figure id="{figure.anchor}">{figure.picture}<figcaption>{caption}</figcaption></figure>')
    return _PAGE.format(title="All figures", words=escape(words), figures="\n".join(lines))


def _from_above(image: str) -> str:
    return image.replace('src="../', 'src="')


def _bare(caption: str) -> str:
    """Drop the links of a caption, which start from another folder, and the mark of its own."""
    caption = re.sub(r'<a class="headerlink".*?</a>', "", caption, flags=re.DOTALL)
    return re.sub(r"</?(?:a|p)\b[^>]*>", "", caption).strip()
