"""Numbers as readers see them: property-tested, because every table, hover and colour bar goes through one function."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import digits

NUMBERS = st.floats(-1e12, 1e12, allow_nan=False) | st.integers(-(10**12), 10**12)
ERRORS = st.floats(1e-6, 1e9)
FORM = re.compile(r"[−+]?\d{1,3}(,\d{3})*(\.\d+)?")


def number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        ((26107.0, 5500), {}, "26,100 ± 5,500"),
        ((2880, 190.0), {}, "2,880 ± 190"),
        ((2.176, 0.9), {}, "2.18 ± 0.90"),
        ((20.15, 4.7), {"unit": "%"}, "20.2 ± 4.7\u00a0%"),
        ((10.0,), {"unit": "deg", "places": 1}, "10.0°"),
        ((-1.182,), {}, "−1.182"),
        ((-0.0004,), {"places": 1}, "0.0"),
        ((-0.0,), {}, "0"),
        ((1797.0,), {"places": 0}, "1,797"),
        ((1797,), {}, "1,797"),
        ((5, 0.3), {}, "5.00 ± 0.30"),
        ((0.0995,), {"significant": 2}, "0.10"),
        ((99.96, 0.0996), {}, "99.96 ± 0.10"),
        ((26107, 5500), {"places": 0}, "26,107 ± 5,500"),
        ((float("nan"),), {}, "–"),
        ((None,), {}, "–"),
        ((3.14, float("nan")), {"significant": 3}, "3.14"),
        ((np.bool_(True),), {}, "yes"),
        ((np.float32(1.25), 0.0), {"sign": True, "places": 2}, "+1.25"),
        ((np.int64(-12345),), {}, "−12,345"),
        (("Ta film",), {}, "Ta film"),
    ],
)
def test_examples(arguments, options, text):
    assert digits.write(*arguments, **options) == text


@given(NUMBERS, ERRORS | st.none(), st.integers(0, 6) | st.none(), st.integers(1, 8), st.booleans())
def test_every_number_is_readable(value, error, places, significant, sign):
    text = digits.write(value, error, places=places, significant=significant, sign=sign)
    parts = text.split(" ± ")
    assert all(FORM.fullmatch(part) for part in parts)
    assert not re.search(r"-|e\+|nan|inf", text)
    assert not re.fullmatch(r"[−+]0*\.?0*", parts[0])  # no −0
    assert len(parts) == 1 + (error is not None)


@given(NUMBERS, ERRORS)
def test_value_and_error_end_at_the_same_place_and_the_error_has_two_digits(value, error):
    left, right = digits.write(value, error).split(" ± ")
    assert len(left.partition(".")[2]) == len(right.partition(".")[2])
    assert len(right.replace(",", "").replace(".", "").strip("0")) <= 2
    assert abs(number(right) - error) <= 0.051 * error  # half a unit of the second digit
    assert abs(number(left) - value) <= 0.051 * error + 1e-9 * abs(value) + 1e-12


@given(st.floats(-1e9, 1e9, allow_nan=False).filter(lambda x: abs(x) > 1e-9), st.integers(1, 8))
def test_a_lone_number_keeps_its_digits(value, significant):
    found = number(digits.write(value, significant=significant))
    assert math.isclose(found, value, rel_tol=0.5001 * 10.0 ** (1 - significant), abs_tol=0.0)


@given(st.integers(-(10**15), 10**15))
def test_integers_stay_integers(value):
    assert number(digits.write(value)) == value
    assert "." not in digits.write(value)


@pytest.mark.parametrize(("half", "places"), [(0.5, 0), (0.05, 1), (0.005, 2), (5.0, 0)])
def test_places_follow_from_the_half_width(half, places):
    assert digits.places_of(half) == places
