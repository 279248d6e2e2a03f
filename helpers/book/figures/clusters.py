"""Clusters of skeletons side by side, each turned so that its longest direction stands upright."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from .frames import _RIGHT, _TO_EYE, _UP, frame_points
from .scenes import _light, _lines, _polygons
from .style import MARK_COLOUR, MOTIF_COLOURS, NUCLEUS_COLOUR, SERIES_COLOURS

#: More skeletons than this in one drawing have no polygons, which would hide one another anyway.
MOST_POLYGONS = 1000
_EMPTY = 120  # height of a figure that says why it is empty [px]
_STACKED = 230  # height of one cluster on a narrow screen [px]
#: Colours of groups within a cluster, in order; then again from the first.
GROUP_COLOURS = SERIES_COLOURS


def draw_clusters(
    clusters: Mapping[str, ArrayLike],
    *,
    groups: Mapping[str, ArrayLike] | None = None,
    labels: Mapping[int, str] | None = None,
    colour: str = MOTIF_COLOURS[5],
    gap: float = 6.0,
    fill: float = 0.35,
    empty: str = "no clusters",
    figure: go.Figure | None = None,
    row: int | None = None,
    col: int | None = None,
    height: float = 380,
) -> go.Figure:
    """Draw clusters of skeletons in a row, to one scale.

    Parameters
    ----------
    clusters : dict of str to (K, n, 3) array
        Corners of the skeletons [Å] of each cluster; the name is written above it.
    groups : dict of str to (K,) int array, optional
        Group of each skeleton, drawn in a colour of its own; -1 is grey. Clusters that are not named
        here have one colour.
    labels : dict of int to str, optional
        Legend entries of the groups, of -1 too; groups without one are not listed.
    colour : str
        Colour of clusters without groups.
    gap : float
        Free space between two clusters [Å].
    fill : float
        Opacity of the polygons; they are left out of a drawing of more than a thousand skeletons.
    empty : str
        What is written if there is no cluster.
    figure, row, col : plotly.graph_objects.Figure, int, int, optional
        Figure to add to and the place in it, as :func:`panels` gives it.
    height : float
        Height of a new figure [px].

    Returns
    -------
    plotly.graph_objects.Figure
        The figure, new or the one given.

    Raises
    ------
    ValueError
        If the corners of a cluster are not (K, n, 3), or a skeleton has no group.
    """
    upright: dict[str, NDArray[np.float64]] = {}
    for name, skeletons in clusters.items():
        corners = np.asarray(skeletons, dtype=np.float64)
        if corners.ndim != 3 or corners.shape[2] != 3 or len(corners) == 0:
            msg = f"cluster {name!r} has corners of shape {corners.shape}; expected (K, n, 3), K above 0"
            raise ValueError(msg)
        upright[name] = _stand(corners)
    tops = {}
    start = 0.0
    widths = {name: float(np.ptp(corners @ _RIGHT)) for name, corners in upright.items()}
    for name, corners in upright.items():
        across, up = corners @ _RIGHT, corners @ _UP
        slot = max(widths[name], 0.8 * max(widths.values()))  # room for the names
        centre = start + slot / 2
        upright[name] = corners + (centre - (across.min() + across.max()) / 2) * _RIGHT
        tops[name] = centre * _RIGHT + (up.max() + 1.0) * _UP
        start += slot + gap
    level = max((float(top @ _UP) for top in tops.values()), default=0.0)
    lifts = {name: (level - float(top @ _UP)) * _UP for name, top in tops.items()}  # names stand at one height
    tops = {name: top + lifts[name] for name, top in tops.items()}
    room = [top + 0.25 * np.ptp(np.concatenate(list(upright.values())) @ _UP) * _UP for top in tops.values()]
    points = np.concatenate([c.reshape(-1, 3) for c in upright.values()] + [np.reshape(room, (-1, 3))])
    figure, place, _ = frame_points(points, figure=figure, row=row, col=col, height=height, scale_bar=bool(upright))
    if not upright:
        return note_empty(figure, empty, row=row, col=col)
    fill = fill if sum(map(len, upright.values())) <= MOST_POLYGONS else 0.0
    traces: dict[str, list[int]] = {}
    for name, corners in upright.items():
        first = len(figure.data)
        member = np.zeros(len(corners), int) if groups is None or name not in groups else np.asarray(groups[name])
        if member.shape != (len(corners),):
            msg = f"groups[{name!r}] has shape {member.shape}; expected ({len(corners)},), one a skeleton"
            raise ValueError(msg)
        single = groups is None or name not in groups
        for group in np.unique(member).tolist():
            paint = colour if single else NUCLEUS_COLOUR if group < 0 else GROUP_COLOURS[group % len(GROUP_COLOURS)]
            _add(figure, corners[member == group], None if single else (labels or {}).get(group), paint, fill, place)
        x, y, z = _light(tops[name][None]).T
        figure.add_scatter3d(
            x=x, y=y, z=z, mode="text", text=[name], textposition="top center", textfont={"size": 11},
            showlegend=False, hoverinfo="skip", name="names", **place,
        )  # fmt: skip
        traces[name] = list(range(first, len(figure.data)))
    if len(upright) > 1:
        _add_stack(figure, upright, traces, lifts, gap, place)
    return figure


def _add_stack(
    figure: go.Figure,
    clusters: Mapping[str, NDArray[np.float64]],
    traces: Mapping[str, list[int]],
    lifts: Mapping[str, NDArray[np.float64]],
    gap: float,
    place: dict[str, int],
) -> None:
    """Store in ``layout.meta.stack`` how the page's script puts the clusters below one another on a narrow screen."""
    scene = figure.get_subplot(**place).plotly_name if place else "scene"
    shifts: dict[str, list[float]] = {}
    moved, below = [], 0.0
    room = 0.25 * max(float(np.ptp(corners @ _UP)) for corners in clusters.values())  # for the name
    for name, corners in clusters.items():
        across, up = corners @ _RIGHT, corners @ _UP
        shift = -(across.min() + across.max()) / 2 * _RIGHT + (below - room - up.max()) * _UP
        *bodies, words = traces[name]
        shifts |= {str(number): np.round(shift, 3).tolist() for number in bodies}
        shifts[str(words)] = np.round(shift - lifts[name], 3).tolist()  # back to the cluster
        moved.append(corners.reshape(-1, 3) + shift)
        below -= room + np.ptp(up) + gap
    points = np.concatenate([*moved, moved[0] + room * _UP])
    low, high = points.min(axis=0), points.max(axis=0)
    middle, ends = (low + high) / 2, np.stack([points @ _RIGHT, points @ _UP])
    half = np.abs(ends - np.array([[middle @ _RIGHT], [middle @ _UP]])).max(axis=1)
    stack = {"shifts": shifts, "box": np.round([low, high], 3).tolist(), "half": np.round(half, 3).tolist()}
    meta = dict(figure.layout.meta or {})
    meta["stack"] = {**meta.get("stack", {}), scene: stack}
    narrow = dict(meta.get("narrow", {}))
    scenes = max(len(meta["scenes"]), sum(key.endswith(".domain") for key in narrow))
    narrow["height"] = max(narrow.get("height", 0), scenes * _STACKED * len(clusters) + 80)
    figure.update_layout(meta={**meta, "narrow": narrow})


