"""The form of ``samples.toml``: what each key may hold, and one sentence for each way to get it wrong."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ._descriptions import ROLES
from .readers.tilt_series import PIXEL_SIZES

_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
_FORBIDDEN = re.compile(r"[<>`\\\x00-\x1f\x7f]")  # what a page, a shell or a terminal could take for a command


def _plain(text: str) -> str:
    if _FORBIDDEN.search(text) or not text.strip():
        raise ValueError
    return text


def _symbol(name: str) -> str:
    from ase.data import atomic_numbers

    if name not in atomic_numbers or name == "X":
        near = f"; did you mean {name.capitalize()!r}?" if name.capitalize() in atomic_numbers else ""
        msg = f"{name!r} is no chemical symbol{near}"
        raise ValueError(msg)
    return name


Text = Annotated[str, AfterValidator(_plain)]
Symbol = Annotated[str, AfterValidator(_symbol)]
Option = bool | int | float | str | list[bool | int | float | str]


class FileEntry(BaseModel):
    """Where the file of one role is, and how it is read."""

    model_config = ConfigDict(extra="forbid", strict=True)

    path: Text | None = Field(None, description="a path in data/registry.csv")
    file: Text | None = Field(None, description="a file beside the samples file, with / between folders")
    make: Text | None = Field(None, description="one of the makers that data/samples.toml names")
    options: dict[str, Option] = Field({}, description="options of make: numbers, words, or lists of them")
    array: Text | None = Field(None, description="the name of a variable in the file")
    style: Literal["atomic", "charge", "molecular", "bond", "angle", "full"] | None = Field(
        None, description="the atom style of a LAMMPS data file: atomic, charge, molecular or full"
    )
    ndim: int | None = Field(None, ge=1, le=4, description="the rank of the array, 1 to 4")
    columns: list[Annotated[int, Field(ge=0)]] | None = Field(
        None, min_length=3, max_length=3, description="three columns, counted from 0"
    )
    centre: list[float] | None = Field(None, min_length=3, max_length=3, description="three coordinates of a voxel")
    oversampling: int | None = Field(None, ge=1, le=100, description="a whole number from 1")
    range: list[int] | None = Field(None, min_length=2, max_length=2, description="the first and the last number")
    snapshot: Text | None = Field(None, description='a temperature, or "{temperature}"')


class Description(BaseModel):
    """What is known about a sample."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Text | None = Field(None, description="text without < > ` \\")
    short: Text | list[Text | list[float | Text]] | None = Field(None, description="text without < > ` \\")
    simulated: bool = Field(False, description="true or false")
    elements: list[Symbol] = Field([], max_length=20, description='a list of chemical symbols, such as ["Cu", "Zr"]')
    kind: Literal["particle", "film", "bulk", "projections"] = Field(
        description='"particle", "film", "bulk" (periodic) or "projections"'
    )
    pixel_size: float | None = Field(
        None, ge=PIXEL_SIZES[0], le=PIXEL_SIZES[1], description="a number from 0.05 to 100 [Å]", allow_inf_nan=False
    )
    tilts: int | None = Field(None, ge=2, le=100_000, description="a whole number of images from 2")
    first_valley: float | None = Field(None, gt=0.5, lt=20, description="a distance from 0.5 to 20 [Å]")
    temperature: float | None = Field(None, ge=0, le=1e5, description="a temperature in K")
    temperatures: list[Annotated[int, Field(ge=0, le=100_000)]] | None = Field(
        None, min_length=1, description="a list of temperatures in K"
    )
    citation: str | None = Field(None, pattern=r"^[A-Za-z0-9_:.-]{1,80}$", description="a key of book/references.bib")
    colour: str | None = Field(None, pattern="^#[0-9a-fA-F]{6}$", description="a hexadecimal colour, such as '#D55E00'")
    dash: Literal["solid", "dot", "dash", "longdash", "dashdot", "longdashdot"] | None = Field(
        None, description="a pattern of plotly: solid, dot, dash, longdash, dashdot or longdashdot"
    )
    files: dict[str, FileEntry] = Field({}, description='roles with a file each, such as files.model = "model.xyz"')


