"""The address of the repository stands in one place, and buttons are shown only where it leads somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers.book.pages import address

ROOT = Path(__file__).parents[3]
OPTIONS = {"repository_url": "https://github.com/OWNER/book", "launch_buttons": {"binderhub_url": "x"}, "logo": {}}


def test_the_placeholder_gives_no_buttons():
    found = address.repository(OPTIONS["repository_url"], {})
    assert address.theme_options(OPTIONS, found) == {
        "logo": {},
        "use_repository_button": False,
        "use_issues_button": False,
    }
    assert address.pages_of(found) == ""


def test_a_build_service_names_its_repository():
    found = address.repository(OPTIONS["repository_url"], {"GITHUB_REPOSITORY": "we/book"})
    options = address.theme_options(OPTIONS, found)
    assert options == {**OPTIONS, "repository_url": "https://github.com/we/book"}
    assert address.pages_of(found) == "https://we.github.io/book/"


@pytest.mark.parametrize(("owner", "said"), [("OWNER", False), ("we", True)])
def test_pages_speak_of_buttons_only_where_there_are_any(tmp_path, owner, said):
    """The passages of running.md for one case and the other, through Sphinx and the extension's own configuration."""
    words = (ROOT / "book" / "running.md").read_text(encoding="utf-8").split("```bash")[0]
    (tmp_path / "index.md").write_text(words, encoding="utf-8")
    (tmp_path / "conf.py").write_text(
        "from helpers.book.pages.extension import _configure\n"
        "extensions = ['myst_parser']\n"
        f"html_theme_options = {{'repository_url': 'https://github.com/{owner}/book'}}\n"
        "def setup(app):\n"
        "    app.connect('config-inited', _configure)\n",
        encoding="utf-8",
    )
    keep = {k: v for k, v in os.environ.items() if k != "GITHUB_REPOSITORY"} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "text", str(tmp_path), str(tmp_path / "out")]
    done = subprocess.run(command, env=keep, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = " ".join((tmp_path / "out" / "index.txt").read_text(encoding="utf-8").split())
    assert ("The rocket at the top" in page) == ("behind the mark at the top" in page) == said
    assert ("without the public address" in page) != said


@pytest.mark.parametrize(
    ("place", "picture"), [("", "_static/preview.png"), ("https://we.io/", "https://we.io/_static/preview.png")]
)
def test_the_first_page_and_the_one_before_it_name_the_picture(tmp_path, place, picture):
    head = '<title>Book</title><meta content="_static/preview.png" property="og:image"><meta name="other" content="x">'
    (tmp_path / "intro.html").write_text(head, encoding="utf-8")
    address.complete_previews(tmp_path, place)
    assert f'content="{picture}"' in (tmp_path / "intro.html").read_text(encoding="utf-8")
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert f'content="{picture}"' in index
    assert "other" not in index
    assert "url=intro.html" in index


def test_no_other_file_names_the_repository():
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    owner, name = config["repository"]["url"].removeprefix("https://github.com/").split("/")
    listed = subprocess.run(
        ["git", "grep", "-lF", f"{owner}/{name}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode > 1:
        pytest.skip("not a clone")
    assert [file for file in listed.stdout.split() if not file.startswith("tests/")] == ["_config.yml"]
