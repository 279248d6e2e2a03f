"""Values of parameters, typed in a command line or written in a file, and what of them no notebook can use."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml


def check_plain(name: str, key: str, value: Any) -> None:
    """Refuse what a file of parameters can hold and no notebook can use: dates, sets, NaN, infinity."""
    if isinstance(value, list | tuple | dict):
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            check_plain(name, key, part)
        return
    finite = not isinstance(value, float) or math.isfinite(value)
    if not (value is None or (isinstance(value, str | bool | int | float) and finite)):
        msg = f"parameter {key!r} of notebook {name} holds {value!r}; expected words, finite numbers, true or false"
        raise ValueError(msg)


class _Words(yaml.SafeLoader):
    """YAML as version 1.2 has it, for `read_value`: 1e-3 is a number, and no, on, 2024-01-31 and 1:30 are words."""


_Words.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|True|false|False", list("tTfF")),
    ("int", r"[-+]?\d+", list("-+0123456789")),
    ("float", r"[-+]?(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][-+]?\d+)?|[-+]?\.inf|\.nan", list("-+.0123456789")),
):
    _Words.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)
_Words.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def read_value(text: str) -> Any:
    """Return the value of a parameter that was typed in a command line.

    Raises
    ------
    yaml.YAMLError
        If the text is no YAML.

    Examples
    --------
    >>> from helpers.book.pages.values import read_value
    >>> read_value("[Ta, Pd1]"), read_value("1e-3"), read_value("[No, 010]"), read_value("true")
    (['Ta', 'Pd1'], 0.001, ['No', 10], True)
    """
    return yaml.load(text, _Words)
