"""Checks at the border: what passes comes back unchanged, and what does not is named."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from helpers.checks import (
    check_box,
    check_choice,
    check_count,
    check_elements,
    check_mask,
    check_members,
    check_number,
    check_numbers,
    check_positions,
    check_positive,
)

SOME = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    "given",
    [
        SOME,
        SOME.tolist(),
        SOME.astype(np.float32),
        SOME.astype(np.uint8),
        SOME.astype(object),
        np.asfortranarray(SOME),
        np.repeat(SOME, 2, axis=0)[::2],
        np.ma.array(SOME),
        np.ma.array(SOME, mask=np.zeros(SOME.shape, bool)),
        SOME.astype(">f8"),
    ],
)
def test_numbers_of_every_kind_and_layout(given):
    array = check_numbers(given, name="frames")
    assert (array.dtype, array.flags.c_contiguous) == (np.float64, True)
    np.testing.assert_array_equal(array, SOME)


def test_numbers_that_fit_are_not_copied():
    assert check_numbers(SOME, name="frames") is SOME
    large = np.asfortranarray(SOME.astype(np.float32))
    assert check_numbers(large, name="volume", dtype=None) is large


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.ma.masked_greater(SOME, 9), "frames is masked in 2 places; expected real numbers: fill or leave out"),
        ([np.ma.masked_equal([1.0, 2.0], 2), [3.0, 4.0]], "frames is masked in 1 place;"),
        (SOME + 0j, "frames holds complex numbers; expected real numbers"),
        ([1.0, 2j, 10**30], "frames holds complex numbers"),
        (np.array([1.0, np.complex64(2j)], object), "frames holds complex numbers"),
        (["1", "2"], "frames holds values of type <U1; expected real numbers"),
        ([[1.0], [2.0, 3.0]], "frames is no array of numbers"),
        ([None, "a"], "frames is no array of numbers"),
        ([10**400], "frames is no array of numbers"),
        ([None, 1.0], "frames holds 1 value that is NaN or infinite"),
        ([[0.0, np.nan], [np.inf, 0.0]], r"holds 2 values that are NaN or infinite, the first at \(0, 1\)"),
        (np.nan, "frames holds 1 value that is NaN or infinite; expected"),
        (np.array(["2020-01-01"], "M8[D]"), "frames holds values of type datetime64"),
        (bulk("Ta"), r"frames is an ASE model; expected real numbers: pass its .positions"),
    ],
)
def test_what_are_no_numbers(given, words):
    with pytest.raises(ValueError, match=words):
        check_numbers(given, name="frames")


def test_numbers_too_large_for_their_type_are_named():
    with pytest.raises(ValueError, match="1 value that is NaN or infinite"):
        check_numbers([1e300], name="frames", dtype=np.float32)


def test_positions_in_other_units_are_refused():
    with pytest.raises(ValueError, match="positions reaches to 1e\\+10 Å; expected at most 1e\\+09 Å: are these ång"):
        check_positions([[0, 0, 1e10]])


@pytest.mark.parametrize("value", ["3", None, 1 + 0j, np.complex128(1), [3.0], np.ones(1), np.nan, np.inf, 10**400])
def test_one_number_is_one_real_finite_number(value):
    for check in (check_positive, check_number, check_count):
        with pytest.raises(ValueError, match="width=.*expected"):
            check("width", value)
    assert check_positive("width", np.float32(2)) == check_positive("width", np.array(2)) == 2.0
    assert check_count("width", 2.0) == 2


def test_a_number_within_limits():
    assert check_number("share", 0, low=0, high=1) == 0
    with pytest.raises(ValueError, match="share=1.5; expected one finite number from 0 to 1"):
        check_number("share", 1.5, low=0, high=1)
    with pytest.raises(ValueError, match="share=-1; expected one finite number of at least 0"):
        check_number("share", -1, low=0)


def test_a_box_names_the_length_that_exceeds_it():
    with pytest.raises(ValueError, match=r"r_max=20 Å exceeds half the box \(5 Å\)"):
        check_box(10.0, cutoff=20.0, name="r_max")
    with pytest.raises(ValueError, match="expected one or three positive lengths"):
        check_box(1e10)
    with pytest.raises(ValueError, match="box is masked in 1 place"):
        check_box(np.ma.masked_equal([1.0, 2.0, 3.0], 2))


def test_a_choice_is_a_word():
    assert check_choice("kind", "a", ("a", "b")) == "a"
    for value in ("c", None, np.ones(2)):
        with pytest.raises(ValueError, match="expected one of 'a', 'b'"):
            check_choice("kind", value, ("a", "b"))


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
        (np.ma.masked_equal([True, False], False), 2, "atoms is masked in 1 place;"),
        ([[True], [True, False]], None, "atoms is no array; its rows differ"),
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
    with pytest.raises(ValueError, match="pairs is masked in 1 place;"):
        check_members(np.ma.masked_equal([[0, 1]], 1), 3, 2, name="pairs")


def test_elements():
    assert check_elements(("Ta", "Pd"), 2) == ["Ta", "Pd"]
    with pytest.raises(ValueError, match="element names 2 atoms but positions holds 3; give one for all or for each"):
        check_elements(["Ta", "Pd"], 3)


@pytest.mark.parametrize(
    ("check", "array"),
    [
        (check_positions, np.arange(9.0).reshape(3, 3)),
        (lambda rows: check_members(rows, 9, 3, name="rows"), np.arange(9, dtype=np.int64).reshape(3, 3)),
        (lambda mask: check_mask(mask, 9, name="mask"), np.arange(9) > 3),
    ],
)
def test_read_only_arrays_become_what_kernels_are_compiled_for(check, array):
    given = array.copy()
    given.flags.writeable = False
    found = check(given)
    assert found.flags.writeable and found.flags.c_contiguous
    np.testing.assert_array_equal(found, array)
