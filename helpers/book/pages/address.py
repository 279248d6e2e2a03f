"""Where the repository and its pages can be found: one address, ``repository: url`` of ``_config.yml``.

A build service names its own repository, which counts before it. While the address is the placeholder, pages show
no buttons that would lead nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: The owner in an address that nobody has filled in yet.
PLACEHOLDER = "OWNER"
_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
{meta}
<meta http-equiv="refresh" content="0; url=intro.html">
</head>
<body><p><a href="intro.html">{title}</a></p></body>
</html>
"""


def repository(written: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the address of the repository, or None where it is the placeholder.

    Parameters
    ----------
    written : str or None
        The address in ``_config.yml``.
    environment : mapping
        Variables in which a build service names its repository: ``GITHUB_REPOSITORY``, ``GITHUB_SERVER_URL``.

    Returns
    -------
    str or None

    Examples
    --------
    >>> from helpers.book.pages.address import repository
    >>> repository("https://github.com/OWNER/book", {})
    >>> repository("https://github.com/OWNER/book", {"GITHUB_REPOSITORY": "we/book"})
    'https://github.com/we/book'
    """
    named = environment.get("GITHUB_REPOSITORY")
    if named:
        return f"{environment.get('GITHUB_SERVER_URL', 'https://github.com')}/{named}"
    return None if not written or f"/{PLACEHOLDER}/" in written else written.rstrip("/")


def pages_of(repository: str | None) -> str:
    """Return where GitHub serves the pages of a repository; empty if it is not one of GitHub's.

    Examples
    --------
    >>> from helpers.book.pages.address import pages_of
    >>> pages_of("https://github.com/We/book")
    'https://we.github.io/book/'
    """
    found = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+)", repository or "")
    return f"https://{found[1].lower()}.github.io/{found[2]}/" if found else ""


def theme_options(options: Mapping[str, Any], repository: str | None) -> dict[str, Any]:
    """Return the theme's options with the repository's address, or without buttons where there is none."""
    changed = {key: value for key, value in options.items() if key not in ("repository_url", "launch_buttons")}
    if repository is None:
        return {**changed, "use_repository_button": False, "use_issues_button": False}
    return {**options, "repository_url": repository}


def complete_previews(pages: Path, address: str) -> None:
    """Write the page that leads to the first one with its words for shared links, and give pictures whole addresses.

    Parameters
    ----------
    pages : path
        Folder of the built pages.
    address : str
        Where they will be served; empty if that is not known, and then the addresses stay relative.
    """
    front = pages / "intro.html"
    if not front.is_file():
        return
    text = front.read_text(encoding="utf-8")
    meta = re.findall(r'<meta [^>]*(?:property="og:|name="description")[^>]*>', text)
    whole = [re.sub(r'content="(_static/[^"]*)"', rf'content="{address}\1"', line) for line in meta]
    for before, after in zip(meta, whole, strict=True):
        text = text.replace(before, after)
    front.write_text(text, encoding="utf-8")
    title = re.search(r'content="([^"]*)" property="og:title"', text)
    words = title[1] if title else "The book"
    (pages / "index.html").write_text(_INDEX.format(title=words, meta="\n".join(whole)), encoding="utf-8")
