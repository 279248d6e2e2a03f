"""What is said about positions before they are analysed: pairs too near, vacuum in a box, a box too small."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from crystals import crystal
from said import of_kind

from helpers.checks import ClosePairsWarning, VacuumWarning, looked_at
from helpers.geometry import crowding
from helpers.geometry.crowding import filled_box, free_axes, keep_apart, look_over, spacing, warn_of_close_pairs
from helpers.geometry.neighbours import neighbours

FCC, BOX = crystal("fcc", (4, 4, 4), 2.9)  # 256 atoms
RANDOM = np.random.default_rng(5)


def said(function, *args):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        result = function(*args)
    return result, [(w.category, str(w.message)) for w in of_kind(found)]


def test_spacing_is_the_distance_of_neighbours_even_where_all_atoms_were_traced_twice():
    assert spacing(FCC, BOX) == pytest.approx(2.9)
    assert spacing(FCC) == pytest.approx(2.9)  # most atoms of the block have six neighbours
    twice = np.concatenate([FCC, FCC + RANDOM.normal(0, 0.1, FCC.shape)])
    assert spacing(twice, BOX) == pytest.approx(2.9, rel=0.1)
    assert spacing(FCC[:1]) == 0
    assert spacing(FCC[:2]) == pytest.approx(2.9)


def test_one_atom_duplicated_is_named_with_its_distance():
    atoms = np.concatenate([FCC, FCC[:1] + [0.01, 0, 0]])
    for box in (None, BOX):
        (_, found) = said(warn_of_close_pairs, atoms, box)
        assert [category for category, _ in found] == [ClosePairsWarning]
        assert "1 pair of atoms lies nearer to one another than half the usual distance (1.45 Å)" in found[0][1]
        assert "the closest 0.01 Å apart" in found[0][1]


def test_atoms_traced_twice_are_counted():
    away = RANDOM.normal(size=(60, 3))
    away *= (RANDOM.uniform(0.02, 0.8, 60) / np.linalg.norm(away, axis=1))[:, None]
    (_, found) = said(warn_of_close_pairs, np.concatenate([FCC, FCC[:60] + away]), BOX)
    assert len(found) == 1
    assert found[0][1].startswith("60 pairs")


def test_nothing_is_said_of_ordinary_samples_nor_twice():
    shaken = FCC + RANDOM.normal(0, 0.2, FCC.shape)
    assert said(warn_of_close_pairs, FCC, BOX)[1] == said(warn_of_close_pairs, shaken, BOX)[1] == []
    assert said(warn_of_close_pairs, FCC[:2])[1] == []
    with looked_at():
        assert said(warn_of_close_pairs, np.concatenate([FCC, FCC[:1]]), BOX)[1] == []


def test_a_neighbour_list_tells_whether_a_search_for_close_pairs_is_needed():
    for box in (None, BOX):
        assert keep_apart(neighbours(FCC, 3.5, box))
        assert keep_apart(neighbours(FCC + RANDOM.normal(0, 0.1, FCC.shape), 3.5, box))
        assert not keep_apart(neighbours(np.concatenate([FCC, FCC[:1] + [0.01, 0, 0]]), 3.5, box))
        assert not keep_apart(neighbours(FCC, 2.0, box))  # the list ends before the sixth neighbour
    assert not keep_apart(neighbours(FCC[:6], 3.5))


def test_a_filled_box_stays_as_it_is():
    for atoms in (FCC, FCC + RANDOM.normal(0, 0.2, FCC.shape), FCC + 37.0):
        (places, box), found = said(filled_box, atoms, BOX)
        assert places is atoms
        assert box is BOX
        assert found == []


def test_a_cluster_in_a_large_box_is_finite_and_comes_in_one_piece():
    large = BOX + 20
    (places, box), found = said(filled_box, FCC, large)
    assert box is None
    np.testing.assert_array_equal(places, FCC)
    assert found[0][0] is VacuumWarning
    assert "along x and y and z up to 22.1 Å hold no atom; the sample is taken to be finite" in found[0][1]
    assert "joined" not in found[0][1]
    cut = (FCC + large - 5) % large  # across all faces
    (places, box), _ = said(filled_box, cut, large)
    np.testing.assert_allclose(np.ptp(places, axis=0), np.ptp(FCC, axis=0), atol=1e-9)
    assert spacing(places) == pytest.approx(2.9)


@pytest.mark.parametrize(("vacuum", "along", "across"), [((0, 0, 15), "z", "x and y"), ((15, 0, 15), "x and z", "y")])
def test_a_slab_or_a_wire_ends_where_it_has_vacuum_and_nowhere_else(vacuum, along, across):
    large, ends = BOX + vacuum, np.array(vacuum) > 0
    moved = FCC + RANDOM.normal(0, 0.05, FCC.shape)
    cut = np.where(ends, (moved + large - 4) % large, moved)  # in two pieces along the vacuum
    (places, box), found = said(filled_box, cut, large)
    assert [category for category, _ in found] == [VacuumWarning]
    words = (
        rf"along {along} up to 1[67]\.\d Å hold no atom; the sample is taken to end there, and to be periodic along "
    )
    assert re.search(words + f"{across}$", found[0][1])
    np.testing.assert_array_equal(free_axes(places, box), ends)
    np.testing.assert_array_equal(box[~ends], BOX[~ends])
    np.testing.assert_array_equal(places[:, ~ends], moved[:, ~ends])
    np.testing.assert_allclose(np.ptp(places, axis=0), np.ptp(moved, axis=0), atol=1e-9)
    assert (box[ends] >= 2 * np.ptp(moved, axis=0)[ends] + 40).all()  # so that no image is near
    again, same = said(filled_box, places, box)[0]
    np.testing.assert_array_equal(same, box)
    np.testing.assert_array_equal(again, places)


def test_only_what_has_surfaces_has_free_axes():
    assert free_axes(FCC, None).all()
    for atoms in (FCC, FCC + BOX * RANDOM.integers(-2, 3, FCC.shape), FCC + 0.3 * BOX):
        assert not free_axes(*filled_box(atoms, BOX)).any()


def test_a_thin_gap_is_no_vacuum():
    wider = BOX + [0, 0, 2.0]
    assert said(filled_box, FCC, wider)[1] == []


def test_a_box_smaller_than_the_sample_is_refused():
    shaken = FCC + RANDOM.normal(0, 0.1, FCC.shape)
    with pytest.raises(ValueError, match="is too small: the atoms reach over .* lie on others; give the right box"):
        filled_box(shaken, 0.6 * BOX)


def test_atoms_that_left_their_box_are_not_refused():
    shaken = FCC + RANDOM.normal(0, 0.2, FCC.shape)
    moved = shaken + BOX * RANDOM.integers(-2, 3, FCC.shape)  # as an unwrapped trajectory has them
    assert said(filled_box, moved, BOX)[1] == []


@pytest.mark.parametrize("gap", [1.9, 2.2])
def test_a_gap_is_seen_wherever_it_lies(gap):
    """Layers two lengths apart but for one gap, a vacuum if wider than two spacings, also at the face."""
    layer = np.stack(np.meshgrid(*2 * [np.arange(0, 12, 3.0)], indexing="ij"), axis=-1).reshape(-1, 2)
    heights = np.arange(8) * 3.0
    atoms = np.concatenate([np.column_stack([layer, np.full(len(layer), z)]) for z in heights])
    box = np.array([12.0, 12.0, 21.0 + 3.0 * gap])
    usual = spacing(atoms, box)
    for moved in np.linspace(0, box[2], 23):
        shifted = (atoms + [0, 0, moved]) % box
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VacuumWarning)
            assert free_axes(*filled_box(shifted, box)).tolist() == [False, False, 3.0 * gap > 2 * usual]


TWICE = np.concatenate([FCC, FCC[:1] + [0.01, 0, 0]])


@pytest.mark.parametrize("atoms", [FCC, TWICE, FCC[:2]], ids=["apart", "one twice", "two"])
@pytest.mark.parametrize("box", [BOX, BOX + 20, None], ids=["full", "vacuum", "finite"])
def test_one_look_says_what_two_say(atoms, box, monkeypatch):
    (places, kept), first = said(filled_box, atoms, box)
    _, second = said(warn_of_close_pairs, places, kept)
    looks = []
    monkeypatch.setattr(crowding, "spacing", lambda *given: looks.append(given) or spacing(*given))
    (again, same), found = said(look_over, atoms, box)
    np.testing.assert_array_equal(again, places)
    assert (same is None) == (kept is None)
    assert found == first + second
    assert len(looks) <= (1 if kept is not None or box is None else 2)


def test_warnings_name_the_line_that_calls_the_analysis():
    def analysis(function, *given):
        return function(*given)

    for function, atoms, box in ((filled_box, FCC, BOX + 20), (look_over, FCC, BOX + 20), (look_over, TWICE, BOX)):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            analysis(function, atoms, box)
        assert [warning.filename for warning in of_kind(found)] == [__file__]
        assert [warning.lineno for warning in of_kind(found)] == [analysis.__code__.co_firstlineno + 6]


@pytest.mark.parametrize(
    "atoms", [FCC, TWICE, FCC + RANDOM.normal(0, 0.3, FCC.shape)], ids=["apart", "twice", "shaken"]
)
def test_a_tree_and_our_own_search_say_the_same(atoms, monkeypatch):
    def heard():
        return said(warn_of_close_pairs, atoms, BOX)[1], crowding._crowded(atoms, 0.8 * BOX, 2.9)

    monkeypatch.setattr(crowding, "_MANY", len(atoms))
    by_tree = heard()
    monkeypatch.setattr(crowding, "_MANY", 0)
    assert heard() == by_tree
