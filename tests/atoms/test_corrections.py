"""Corrections: written, read, replayed; what is refused; what is proposed; what a viewer shows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from helpers import Volume
from helpers.atoms import (
    Correction,
    CorrectionWarning,
    correct,
    propose_corrections,
    read_corrections,
    replay_corrections,
    view_atom,
    write_corrections,
)

ATOMS = np.stack(np.meshgrid(*[np.arange(7) * 3.0] * 3), axis=-1).reshape(-1, 3)
ADD = Correction("add", 1.5, 1.5, 1.5, "a gap, seen in all planes", "Ann", "2022-01-31")
ROW = {"action": "add", "x": 0, "y": 0, "z": 0, "reason": "r", "who": "w", "when": "2022-01-31"}
REMOVE = Correction("remove", 3.1, 0.0, -0.2, "no signal", "Bob", "2022-02-01")


def test_written_read_and_replayed(tmp_path):
    write_corrections(tmp_path / "new" / "corrections.csv", [ADD, REMOVE])
    assert read_corrections(tmp_path / "new" / "corrections.csv") == [ADD, REMOVE]
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["corrections.csv"]
    result = replay_corrections(ATOMS, tmp_path / "new" / "corrections.csv")
    gone = np.flatnonzero((ATOMS == [3, 0, 0]).all(axis=1))
    assert result.removed.tolist() == gone.tolist()
    np.testing.assert_array_equal(result.positions, np.vstack([np.delete(ATOMS, gone, axis=0), [1.5, 1.5, 1.5]]))
    np.testing.assert_array_equal(result.positions[:-1], ATOMS[result.kept])
    assert result.added == 1 and result.share == 2 / len(ATOMS)


def test_any_form_of_table_does_the_same():
    rows = [{k: getattr(r, k) for k in ("action", "x", "y", "z", "reason", "who", "when")} for r in (ADD, REMOVE)]
    first = correct(ATOMS, [ADD, REMOVE])
    for table in (rows, pd.DataFrame(rows), iter(rows)):
        np.testing.assert_array_equal(correct(ATOMS, table), first)
    np.testing.assert_array_equal(correct(ATOMS, []), ATOMS)


def test_an_atom_added_can_be_removed_again():
    back = Correction("remove", 1.5, 1.5, 1.4, "it was noise", "Ann", "2022-02-02")
    result = replay_corrections(ATOMS, [ADD, back])
    np.testing.assert_array_equal(result.positions, ATOMS)
    assert len(result.removed) == 0 and result.added == 0


def test_more_than_one_per_cent_warns():
    rows = [Correction("remove", *place, "test", "Ann", "2022-01-31") for place in ATOMS[:4]]
    with pytest.warns(CorrectionWarning, match=r"4 corrections on 343 atoms are 1.2 %, more than 1 %"):
        correct(ATOMS, rows)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (Correction("remove", 1.5, 1.5, 1.5, "r", "w", "2022-01-31"), "row 1 removes an atom .* 2.60 Å away, beyond"),
        (Correction("add", 3, 0.2, 0, "r", "w", "2022-01-31"), "row 1 adds an atom .* 0.20 Å away, within"),
        (ROW | {"action": "move"}, "row 1: action='move'; expected one of 'add', 'remove'"),
        (ROW | {"x": "one"}, "row 1: x='one'; expected a finite coordinate"),
        (ROW | {"reason": " "}, "row 1: reason is empty"),
        (ROW | {"when": "31.1.22"}, "row 1: when='31.1.22'; expected a date"),
        ({"action": "add", "x": 0}, "row 1 holds action, x; expected action, x, y, z, reason, who, when"),
        (7, "row 1 holds 7; expected action"),
    ],
)  # fmt: skip
def test_what_is_refused(row, words):
    with pytest.raises(ValueError, match=words):
        correct(ATOMS, [row])


def test_files_that_are_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("action,x,y\nadd,1,2\n")
    with pytest.raises(ValueError, match=r"table.csv has no column 'z'; expected action, x, y, z, reason, who, when"):
        read_corrections(path)
    path.write_text("action,x,y,z,reason,who,when\nadd,1,2,3,gap,Ann,2022-01-31\nadd,1,,3,gap,Ann,2022-01-31\n")
    with pytest.raises(ValueError, match=r"line 3 of table.csv: y=''; expected a finite coordinate"):
        read_corrections(path)
    with pytest.raises(FileNotFoundError, match="no file"):
        read_corrections(tmp_path / "none.csv")


def test_proposals_are_the_most_doubtful_first_and_can_be_replayed():
    confidence = np.ones(len(ATOMS))
    confidence[[5, 9]] = 0.4, 0.1
    table = propose_corrections(ATOMS, confidence, missing=[[1.5, 1.5, 1.5]], when="2022-01-31")
    assert [row.action for row in table] == ["remove", "remove", "add"]
    assert [row.reason for row in table[:2]] == ["confidence 0.10", "confidence 0.40"]
    assert replay_corrections(ATOMS, table).removed.tolist() == [9, 5]
    assert propose_corrections(ATOMS, np.ones(len(ATOMS))) == []
    with pytest.raises(ValueError, match=r"confidence has shape \(3,\); expected a finite value for each of 343"):
        propose_corrections(ATOMS, [1, 1, 1])


def test_slices_pass_through_the_place():
    array = np.random.default_rng(0).random((20, 24, 28)).astype(np.float32)
    volume = Volume(array, 0.5)
    voxel = np.array([9, 14, 13])
    place = (voxel - volume.centre) * 0.5
    view = view_atom(volume, place, positions=[place + [0.3, 0, 0.5], place + [0, 2.0, 0]], reach=3.0)
    middle = len(view.planes["x and y"]) // 2
    assert view.step == 0.25
    np.testing.assert_array_equal(view.planes["x and y"][middle::2, middle], array[9:16, 14, 13])
    np.testing.assert_array_equal(view.planes["x and z"][middle, middle::2], array[9, 14, 13:20])
    np.testing.assert_array_equal(view.planes["y and z"][middle::2, middle], array[9, 14:21, 13])
    np.testing.assert_allclose(view.others["x and y"], [[0.3, 0], [0, 2.0]], atol=1e-12)
    np.testing.assert_allclose(view.others["x and z"], [[0.3, 0.5]], atol=1e-12)
    with pytest.raises(ValueError, match="lies outside the volume"):
        view_atom(volume, [99, 0, 0])
