"""Clusters side by side: to scale, upright, not mirrored, and a word where there is none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from helpers.book import figures
from helpers.book.figures.clusters import MOST_POLYGONS, _stand
from helpers.book.figures.frames import _RIGHT, _TO_EYE, _UP


def rings(count=6, seed=0):
    """Pentagons strung along a tilted axis."""
    random = np.random.default_rng(seed)
    angle = 2 * np.pi * np.arange(5) / 5
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    return (
        ring
        + 2.5 * np.arange(count)[:, None, None] * np.array([0.6, 0.64, 0.48])
        + random.normal(0, 0.1, (count, 1, 3))
    )


def lines(figure):
    return [t for t in figure.data if t.type == "scatter3d" and t.mode == "lines" and t.name != "scale bar"]


def test_clusters_stand_upright_and_keep_their_shape():
    corners = rings()
    turned = _stand(corners)
    assert pdist(turned.reshape(-1, 3)) == pytest.approx(pdist(corners.reshape(-1, 3)))
    extents = [np.ptp(turned.reshape(-1, 3) @ axis) for axis in (_UP, _RIGHT, _TO_EYE)]
    assert extents[0] > 3 * max(extents[1:])
    triple = [np.linalg.det(c.reshape(-1, 3)[[1, 7, 13]] - c.reshape(-1, 3)[0]) for c in (corners, turned)]
    assert triple[0] == pytest.approx(triple[1])  # a mirror image would change the sign


def test_clusters_do_not_overlap():
    figure = figures.draw_clusters({"first": rings(4), "second": rings(9), "third": rings(2)}, gap=5.0)
    places = [np.stack([t.x, t.y, t.z], axis=1) @ _RIGHT for t in lines(figure) if t.name == "skeletons"]
    assert len(places) == 3
    for left, right in pairwise(places):
        assert np.nanmin(right) - np.nanmax(left) > 4.8  # coordinates are rounded to 1/16 Å
    assert [t.text[0] for t in figure.data if t.name == "names"] == ["first", "second", "third"]


def test_groups_have_colours_and_one_legend_entry_each():
    groups = {"a": [0, 0, 1, -1], "b": [1, 1]}
    figure = figures.draw_clusters(
        {"a": rings(4), "b": rings(2)}, groups=groups, labels={0: "zero", 1: "one", -1: "others"}
    )
    entries = [(t.name, t.line.color) for t in lines(figure) if t.showlegend]
    grey, first, second = figures.NUCLEUS_COLOUR, *figures.GROUP_COLOURS[:2]
    assert entries == [("others", grey), ("zero", first), ("one", second)]
    with pytest.raises(ValueError, match=r"groups\['a'\] has shape \(2,\); expected \(4,\)"):
        figures.draw_clusters({"a": rings(4)}, groups={"a": [0, 1]})


def test_many_skeletons_have_no_polygons():
    assert any(t.type == "mesh3d" for t in figures.draw_clusters({"few": rings(3)}).data)
    many = figures.draw_clusters({"many": rings(MOST_POLYGONS + 1)})
    assert not any(t.type == "mesh3d" for t in many.data)


def test_nothing_says_so():
    figure = figures.draw_clusters({}, empty="no networks")
    assert [a.text for a in figure.layout.annotations] == ["no networks"]
    figure, places = figures.panels(["Ta", "Pd1"], kind="scene")
    figures.draw_clusters({}, empty="nothing here", figure=figure, **places["Pd1"])
    note = figure.layout.annotations[-1]
    assert note.text == "nothing here"
    assert note.x > 0.5  # in the right one of two panels
    figure, places = figures.panels(["Ta", "Pd1"])
    figures.note_empty(figure, "no bipyramids", **places["Ta"])
    assert figure.layout.annotations[-1].x < 0.5
    with pytest.raises(ValueError, match=r"cluster 'a' has corners of shape \(0, 5, 3\)"):
        figures.draw_clusters({"a": np.empty((0, 5, 3))})


def test_on_a_phone_clusters_stand_one_below_the_other():
    figure = figures.draw_clusters({"a": rings(4), "b": rings(3), "c": rings(2)})
    stack = figure.layout.meta["stack"]["scene"]
    assert figure.layout.meta["narrow"]["height"] > 3 * 200
    tops = {}
    for number, trace in enumerate(figure.data):
        if trace.type == "scatter3d" and trace.mode == "lines":
            points = np.array([trace.x, trace.y, trace.z]).T + stack["shifts"][str(number)]
            assert (points >= np.array(stack["box"][0]) - 0.1).all() or np.isnan(points).any()
            tops[number] = np.nanmax(points @ _UP), np.nanmin(points @ _UP)
    spans = [tops[number] for number in sorted(tops)]
    assert all(below[0] < above[1] for above, below in pairwise(spans))


def test_names_stand_at_one_height_and_go_back_to_their_cluster_on_a_phone():
    figure = figures.draw_clusters({"a": rings(6), "b": rings(2)})
    shifts = figure.layout.meta["stack"]["scene"]["shifts"]
    names = [(k, np.array([t.x, t.y, t.z]).ravel()) for k, t in enumerate(figure.data) if t.name == "names"]
    heights = [place @ _UP for _, place in names]
    np.testing.assert_allclose(heights, heights[0], atol=0.02)  # stored in float32 or as hundredths
    for number, place in names:
        lines = figure.data[number - 1]
        body = np.array([lines.x, lines.y, lines.z]).T
        gap = (place + shifts[str(number)]) @ _UP - np.nanmax((body + shifts[str(number - 1)]) @ _UP)
        assert 0.5 < gap < 1.5  # 1 Å