def note_empty(figure: go.Figure, text: str, *, row: int | None = None, col: int | None = None) -> go.Figure:
    """Write in the middle of an empty panel why it is empty.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        The figure.
    text : str
        What is not there.
    row, col : int, optional
        Place of the panel; the whole figure by default.

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure.
    """
    across, up = (0.0, 1.0), (0.0, 1.0)
    if row is not None and col is not None:
        panel: Any = figure.get_subplot(row, col)
        domains = (panel.domain.x, panel.domain.y) if hasattr(panel, "domain") else (panel[0].domain, panel[1].domain)
        across, up = (domain or (0.0, 1.0) for domain in domains)
        if not figure.data and figure.layout.xaxis.domain is None:  # plane axes appear where no scene is drawn
            figure.update_layout(xaxis_visible=False, yaxis_visible=False)
    elif not figure.data:  # empty axes would only puzzle a reader
        figure.update_xaxes(visible=False).update_yaxes(visible=False).update_layout(height=_EMPTY)
    return figure.add_annotation(
        text=text, showarrow=False, xref="paper", yref="paper", x=sum(across) / 2, y=sum(up) / 2,
        xanchor="center", yanchor="middle", font={"color": MARK_COLOUR},
    )  # fmt: skip


def _stand(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn a cluster, never mirror it: its longest direction upwards, its second to the right."""
    points = corners - corners.reshape(-1, 3).mean(axis=0)
    _, axes = np.linalg.eigh(points.reshape(-1, 3).T @ points.reshape(-1, 3))
    longest, second = axes[:, 2], axes[:, 1]
    third = np.cross(second, longest)  # right × up = to the eye
    return points @ np.stack([second, longest, third]).T @ np.stack([_RIGHT, _UP, _TO_EYE])


def _add(
    figure: go.Figure,
    rings: NDArray[np.float64],
    label: str | None,
    colour: str,
    fill: float,
    place: Mapping[str, int],
) -> None:
    name = label or "skeletons"
    legend = label is not None and label not in {trace.name for trace in figure.data}
    figure.add_trace(_lines(np.concatenate([rings, rings[:, :1]], axis=1), name, colour, 4.0, legend), **place)
    if fill > 0:
        figure.add_trace(_polygons(rings, name, colour, fill), **place)
