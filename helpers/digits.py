"""How numbers are written on a page: value and error in matching digits, a real minus sign, never a NaN."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal
from numbers import Integral
from typing import Any

MINUS = "\u2212"
#: What stands where there is no number.
MISSING = "–"
_OF_ONE = {"are": "is", "have": "has"}
_CONTEXT = Context(prec=1000)
_UNITS = {"deg": "°", "°": "°", "": "", "1": ""}


def counted(count: int, noun: str, verb: str = "") -> str:
    """Write how many there are of something whose plural ends in s, and what they do.

    Parameters
    ----------
    count : int
        How many.
    noun : str
        In the singular; of a "pair of atoms" the first word is put into the plural.
    verb : str
        What they do, in the plural: "lie", "are".

    Examples
    --------
    >>> from helpers.digits import counted
    >>> counted(1, "atom"), counted(1502, "atom"), counted(0, "image")
    ('1 atom', '1,502 atoms', '0 images')
    >>> counted(1, "pair of atoms", "lie"), counted(2, "pair of atoms", "are")
    ('1 pair of atoms lies', '2 pairs of atoms are')
    """
    one = int(count) == 1
    head, of, rest = noun.partition(" of ")
    words = f"{count:,} {head}{'' if one else 's'}{of}{rest}"
    if not verb:
        return words
    return f"{words} {_OF_ONE.get(verb, verb + 's') if one else verb}"


def write(
    value: Any,
    error: float | None = None,
    *,
    unit: str = "",
    places: int | None = None,
    significant: int = 4,
    sign: bool = False,
) -> str:
    """Write a number for a reader.

    Parameters
    ----------
    value : float, int, bool or None
        The number; a truth value becomes "yes" or "no". None and what is not finite become an en dash.
    error : float, optional
        Standard uncertainty in the same unit. It is written with two digits, the value to the same place; None and
        what is not finite or not above zero is left out.
    unit : str
        Written after the number, ``"deg"`` as °.
    places : int, optional
        Decimal places, where those are given by what the number is compared with; an error then decides nothing.
    significant : int
        Digits of a number without error and places. Digits before the point are all kept.
    sign : bool
        Whether a plus sign is written too.

    Returns
    -------
    str
        With a real minus sign, groups of three digits separated by commas, and no exponent.

    Examples
    --------
    >>> from helpers import digits
    >>> digits.write(26107, 5500)
    '26,100 ± 5,500'
    >>> digits.write(10.0, unit="deg", places=1)
    '10.0°'
    >>> digits.write(-0.0004, places=1)
    '0.0'
    """
    if value is None or (not isinstance(value, bool | str) and not math.isfinite(value)):
        return MISSING
    if isinstance(value, str):
        return value
    if type(value).__name__ in ("bool", "bool_"):
        return "yes" if value else "no"
    known = error if error is not None and math.isfinite(error) and error > 0 else None
    after = _UNITS.get(unit, f"\u00a0{unit}")
    if places is not None:
        text = _fixed(value, places, sign)
        return text + (f" ± {_fixed(known, places, False)}" if known else "") + after
    if known:
        least = _place_of(known, 2)
        return f"{_fixed(value, -least, sign)} ± {_fixed(known, -least, False)}{after}"
    if isinstance(value, Integral) or value == int(value):  # counts often come as floats
        return _fixed(value, 0, sign) + after
    return _fixed(value, max(-_place_of(value, significant), 0), sign) + after


def places_of(half_width: float) -> int:
    """Decimal places of a number that is printed to twice this half width.

    Examples
    --------
    >>> from helpers import digits
    >>> digits.places_of(0.05), digits.places_of(0.5)
    (1, 0)
    """
    return max(-math.floor(math.log10(2 * half_width) + 1e-9), 0)


def _place_of(value: float, significant: int) -> int:
    """Power of ten of the last of so many digits of a number, after rounding to them."""
    exponent = math.floor(math.log10(abs(value)))
    place = exponent - significant + 1
    rounded = _round(value, -place)
    return place + 1 if rounded and rounded.adjusted() > exponent else place


def _round(value: float, places: int) -> Decimal:
    """Round half up as a reader would: from the digits that the number prints with."""
    return Decimal(str(value.item() if hasattr(value, "item") else value)).quantize(
        Decimal(1).scaleb(-int(places)), rounding=ROUND_HALF_UP, context=_CONTEXT
    )


def _fixed(value: float, places: int, sign: bool) -> str:
    rounded = _round(value, places)
    text = f"{abs(rounded):,.{max(places, 0)}f}"
    if not rounded:
        return text
    return (MINUS if rounded < 0 else "+" if sign else "") + text