def check_tables(tables: dict[str, Any], path: Path, makers: frozenset[str] | None) -> dict[str, dict[str, Any]]:
    """Return every section of a samples file with its fields checked and its files spelt out.

    Parameters
    ----------
    tables : dict
        What the TOML file holds.
    path : path
        The file, for the messages.
    makers : frozenset of str or None
        What `make` may name; None for anything.

    Raises
    ------
    ValueError
        If something is wrong; the message names file, section and key.
    """
    return {name: _check_section(name, table, path, makers) for name, table in tables.items()}


def _check_section(name: str, table: Any, path: Path, makers: frozenset[str] | None) -> dict[str, Any]:
    if isinstance(table, list) and all(isinstance(each, dict) for each in table):
        msg = f"{path.name}: the section {name[:80]!r} has two brackets; write [{name[:80]}], and one for each sample"
        raise ValueError(msg)
    if not isinstance(table, dict) or name in Description.model_fields:
        msg = f"{path.name}: the key {name!r} stands outside a section; put it below a line such as [my_sample]"
        raise ValueError(msg)
    where = f"{path.name}, section [{name[:80]}]"
    if not re.fullmatch(_NAME, name):
        msg = f"{where}: a sample's name is one word of letters, digits, _ and -, for results are stored under it"
        raise ValueError(msg)
    table = dict(table)
    if isinstance(table.get("files"), dict):
        table["files"] = {role: {"file": e} if isinstance(e, str) else e for role, e in table["files"].items()}
    try:
        checked = Description.model_validate(table)
    except ValidationError as error:
        raise ValueError(_sentence(error, table, where)) from None
    for role, entry in checked.files.items():
        if not re.fullmatch(r"\w{1,40}", role, re.ASCII):
            msg = f"{where}, key files: the role {role[:40]!r} is no plain word; expected such as model or tilt_series"
            raise ValueError(msg)
        if sum(key is not None for key in (entry.path, entry.file, entry.make)) != 1:
            msg = f"{where}, key files.{role}: needs one of path, file or make"
            raise ValueError(msg)
        if makers is not None and entry.make is not None and entry.make not in makers:
            msg = f"{where}, key files.{role}.make: got {entry.make[:60]!r}; expected {' or '.join(sorted(makers))}"
            raise ValueError(msg)
    fields = checked.model_dump(exclude_unset=True)
    files = {role: entry.model_dump(exclude_unset=True) for role, entry in checked.files.items()}
    return {**fields, "files": files}


def _sentence(error: ValidationError, table: dict[str, Any], where: str) -> str:
    """Say the first thing that is wrong: where it stands, what came, and what was expected."""
    found = error.errors(include_url=False)  # an unknown key first: what is missing may stand there misspelt
    first = min(found, key=lambda each: each["type"] != "extra_forbidden")
    keys = [str(part) for part in first["loc"] if isinstance(part, str)]
    inside = keys[0] == "files" and len(keys) > 1
    model: type[BaseModel] = FileEntry if inside and len(keys) > 2 else Description
    key = keys[2] if inside and len(keys) > 2 else keys[0]
    dotted = ".".join(keys[:3] if inside else keys[:1])
    if first["type"] == "missing":
        return f"{where}: the key {key!r} is missing; expected {model.model_fields[key].description}"
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, [*model.model_fields, *([] if inside else ROLES)], n=1)
        near = [f"files.{each}" if each in ROLES and not inside else each for each in near]
        hint = f"; did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(model.model_fields)}"
        return f"{where}: unknown key {dotted!r}{hint}"
    value: Any = table
    for part in keys[:3] if inside else keys[:1]:
        value = value.get(part) if isinstance(value, dict) else value
    whole = inside and len(keys) == 2
    expected = "a file name, or a table with one" if whole else model.model_fields[key].description
    symbol = re.search(r"'[^']*' is no chemical symbol(; did you mean '\w+'\?)?", first["msg"])
    reason = f" ({symbol.group()})" if symbol else ""
    return f"{where}, key {dotted}: got {str(value)[:60]!r}{reason}; expected {expected}"
