"""What ``samples.toml``, or a user's own file in its form, says of each sample: read and checked."""

from __future__ import annotations

import copy
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from .readers.text import read_text, split_lines

#: What the files of a sample of one's own may be for.
ROLES = ("model", "tilt_series", "angles", "truth", "located", "model_unrefined", "misaligned", "noisy", "volume")

# What is often wrong with a line that is no TOML.
_HINTS = {
    r"^\[(?![\w-]+\])": "a name is one word of letters, digits, _ and -",
    "[“”„‘’«»]": "quotes are straight",
    r"\\": "write / between folders",
    r"=\s*[+-]?\d+,\d": "decimals need a point, not a comma",
    r"=\s*[+-]?\d[\d.]*\s*[^\s\d.,#-]": "a number stands without its unit",
    r"^\w+\s*:": "write key = value",
    r"=\s*[A-Za-z/~]": "text stands in quotes",
}

#: Fields of a description, and what a sample has that states none; None stands for unknown.
DEFAULTS: dict[str, Any] = {
    "title": None,
    "short": None,
    "simulated": False,
    "elements": (),
    "kind": None,
    "pixel_size": None,
    "tilts": None,
    "first_valley": None,
    "temperature": None,
    "citation": None,
    "colour": None,
    "dash": None,
    "files": {},
}


def read_descriptions(path: Path, makers: frozenset[str] | None = None) -> dict[str, dict[str, Any]]:
    """Return the checked fields of every sample in a file, by its name.

    A table with ``temperatures`` describes one sample for each of them, and if it has files that do not depend on the
    temperature, another one with these, under its own name.

    Parameters
    ----------
    path : path
        The TOML file.
    makers : frozenset of str, optional
        What ``make`` of a file may name; default: anything, for the project's own file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not TOML, or a description is wrong; the message names file, section and key.
    """
    if not path.is_file():
        msg = f"no samples file {path}; correct the path or AET_SAMPLES"
        raise FileNotFoundError(msg)
    path = path.resolve()
    found: dict[str, dict[str, Any]] = {}
    for name, fields in copy.deepcopy(_parse(path, read_text(path), makers)).items():
        if "temperatures" not in fields:
            found[name] = _complete(name, fields)
            continue
        if whole := _whole(fields):
            found[name] = _complete(name, whole)
        for temperature in fields["temperatures"]:
            one = f"{name}{temperature}"
            found[one] = _complete(one, _at(fields, name, temperature))
    return found


@lru_cache(maxsize=16)
def _parse(path: Path, text: str, makers: frozenset[str] | None) -> dict[str, dict[str, Any]]:
    from ._sample_schema import check_tables  # here, for it brings pydantic

    try:
        tables = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        msg = f"{path} is not valid TOML ({error}{_line_of(text, str(error))}); correct it there"
        raise ValueError(msg) from error
    return check_tables(tables, path, makers)


def _line_of(text: str, words: str) -> str:
    """Quote the line that a message names, and say what it may be that is wrong there."""
    place = re.search(r"at line (\d+)", words)
    lines = split_lines(text)
    line = lines[int(place[1]) - 1].strip() if place and int(place[1]) <= len(lines) else ""
    if not line:
        return ""
    hint = next((hint for pattern, hint in _HINTS.items() if re.search(pattern, line, re.ASCII)), "")
    return f", which reads {line[:60]!r}{': ' if hint else ''}{hint}"


def _whole(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a simulation as a whole; none if all its files are those of one temperature."""
    files = {role: e for role, e in fields["files"].items() if "{temperature}" not in str(e)}
    left = {key: value for key, value in fields.items() if key != "temperatures"}
    short = fields.get("short")
    names = [short] if isinstance(short, str) else [each for each in short or [] if isinstance(each, str)]
    plain = next((name for name in names if "{" not in name), fields.get("title"))
    return {**left, "short": plain, "files": files} if files else {}


def _at(fields: dict[str, Any], name: str, temperature: float) -> dict[str, Any]:
    """Fields of the snapshot of one temperature."""
    files = {role: {k: _fill(v, temperature) for k, v in e.items()} for role, e in fields["files"].items()}
    return {
        **{key: value for key, value in fields.items() if key != "temperatures"},
        "title": f"{fields.get('title', name)}: {temperature} K",
        "short": _short(fields.get("short", f"{name} ({{temperature}} K)"), temperature),
        "files": files,
        "temperature": temperature,
    }


def _fill(value: Any, temperature: float) -> Any:
    """Text with the temperature at its two places; a user's text is never a format of its own."""
    if not isinstance(value, str):
        return value
    return value.replace("{temperature}", str(temperature)).replace("{temperature:,}", f"{temperature:,}")


def _short(names: str | list[Any], temperature: float) -> str:
    """Display name at a temperature: of ``[from this temperature on, name]`` the one that fits."""
    pairs = [[0, names]] if isinstance(names, str) else [pair for pair in names if not isinstance(pair, str)]
    ranked: list[list[Any]] = sorted(pairs, reverse=True)
    return str(_fill(next(name for limit, name in ranked if temperature >= limit), temperature))


def _complete(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    full = {**DEFAULTS, **fields, "elements": tuple(fields.get("elements", ()))}
    full["title"] = full["title"] or name
    full["short"] = full["short"] if isinstance(full["short"], str) else full["title"] if full["short"] else name
    return full
