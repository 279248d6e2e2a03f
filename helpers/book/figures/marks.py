"""Marks that only this book's figures need: lattices on a map of bond order, claims on a scale of agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ... import digits
from .style import MARK_COLOUR, RECORDED_COLOUR, VERDICT_COLOURS

_LABEL = 44  # longest label of a claim [characters]
_FRAME = 4.0  # agreement beyond this many allowed differences is drawn as an arrow at the edge


def add_order_marks(
    figure: go.Figure,
    threshold: float,
    lattices: Mapping[str, tuple[float, float]],
    *,
    row: int | None = None,
    col: int | None = None,
) -> go.Figure:
    """Add the arc of one normalised order and the perfect lattices to a map of Q4 against Q6.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        The map to draw on.
    threshold : float
        Normalised order of the arc.
    lattices : dict of str to (Q4, Q6)
        Order of perfect lattices, such as ``structure.REFERENCE_ORDER``; that of ``"fcc"`` is one in the
        normalised order. Of the others, ``"hcp"`` and ``"bcc"`` are marked.
    row, col : int, optional
        Place in the figure.

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure.
    """
    radius = threshold * float(np.hypot(*lattices["fcc"]))
    angle = np.linspace(0, np.pi / 2, 60)
    figure.add_scatter(
        x=radius * np.sin(angle),
        y=radius * np.cos(angle),
        mode="lines",
        line={"dash": "dash", "color": MARK_COLOUR, "width": 1.5},
        name=f"normalised order {threshold:g}",
        showlegend=False,
        hoverinfo="name",
        row=row,
        col=col,
    )
    names = [name for name in ("fcc", "hcp", "bcc") if name in lattices]
    figure.add_scatter(
        x=[lattices[n][0] for n in names],
        y=[lattices[n][1] for n in names],
        mode="markers+text",
        text=names,
        textposition=["middle right" if name == "hcp" else "top right" for name in names],
        marker={"symbol": "x", "size": 8, "color": "black"},
        name="perfect lattices",
        showlegend=False,
        row=row,
        col=col,
    )
    return figure


def draw_agreement(rows: Sequence[dict[str, Any]], *, height: float | None = None) -> go.Figure:
    """Draw how far our numbers lie from the paper's, in units of what both allow for.

    Parameters
    ----------
    rows : sequence of dict
        Rows of the ledger, as `helpers.book.ledger.scoreboard` gives them; only recorded numbers are drawn.
    height : float, optional
        Height of the figure [px]; by default 22 px a claim.

    Returns
    -------
    plotly.graph_objects.Figure
        One dot a claim; between −1 and 1 the two agree.
    """
    numbers = [r for r in rows if r["kind"] != "trend" and r["ours"] is not None]
    figure = go.Figure()
    labels = {r["claim"]: f"{r['figure']}  {_shorten(r['statement'])} ({r['sample']})" for r in numbers}
    for verdict, colour in (VERDICT_COLOURS | {"recorded": RECORDED_COLOUR}).items():
        chosen = [r for r in numbers if r["verdict"] == verdict]
        if not chosen:
            continue
        ratios = np.array([r["difference"] / r["allowed"] if r["allowed"] else 0.0 for r in chosen])
        inside = np.clip(ratios, -_FRAME, _FRAME)
        outside = np.where(ratios > _FRAME, "triangle-right", np.where(ratios < -_FRAME, "triangle-left", "circle"))
        figure.add_scatter(
            x=inside,
            y=[labels[r["claim"]] for r in chosen],
            mode="markers",
            marker={"size": 9, "color": colour, "symbol": outside},
            name=verdict,
            customdata=[[digits.write(r[key], unit=r["unit"]) for key in ("paper", "ours")] for r in chosen],
            hovertemplate="%{y}<br>paper %{customdata[0]}, here %{customdata[1]}<extra></extra>",
        )
    for edge in (-1, 1):
        figure.add_vline(x=edge, line={"dash": "dash", "width": 1, "color": MARK_COLOUR})
    figure.update_xaxes(title="(ours − paper) / allowed", range=[-_FRAME * 1.1, _FRAME * 1.1])
    order = [labels[r["claim"]] for r in numbers]
    figure.update_yaxes(categoryorder="array", categoryarray=order[::-1], automargin=True, tickfont={"size": 11})
    brief = [f"{r['figure']} {r['sample']}" if "," not in r["sample"] else r["figure"] for r in numbers]
    on_a_phone = {"yaxis.tickmode": "array", "yaxis.tickvals": order, "yaxis.ticktext": brief}
    figure.update_layout(meta={"narrow": on_a_phone})
    if not numbers:
        figure.add_annotation(
            text="No number is recorded yet.", showarrow=False, xref="paper", yref="paper", x=0.5, y=0.5,
        )  # fmt: skip
    legend = {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"}
    return figure.update_layout(height=height or max(240, 110 + 22 * len(numbers)), legend=legend)


def _shorten(statement: str) -> str:
    """Cut a claim to what fits beside its dot."""
    words = statement.partition(" (")[0].partition(",")[0].removesuffix(".")
    words = words.removeprefix("Share of ").removeprefix("the ")
    words = words[:1].upper() + words[1:]
    return words if len(words) <= _LABEL else words[: words.rindex(" ", 0, _LABEL)] + " …"
