"""All comparisons in one figure: a row a task, a dot a program."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import plotly.graph_objects as go

from ..figures.style import MARK_COLOUR, SERIES_COLOURS
from .axes import SYMBOLS, ends_of, legend_below, logarithmic
from .drawings import brief_name
from .records import Row, Run, comparisons
from .sentences import with_spread

_ROW = 21  # px of a task
_LINE = {"color": "#D0D0D0", "width": 1}


def draw_overview(runs: Sequence[Run]) -> go.Figure:
    """Draw the CPU time of all other programs in units of ours.

    Parameters
    ----------
    runs : sequence of Run
        What is recorded, with one comparison at least.

    Returns
    -------
    plotly.graph_objects.Figure
        A row for each task and size, a symbol for each package, open where it is less accurate than ours; a line where
        the next section of the page begins.
    """
    sections = {run.section: comparisons([each for each in runs if each.section == run.section]) for run in runs}
    tasks = list(dict.fromkeys((section, row.name) for section, found in sections.items() for row in found))
    briefs = {(section, row.name): brief_name(row) for section, found in sections.items() for row in found}
    figure = go.Figure()
    everything = [(section, row) for section, found in sections.items() for row in found]
    for k, peer in enumerate(dict.fromkeys(row.peer for _, row in everything)):
        here = [(section, row) for section, row in everything if row.peer == peer]
        here.sort(key=lambda pair: pair[1].is_worse)  # the legend shows the first
        symbol = SYMBOLS[k % len(SYMBOLS)].removesuffix("-open")
        figure.add_scatter(
            x=[row.cpu_ratio.median for _, row in here if row.cpu_ratio],
            y=[tasks.index((section, row.name)) for section, row in here],
            mode="markers", name=f"{peer} {here[0][1].version}",
            marker={
                "size": 9, "color": SERIES_COLOURS[k % len(SERIES_COLOURS)],
                "symbol": [f"{symbol}-open" if row.is_worse else symbol for _, row in here],
            },
            text=[_hover(row) for _, row in here], hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    ratios = [row.cpu_ratio.median for _, row in everything if row.cpu_ratio]
    logarithmic(figure.update_xaxes, *ends_of([*ratios, 1.0]))
    figure.add_vline(x=1, line={"color": MARK_COLOUR, "width": 1.5, "dash": "dash"})
    figure.update_xaxes(title_text="CPU time of the other program, in units of ours")
    for above, below in pairwise(range(len(tasks))):
        if tasks[above][0] != tasks[below][0]:
            figure.add_hline(y=(above + below) / 2, line=_LINE)
    figure.update_yaxes(
        range=[len(tasks) - 0.5, -0.5], showgrid=False, tickfont={"size": 11}, tickmode="array",
        tickvals=list(range(len(tasks))), ticktext=[f"{section}: {name}" for section, name in tasks],
    )  # fmt: skip
    narrow = {
        "yaxis.ticktext": [briefs[task] for task in tasks], "yaxis.tickfont.size": 9, "margin.l": 8,
        "xaxis.title.text": "CPU time in units of ours",
    }  # fmt: skip
    return legend_below(figure.update_layout(height=80 + _ROW * len(tasks), meta={"narrow": narrow}))


def _hover(row: Row) -> str:
    """Say in a few words what a dot stands for."""
    text = f"{row.name}, {row.program}"
    for words, value in (("CPU time", row.cpu_ratio), ("time by the clock", row.seconds_ratio)):
        if value is not None:
            text += f"<br>{words} {with_spread(value)} × ours"
    if row.memory_ratio is not None:
        text += f"<br>memory {row.memory_ratio:.2g} × ours"
    if row.error_ratio is not None:
        text += f"<br>error {row.error_ratio:.2g} × ours"
    return text
