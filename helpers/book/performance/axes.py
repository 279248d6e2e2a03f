"""Logarithmic axes with ticks as a reader writes them, and a legend that has its room below them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

SYMBOLS = ("circle", "diamond-open", "square", "triangle-up-open", "x", "star-open")


def ends_of(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of a logarithmic axis that shows these values with some room [decades]."""
    room = 0.08 * max(math.log10(max(values) / min(values)), 1.0)
    return math.log10(min(values)) - room, math.log10(max(values)) + room


def logarithmic(
    update: Any, low: float, high: float, place: dict[str, int] | None = None, *, whole: bool = False
) -> None:
    """Make an axis logarithmic, with ticks at round numbers as a reader writes them."""
    steps = (1,) if whole or high - low > 2.2 else (1, 2, 5) if high - low > 0.6 else (1, 1.5, 2, 3, 4, 5, 7)
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks = [step * 10.0**k for k in powers for step in steps if low <= k + math.log10(step) <= high]
    text = [_tick(tick) for tick in ticks]
    update(type="log", range=[low, high], tickvals=ticks, ticktext=text, **(place or {}))


def _tick(value: float) -> str:
    power = round(math.log10(value))
    if power >= 4 and math.isclose(value, 10.0**power):
        return f"10<sup>{power}</sup>"
    return f"{value:.10f}".rstrip("0").rstrip(".") if value < 1 else f"{value:g}" if value < 1e4 else f"{value:,.0f}"


def legend_below(figure: go.Figure) -> go.Figure:
    """Put the legend below the axes, in rows of its own."""
    names = [trace.name for trace in figure.data if trace.name and trace.showlegend is not False]
    lines = math.ceil(sum(len(name) + 6 for name in names) / 80)
    height = float(figure.layout.height or 420)
    extra = 22 * lines + 8
    legend = {"orientation": "h", "x": 0, "xref": "container", "y": 0, "yref": "container", "yanchor": "bottom"}
    meta = dict(figure.layout.meta or {})
    narrow = dict(meta.get("narrow", {}))
    tall = 22 * max(lines, len(names)) + 8
    narrow |= {"height": float(narrow.get("height", height)) + tall, "margin.b": 56 + tall}
    bottom = {"height": height + extra, "margin_b": 56 + extra}
    legend["traceorder"] = "normal"
    return figure.update_layout(legend=legend, meta={**meta, "narrow": narrow}, showlegend=len(names) > 1, **bottom)
