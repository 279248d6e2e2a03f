"""Frames of scenes in three dimensions: one length scale, an orthographic camera, and a bar to read it by.

plotly draws one unit of a scene's aspect ratio half as high as the scene itself, whatever its width. Knowing
that, a frame fixes the pixels per Å: atoms get their size from it, and the page's script can fit the frame to
any screen.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

#: Width of a page's text column [px], for which frames are computed; the script corrects it.
PAGE_WIDTH = 690.0
#: Parts of a scene's width and height that the drawing may fill.
FILL = (0.92, 0.80)
_BAR = (14.0, 8.0)  # place of the scale bar, from the lower left corner of its scene [px]

_TO_EYE = np.array([1.05, -1.45, 0.75]) / np.linalg.norm([1.05, -1.45, 0.75])
_RIGHT = np.cross(-_TO_EYE, [0.0, 0.0, 1.0]) / np.linalg.norm(np.cross(-_TO_EYE, [0.0, 0.0, 1.0]))
_UP = np.cross(_RIGHT, -_TO_EYE)


class Frame(NamedTuple):
    """A scene ready to draw in."""

    figure: go.Figure
    place: dict[str, int]
    scale: float  # px per Å


def frame_points(
    points: NDArray[np.float64],
    *,
    figure: go.Figure | None = None,
    row: int | None = None,
    col: int | None = None,
    height: float = 520,
    title: str | None = None,
    scale_bar: bool = True,
) -> Frame:
    """Make a scene that holds some points, or widen a given one until it does.

    Parameters
    ----------
    points : (N, 3) array
        What is going to be drawn [Å].
    figure, row, col : plotly.graph_objects.Figure, int, int, optional
        A figure to add to and the place in it; by default a new one.
    height : float
        Height of a new figure [px].
    title : str, optional
        Title above the figure.
    scale_bar : bool
        Whether a bar of known length is drawn in the corner of a new scene.

    Returns
    -------
    Frame
        The figure, the place in it, and its scale [px/Å].
    """
    place = {} if row is None or col is None else {"row": row, "col": col}
    if figure is None:
        figure = go.Figure()
        figure.update_layout(height=height, margin={"l": 0, "r": 0, "t": 32 if title else 8, "b": 36})
        figure.update_layout(legend={"orientation": "h", "y": 0.0, "yanchor": "top", "x": 0.0})  # below the scale bar
    if title:
        figure.update_layout(title_text=title)
    name = figure.get_subplot(**place).plotly_name if place else "scene"
    scenes: dict[str, Any] = dict((figure.layout.meta or {}).get("scenes", {}))
    known = scenes.get(name)
    if len(points) == 0 and known is None:
        points = np.array([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]])
    corners = points if known is None else np.concatenate([points, np.array(known["box"]).reshape(2, 3)])
    low, high = corners.min(axis=0), corners.max(axis=0)
    sides = np.stack([points @ _RIGHT, points @ _UP])
    ends = np.stack([sides.min(axis=1, initial=np.inf), sides.max(axis=1, initial=-np.inf)], axis=1)
    if known is not None:
        before = np.array(known["ends"])
        ends = np.stack([np.minimum(ends[:, 0], before[:, 0]), np.maximum(ends[:, 1], before[:, 1])], axis=1)
    pad = 0.02 * (high - low) + 1.0
    middle = np.array([(low + high) @ _RIGHT, (low + high) @ _UP]) / 2
    half = np.maximum(np.abs(ends - middle[:, None]).max(axis=1), 1.0)
    width, tall = _size_of(figure, name)
    scale = float(min(FILL[0] * width / 2 / half[0], FILL[1] * tall / 2 / half[1]))
    scenes[name] = {
        "box": np.round([low, high], 3).tolist(),
        "ends": np.round(ends, 3).tolist(),
        "half": np.round(half, 3).tolist(),
        "scale": round(scale, 4),
        "bar": (known or {}).get("bar", 0.0),
    }
    if (scale_bar and known is None and len(points)) or scenes[name]["bar"]:
        scenes[name]["bar"] = bar_length(float(max(ends[:, 1] - ends[:, 0])))
    if scenes[name]["bar"]:
        _add_scale_bar(figure, name, scenes[name]["bar"], scale)
    figure.update_layout(meta={**(figure.layout.meta or {}), "scenes": scenes, "fill": list(FILL)})
    ranges = {
        f"{axis}axis": {"range": [float(a - p), float(b + p)]}
        for axis, a, b, p in zip("xyz", low, high, pad, strict=True)
    }
    lengths = (high - low + 2 * pad) * scale / (tall / 2)
    figure.update_scenes(
        aspectmode="manual",
        aspectratio=dict(zip("xyz", lengths.tolist(), strict=True)),
        camera={
            "eye": dict(zip("xyz", (2.0 * _TO_EYE).tolist(), strict=True)),
            "up": {"x": 0, "y": 0, "z": 1},
            "projection": {"type": "orthographic"},
        },
        **ranges,
        **place,
    )
    return Frame(figure, place, scale)


def _size_of(figure: go.Figure, name: str) -> tuple[float, float]:
    """Width and height of a scene [px]."""
    layout = figure.layout
    domain = layout[name].domain
    across, up = domain.x or (0.0, 1.0), domain.y or (0.0, 1.0)
    margin = layout.margin
    inner = (layout.height or 450) - (margin.t or 0) - (margin.b or 0)
    return PAGE_WIDTH * (across[1] - across[0]), inner * (up[1] - up[0])


def bar_length(extent: float) -> float:
    """Give a round length near a quarter of an extent: 1, 2 or 5 times a power of ten.

    Examples
    --------
    >>> from helpers.book.figures.frames import bar_length
    >>> bar_length(110.0)
    20.0
    """
    target = max(extent, 1e-6) / 4
    power = 10.0 ** np.floor(np.log10(target))
    return float(max(step * power for step in (1, 2, 5) if step * power <= target * 1.0001))


def _add_scale_bar(figure: go.Figure, name: str, length: float, scale: float) -> None:
    """Draw a bar on the paper, in the lower left of a scene.

    The view is orthographic, so the bar stays right when the scene turns. Its length is in pixels; the page's script
    changes it with the size of the scene and with the zoom.
    """
    domain = figure.layout[name].domain
    left, bottom = (domain.x or (0.0, 1.0))[0], (domain.y or (0.0, 1.0))[0]
    mark = f"bar of {name}"
    text = f"{length / 10:g} nm" if length >= 10 else f"{length:g} Å"
    shape = {
        "name": mark, "type": "line", "xref": "paper", "yref": "paper", "xsizemode": "pixel", "ysizemode": "pixel",
        "xanchor": left, "yanchor": bottom, "x0": _BAR[0], "x1": _BAR[0] + length * scale, "y0": _BAR[1], "y1": _BAR[1],
        "line": {"color": "#222222", "width": 4},
    }  # fmt: skip
    words = {
        "name": mark, "text": text, "xref": "paper", "yref": "paper", "x": left, "y": bottom, "showarrow": False,
        "xanchor": "left", "yanchor": "bottom", "xshift": _BAR[0], "yshift": _BAR[1] + 2, "font": {"size": 12},
    }  # fmt: skip
    for known, new in ((figure.layout.shapes, shape), (figure.layout.annotations, words)):
        old = next((part for part in known if part.name == mark), None)
        if old is not None:
            old.update(new)
        elif new is shape:
            figure.add_shape(shape)
        else:
            figure.add_annotation(words)
