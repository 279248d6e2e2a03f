"""Checks at the border: what passes comes back unchanged, and what does not is named."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.checks import check_elements, check_mask, check_members


def test_masks():
    mask = np.array([True, False, True])
    assert check_mask(mask, 3, name="atoms") is mask
    assert check_mask(mask, None, name="atoms") is mask
    assert check_mask(mask.reshape(3, 1), (3, 1), name="atoms").shape == (3, 1)
    assert check_mask(None, (2, 2), name="atoms").all()


@pytest.mark.parametrize(
    ("mask", "shape", "words"),
    [
        ([True], 2, r"atoms has shape \(1,\) and type bool; expected a mask \(2,\)"),
        ([1, 0], 2, r"type int64; expected a mask \(2,\)"),  # indices, perhaps
        ([[True]], None, r"expected a mask \(N,\)"),
        (None, None, r"expected a mask \(N,\)"),
    ],
)
def test_what_is_no_mask(mask, shape, words):
    with pytest.raises(ValueError, match=words):
        check_mask(mask, shape, name="atoms")


def test_members():
    rows = check_members(np.array([[0, 1], [2, 0]], np.uint8, order="F"), 3, 2, name="pairs")
    assert (rows.dtype, rows.flags.c_contiguous, rows.tolist()) == (np.int64, True, [[0, 1], [2, 0]])
    assert check_members([], 0, 4, name="rows").shape == (0, 4)
    with pytest.raises(ValueError, match="pairs refers to index -1; expected 0 to 2"):
        check_members([[0, -1]], 3, 2, name="pairs")
    with pytest.raises(ValueError, match="pairs refers to index 3; expected 0 to 2"):
        check_members([[0, 3]], 3, 2, name="pairs")
    with pytest.raises(ValueError, match=r"type float64; expected \(M, 2\) integers"):
        check_members([[0.0, 1.0]], 3, 2, name="pairs")


def test_elements():
    assert check_elements(("Ta", "Pd"), 2) == ["Ta", "Pd"]
    with pytest.raises(ValueError, match="element names 2 atoms but positions holds 3; give one for all or for each"):
        check_elements(["Ta", "Pd"], 3)
