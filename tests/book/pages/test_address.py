"""The address of the repository stands in one place, and buttons are shown only where it leads somewhere."""

from __future__ import annotations

import subprocess
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
