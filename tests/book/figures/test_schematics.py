"""Schematics: the angles they write are those of the atoms, and nothing is mirrored or bent on the way."""

from __future__ import annotations

import re

import numpy as np
import pytest
from crystals import icosahedron

from helpers.book import figures
from helpers.book.figures.frames import _TO_EYE
from helpers.book.figures.poses import _frame, _seen_from_above, _turn


def bipyramid(lean=0.0, edge=3.0):
    """Caps and ring of a pentagonal bipyramid whose axis leans by an angle [degrees], in no special direction."""
    turn = 2 * np.pi * np.arange(5) / 5
    ring = edge / (2 * np.sin(np.pi / 5)) * np.column_stack([np.cos(turn), np.sin(turn), 0 * turn])
    axis = 1.6 * np.array([np.sin(np.radians(lean)), 0.0, np.cos(np.radians(lean))])
    spin = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    return np.vstack([axis, -axis, ring]) @ spin.T + 5.0


def scene():
    figure, places = figures.panels(["only"], kind="scene")
    return figure, places["only"]


def label_of(figure):
    (text,) = next(trace for trace in figure.data if trace.name == "labels").text
    return float(re.search(r"[\d.]+", text).group())


def test_the_tilt_that_is_written():
    figure, place = scene()
    assert label_of(figures.draw_tilt(bipyramid(20.0), figure=figure, **place)) == 20
    names = [trace.name for trace in figure.data]
    assert {"line of the caps", "normal of the ring"} <= set(names)


def test_three_kinds_of_bonds():
    figure, place = scene()
    figures.draw_bonds(bipyramid(), figure=figure, **place)
    lines = {trace.name: np.isfinite(trace.x).sum() // 2 for trace in figure.select_traces({"mode": "lines"})}
    assert (lines["α"], lines["β"], lines["γ"]) == (1, 10, 5)
    texts = next(trace for trace in figure.data if trace.name == "labels").text
    assert list(texts) == ["<b>α</b>", "<b>β</b>", "<b>γ</b>"]
    x, y, z = (np.array(next(t for t in figure.data if t.name == "α")[axis])[:2] for axis in "xyz")
    assert abs(x[1] - x[0]) + abs(y[1] - y[0]) < 0.2  # the caps stand upright, to the rounding of the page
    assert abs(z[1] - z[0]) == pytest.approx(3.2, abs=0.1)


def test_angles_of_a_tetrahedron_and_a_pentagon():
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=float)
    figure, place = scene()
    assert label_of(figures.draw_angle(corners, figure=figure, **place)) == 60
    figure, place = scene()
    assert label_of(figures.draw_angle(bipyramid()[2:], ring=True, figure=figure, **place)) == 108


def test_the_angle_of_a_ring_is_the_nearest_to_the_mean_of_its_corners_and_in_front():
    turn = np.radians([0, 72, 144, 200, 288])  # one corner out of place
    ring = np.column_stack([2.4 * np.cos(turn), 0.3 * np.sin(2 * turn), 2.4 * np.sin(turn)])
    figure, place = scene()
    angle = label_of(figures.draw_angle(ring, ring=True, figure=figure, **place))
    sides = np.roll(ring, 1, axis=0) - ring, np.roll(ring, -1, axis=0) - ring
    lengths = np.linalg.norm(sides[0], axis=1) * np.linalg.norm(sides[1], axis=1)
    corners = np.degrees(np.arccos((sides[0] * sides[1]).sum(axis=1) / lengths))
    nearest = np.abs(corners - corners.mean()).argmin()
    assert angle == round(corners[nearest])
    seen = _seen_from_above(ring - ring.mean(axis=0), nearest)
    assert seen[nearest] @ [1.05, -1.45, 0] == pytest.approx((seen @ [1.05, -1.45, 0]).max(), rel=0.2)
    np.testing.assert_allclose(np.linalg.norm(seen[0] - seen[1]), np.linalg.norm(ring[0] - ring[1]), rtol=1e-12)


def test_the_dihedral_angle_of_a_dodecahedron():
    """Two skeletons of an icosahedron are neighbouring faces of a regular dodecahedron."""
    from helpers import structure

    packing = structure.polytetrahedral_packing(icosahedron(), 3.1)
    motif = packing.motifs.fold[5]
    pair = structure.sharing(motif).edge_pairs[0]
    figure, place = scene()
    figures.draw_dihedral(*structure.skeletons(motif[pair], packing), figure=figure, **place)
    assert label_of(figure) == 117
    with pytest.raises(ValueError, match="0 corners in common; expected two"):
        figures.draw_dihedral(bipyramid()[2:], bipyramid()[2:] + 9, figure=figure, **place)


def test_two_bipyramids_that_share_an_edge():
    from helpers import structure

    packing = structure.polytetrahedral_packing(icosahedron(), 3.1)
    motif = packing.motifs.fold[5]
    pair = structure.sharing(motif).edge_pairs[0]
    figure, place = scene()
    figures.draw_joined(packing.positions, *packing.tetrahedra[motif.tetrahedra[pair]], figure=figure, **place)
    counts = {trace.name: len(trace.x) for trace in figure.select_traces({"mode": "markers"})}
    assert counts == {"shared atoms": 5, "atoms of one bipyramid": 2, "atoms of the other": 2}


@pytest.mark.parametrize("seed", range(3))
def test_frames_turn_and_never_mirror(seed):
    up, towards = np.random.default_rng(seed).normal(size=(2, 3))
    edge = np.cross(up, towards)
    side = np.cross(edge, up)
    unit = [vector / np.linalg.norm(vector) for vector in (edge, side, _TO_EYE)]
    for turn in (_turn(up), _turn(up, towards), _frame(*unit)):
        assert turn @ turn.T == pytest.approx(np.eye(3))
        assert np.linalg.det(turn) == pytest.approx(1)
    assert _turn(up, towards) @ up == pytest.approx([0, 0, np.linalg.norm(up)])
