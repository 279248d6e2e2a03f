"""The rule that fuzz tests hold calls to: it lets results and our own errors pass, and nothing else."""

from __future__ import annotations

import time

import numpy as np
import pytest
from fuzzing import BaseTimeout, answer, is_ours

from helpers.checks import check_positive
from helpers.geometry import rotation_matrices


def test_results_and_refusals_pass():
    assert answer(check_positive, "width", 2) == 2
    assert answer(check_positive, "width", -2) is None
    assert answer(rotation_matrices, [[1.0, 2.0, np.nan]]) is None


def double(values):
    values *= 2
    return values


def divide(a, b):
    return a / b


def short():
    msg = "no"
    raise ValueError(msg)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: answer(divide, 1, 0), "ZeroDivisionError"),
        (lambda: answer(divide, np.ones(2), 0), "RuntimeWarning"),
        (lambda: answer(divide, "a", 2), "TypeError"),
        (lambda: answer(short), "no error of ours"),
        (lambda: answer(double, np.ones(3)), "changed what it was given"),
        (lambda: answer(divide, np.nan, 1), "returned NaN"),
        (lambda: answer(lambda: {"a": (1.0, np.array([np.inf]))}), "NaN or infinity in .a.1"),
    ],
)
def test_everything_else_fails(call, words):
    with pytest.raises(AssertionError, match=words):
        call()


def test_promised_nan_passes():
    assert np.isnan(answer(divide, np.nan, 1, nan=True))
    assert answer(lambda: {"order": np.nan, "b": 1.0}, nan=["order"])["b"] == 1
    with pytest.raises(AssertionError, match=r"infinity in \.order"):
        answer(lambda: {"order": np.nan}, nan=["b"])


def test_a_call_that_hangs_fails():
    with pytest.raises(BaseTimeout, match="took longer than 0.1 s"):
        answer(time.sleep, 1, seconds=0.1)


def test_whose_error_it_is():
    with pytest.raises(ValueError, match="expected") as ours:
        check_positive("width", -1)
    assert is_ours(ours.value)
    with pytest.raises(ValueError, match="reshape") as theirs:
        np.ones(3).reshape(2)
    assert not is_ours(theirs.value)
