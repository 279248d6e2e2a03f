"""Small multiples: one panel a sample, side by side on a desk and stacked on a phone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .style import check_names, label_of


def panels(
    names: Sequence[str],
    *,
    kind: Literal["xy", "scene"] = "xy",
    columns: int | None = None,
    height: float = 320,
    x_title: str = "",
    y_title: str = "",
    shared: bool = True,
    gap: float | None = None,
) -> tuple[go.Figure, dict[str, dict[str, int]]]:
    """Make an empty figure with one titled panel a name.

    Parameters
    ----------
    names : list of str
        Panel titles, for instance the samples; each once.
    kind : {"xy", "scene"}
        Plane axes, or three dimensions.
    columns : int, optional
        Panels in a row; by default three, or two where that leaves no gap.
    height : float
        Height of one row of panels [px].
    x_title, y_title : str
        Axis titles with their units, written on the outer axes only.
    shared : bool
        Whether all plane panels show the same range of x and of y.
    gap : float, optional
        Space between two plane panels of a row, in parts of the figure's width; by default what tick labels need.

    Returns
    -------
    figure : plotly.graph_objects.Figure
        The empty figure.
    places : dict
        ``{"row": …, "col": …}`` of each name, to hand on: ``figure.add_scatter(…, **places["Ta"])``.

    Raises
    ------
    ValueError
        If ``names`` is empty or holds a name twice.

    Examples
    --------
    >>> from helpers.book.figures import panels
    >>> figure, places = panels(["Ta", "Pd1", "Pd2"], x_title="r [Å]", y_title="g(r)")
    >>> places["Pd1"]
    {'row': 1, 'col': 2}
    """
    names = check_names(names)
    count = len(names)
    if columns is None:
        columns = 2 if count in (2, 4) else min(3, count)
    columns = max(1, min(int(columns), count))
    rows = math.ceil(count / columns)
    specs: list[list[dict[str, str] | None]] = [
        [{"type": kind} if row * columns + col < count else None for col in range(columns)] for row in range(rows)
    ]
    above = 84 / (rows * height) if kind == "xy" else 40 / (rows * height)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        specs=specs,
        subplot_titles=[label_of(name) for name in names],
        shared_xaxes="all" if shared and kind == "xy" else False,
        shared_yaxes="all" if shared and kind == "xy" else False,
        horizontal_spacing=(gap or (0.04 if shared else 0.1)) if kind == "xy" else 0.01,
        vertical_spacing=above if rows > 1 else 0.0,
    )
    places = {name: {"row": i // columns + 1, "col": i % columns + 1} for i, name in enumerate(names)}
    if kind == "xy":
        for i, name in enumerate(names):
            below = i + columns >= count
            figure.update_xaxes(
                title_text=x_title if below else None, showticklabels=below or not shared, **places[name]
            )
            outer = i % columns == 0 or not shared
            figure.update_yaxes(title_text=y_title if outer else None, showticklabels=outer, **places[name])
    figure.update_annotations(font_size=15)
    figure.update_layout(height=rows * height + 40, margin_t=40)
    if kind == "scene":
        figure.update_layout(
            height=rows * height + 80,
            margin={"l": 0, "r": 0, "t": 40, "b": 40},
            legend={"orientation": "h", "x": 0.0, "y": 0.0, "yanchor": "top"},
        )
    _add_narrow_form(figure, names, kind=kind, height=height, x_title=x_title, y_title=y_title)
    return figure, places


def _add_narrow_form(
    figure: go.Figure, names: list[str], *, kind: str, height: float, x_title: str, y_title: str
) -> None:
    """Store in ``layout.meta.narrow`` the changes that stack the panels on a narrow screen.

    The page's script applies them when the figure is drawn less than 600 px wide.
    """
    count = len(names)
    share = 1.0 / count
    between = 64 if x_title or kind == "scene" else 92  # a title of each x axis lies there too
    height = height + between - 64
    title = min(0.45 * share, between / (count * height))
    changes: dict[str, Any] = {"height": count * height + 40}
    changes |= {"margin.l": 0, "margin.r": 0} if kind == "scene" else {"margin.l": 56, "margin.r": 8}
    for i in range(count):
        low, high = 1.0 - (i + 1) * share, 1.0 - i * share
        top = high - title if i else high
        number = "" if i == 0 else str(i + 1)
        if kind == "scene":
            changes[f"scene{number}.domain"] = {"x": [0.0, 1.0], "y": [low, top]}
        else:
            changes[f"xaxis{number}.domain"] = [0.0, 1.0]
            changes[f"yaxis{number}.domain"] = [low, top]
            changes[f"xaxis{number}.showticklabels"] = True
            changes[f"yaxis{number}.showticklabels"] = True
            if y_title:  # else each panel keeps its own
                changes[f"yaxis{number}.title.text"] = y_title
            if x_title:
                changes[f"xaxis{number}.title.text"] = x_title if i == count - 1 else ""
        changes[f"annotations[{i}].x"] = 0.5
        changes[f"annotations[{i}].y"] = top
    figure.update_layout(meta={**(figure.layout.meta or {}), "narrow": changes})
