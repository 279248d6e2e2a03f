"""What ``samples.toml``, or a user's own file in its form, says of each sample: read and checked."""

from __future__ import annotations

import difflib
import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

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
_KINDS = ("particle", "film", "bulk", "projections")


def read_descriptions(path: Path) -> dict[str, dict[str, Any]]:
    """Return the checked fields of every sample in a file, by its name.

    A table with ``temperatures`` describes one sample for each of them, and if it has files that do not depend on the
    temperature, another one with these, under its own name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not TOML, or a description is wrong.
    """
    if not path.is_file():
        msg = f"no samples file {path}; correct the path or AET_SAMPLES"
        raise FileNotFoundError(msg)
    found: dict[str, dict[str, Any]] = {}
    for name, fields in _parse(path.resolve(), path.stat().st_mtime_ns).items():
        if "temperatures" not in fields:
            found[name] = _check(name, fields, path)
            continue
        if whole := _whole(fields):
            found[name] = _check(name, whole, path)
        for temperature in fields["temperatures"]:
            one = f"{name}{temperature}"
            found[one] = _check(one, _at(fields, name, temperature), path)
    return found


@lru_cache(maxsize=16)
def _parse(path: Path, modified: int) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not valid TOML ({error}); correct it there"
        raise ValueError(msg) from error


def _whole(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a simulation as a whole; none if all its files are those of one temperature."""
    files = {role: e for role, e in fields.get("files", {}).items() if "{temperature}" not in str(e)}
    left = {key: value for key, value in fields.items() if key != "temperatures"}
    short = fields.get("short")
    names = [short] if isinstance(short, str) else [each for each in short or [] if isinstance(each, str)]
    plain = next((name for name in names if "{" not in name), fields.get("title"))
    return {**left, "short": plain, "files": files} if files else {}


def _at(fields: dict[str, Any], name: str, temperature: float) -> dict[str, Any]:
    """Fields of the snapshot of one temperature."""
    files = {role: {k: _fill(v, temperature) for k, v in e.items()} for role, e in fields.get("files", {}).items()}
    return {
        **{key: value for key, value in fields.items() if key != "temperatures"},
        "title": f"{fields.get('title', name)}: {temperature} K",
        "short": _short(fields.get("short", f"{name} ({{temperature}} K)"), temperature),
        "files": files,
        "temperature": temperature,
    }


def _fill(value: Any, temperature: float) -> Any:
    return value.format(temperature=temperature) if isinstance(value, str) else value


def _short(names: str | list[Any], temperature: float) -> str:
    """Display name at a temperature: of ``[from this temperature on, name]`` the one that fits."""
    pairs = [[0, names]] if isinstance(names, str) else [pair for pair in names if not isinstance(pair, str)]
    ranked: list[list[Any]] = sorted(pairs, reverse=True)
    return str(next(name for limit, name in ranked if temperature >= limit)).format(temperature=temperature)


def _check(name: str, fields: dict[str, Any], path: Path) -> dict[str, Any]:
    where = f"sample {name!r} in {path.name}"
    unknown = set(fields) - set(DEFAULTS)
    if unknown:
        near = {u: difflib.get_close_matches(u, DEFAULTS, n=1) for u in unknown}
        hints = ", ".join(f"{u!r}" + (f" (did you mean {n[0]!r}?)" if n else "") for u, n in near.items())
        msg = f"{where} has unknown fields: {hints}"
        raise ValueError(msg)
    if fields.get("kind") not in _KINDS:
        msg = f"{where} has kind={fields.get('kind')!r}; expected one of {', '.join(_KINDS)}"
        raise ValueError(msg)
    colour = fields.get("colour")
    if colour is not None and not re.fullmatch("#[0-9a-fA-F]{6}", str(colour)):
        msg = f"{where} has colour={colour!r}; expected hexadecimal, such as '#D55E00'"
        raise ValueError(msg)
    files = {role: {"file": e} if isinstance(e, str) else e for role, e in fields.get("files", {}).items()}
    for role, entry in files.items():
        if len({"path", "file", "make"} & set(entry)) != 1:
            msg = f"{role} of {where} needs one of path, file or make"
            raise ValueError(msg)
        if "make" in entry and not re.fullmatch(r"helpers(\.\w+)+:[a-z]\w*", str(entry["make"])):
            msg = (
                f"{role} of {where} has make={entry['make']!r}; expected a public function of this package, "
                "'helpers.stage:function'"
            )
            raise ValueError(msg)
    checked = {**DEFAULTS, **fields, "files": files, "elements": tuple(fields.get("elements", ()))}
    checked["title"] = checked["title"] or name
    checked["short"] = checked["short"] or name
    return checked
