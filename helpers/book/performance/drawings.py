"""Figures of the page on performance, from what was recorded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from ..figures import panels
from ..figures.style import MARK_COLOUR, SERIES_COLOURS
from .axes import SYMBOLS, ends_of, legend_below, logarithmic
from .records import Row, Spread, growth, rows
from .sentences import full_name

_DASHES = ("solid", "dash", "dot", "dashdot")
_ROW = 34  # px of a program in the figure of ratios


def draw_ratios(found: Sequence[Row]) -> go.Figure:
    """Draw what other programs take in units of what ours takes: CPU time, time by the clock, memory.

    Parameters
    ----------
    found : sequence of Row
        Programs that ran beside ours, as `records.comparisons` gives them.

    Returns
    -------
    plotly.graph_objects.Figure
        Medians with bars from the lowest to the highest turn, on a logarithmic axis; right of the line at one, ours
        takes less.
    """
    figure = go.Figure()
    kinds = (("CPU time", "cpu_ratio", -0.22), ("time by the clock", "seconds_ratio", 0.0), ("memory", "", 0.22))
    for (name, of, shift), symbol, colour in zip(kinds, SYMBOLS, SERIES_COLOURS, strict=False):
        values = [getattr(row, of) if of else Spread(*[row.memory_ratio or math.nan] * 3) for row in found]
        bars = {
            "type": "data", "symmetric": False, "thickness": 1.5, "width": 3,
            "array": [v.high - v.median for v in values], "arrayminus": [v.median - v.low for v in values],
        }  # fmt: skip
        figure.add_scatter(
            x=[v.median for v in values], y=[i + shift for i in range(len(found))], mode="markers", name=name,
            error_x=bars if of else None, marker={"symbol": symbol, "size": 8, "color": colour},
            text=[f"{row.name}, {row.program}" for row in found],
            hovertemplate="%{text}: %{x:.3g} × ours<extra>" + name + "</extra>",
        )  # fmt: skip
    ends = [end for row in found for v in (row.cpu_ratio, row.seconds_ratio) if v for end in (v.low, v.high)]
    ends += [row.memory_ratio for row in found if row.memory_ratio]
    low, high = math.log10(min([*ends, 1.0])) - 0.15, math.log10(max([*ends, 1.0])) + 0.15
    figure.add_vline(x=1, line={"color": MARK_COLOUR, "width": 1.5, "dash": "dash"})
    logarithmic(figure.update_xaxes, low, high)
    figure.update_xaxes(title_text="the other program, in units of ours")
    for above, below in pairwise(range(len(found))):
        if found[above].name != found[below].name:
            figure.add_hline(y=(above + below) / 2, line={"color": "#D0D0D0", "width": 1})
    labels = [f"{row.name}<br>{row.program}" for row in found]
    ticks: dict[str, Any] = {"tickmode": "array", "tickvals": list(range(len(found))), "ticktext": labels}
    figure.update_yaxes(range=[len(found) - 0.5, -0.5], showgrid=False, tickfont={"size": 11}, **ticks)
    narrow = {"yaxis.ticktext": [_brief(row) for row in found], "yaxis.tickfont.size": 9, "margin.l": 8}
    return legend_below(figure.update_layout(height=90 + _ROW * len(found), meta={"narrow": narrow}))


def draw_growth(table: dict[str, Any], noun: str = "atoms") -> go.Figure:
    """Draw CPU time and memory for each atom against the number of atoms: level is linear.

    Parameters
    ----------
    table : dict
        Cases of which some were measured at three sizes or more.
    noun : str
        What the sizes count.

    Returns
    -------
    plotly.graph_objects.Figure
        Two panels with logarithmic axes.
    """
    titles = ("CPU time", "peak memory")
    one = noun.removesuffix("s")
    figure, places = panels(titles, x_title=f"number of {noun}", shared=False, height=360, gap=0.16)
    tasks = list(dict.fromkeys(task for task, _ in growth(table)))
    programs = list(dict.fromkeys(program for _, program in growth(table)))
    across: list[float] = []
    heights: dict[str, list[float]] = {title: [] for title in titles}
    for (task, program), series in growth(table).items():
        name = f"{task}, {program}" if len(programs) > 1 else task
        sizes = [row.size or 1 for row in series]
        across += sizes
        colour = SERIES_COLOURS[tasks.index(task) % len(SERIES_COLOURS)]
        look = {
            "line": {"color": colour, "width": 2, "dash": _DASHES[programs.index(program) % len(_DASHES)]},
            "marker": {"symbol": SYMBOLS[programs.index(program) % len(SYMBOLS)], "size": 7},
            "mode": "lines+markers", "name": name, "legendgroup": name,
        }  # fmt: skip
        times = [Spread(*(1e6 * t / n for t in row.cpu or ())) for row, n in zip(series, sizes, strict=True)]
        each = [t.median for t in times]
        bars = {
            "type": "data", "symmetric": False, "thickness": 1,
            "array": [t.high - t.median for t in times], "arrayminus": [t.median - t.low for t in times],
        }  # fmt: skip
        at = f"%{{x:,}} {noun}: %{{y:.3g}}"
        took = {"error_y": bars, "hovertemplate": f"{at} µs of CPU / {one}<extra>{name}</extra>"}
        figure.add_scatter(x=sizes, y=each, **took, **look, **places["CPU time"])
        bytes_each = [max(row.memory or 0, 1.0) / size for row, size in zip(series, sizes, strict=True)]
        held = {"showlegend": False, "hovertemplate": f"{at} bytes / {one}<extra>{name}</extra>"}
        figure.add_scatter(x=sizes, y=bytes_each, **held, **look, **places["peak memory"])
        heights["CPU time"] += each
        heights["peak memory"] += bytes_each
    for title, unit in zip(titles, ("µs", "bytes"), strict=True):
        logarithmic(figure.update_xaxes, *ends_of(across), places[title], whole=True)
        logarithmic(figure.update_yaxes, *ends_of(heights[title]), places[title])
        figure.update_yaxes(title_text=f"{title} / {one} [{unit}]", **places[title])
    return legend_below(figure)


def draw_errors(table: dict[str, Any]) -> go.Figure | None:
    """Draw error against CPU time for the tasks in which two programs or more were compared with the truth.

    Returns
    -------
    plotly.graph_objects.Figure or None
        One panel a task; None if there is no such task.
    """
    by_task: dict[str, list[Row]] = {}
    for row in rows(table):
        if row.error is not None and row.cpu is not None:
            by_task.setdefault(row.name, []).append(row)
    by_task = {task: found for task, found in by_task.items() if len({row.program for row in found}) > 1}
    if not by_task:
        return None
    figure, places = panels(list(by_task), x_title="CPU time [s]", shared=False, height=340, gap=0.16, columns=2)
    programs = list(dict.fromkeys(row.program for found in by_task.values() for row in found))
    words = table.get("errors") or {}
    for task, found in by_task.items():
        for row in found:
            assert row.cpu is not None
            k = programs.index(row.program)
            bars = {
                "type": "data", "symmetric": False, "thickness": 1,
                "array": [row.cpu.high - row.cpu.median], "arrayminus": [row.cpu.median - row.cpu.low],
            }  # fmt: skip
            figure.add_scatter(
                x=[row.cpu.median], y=[row.error], mode="markers", name=row.program, legendgroup=row.program,
                showlegend=row.program not in {trace.name for trace in figure.data}, error_x=bars,
                hovertemplate=f"%{{x:.3g}} s of CPU, error %{{y:.3g}}<extra>{full_name(row)}</extra>",
                marker={"symbol": SYMBOLS[k % len(SYMBOLS)], "size": 9,
                        "color": SERIES_COLOURS[k % len(SERIES_COLOURS)]},
                **places[task],
            )  # fmt: skip
        times = [end for row in found if row.cpu for end in row.cpu]
        logarithmic(figure.update_xaxes, *ends_of(times), places[task])
        figure.update_yaxes(title_text=words.get(found[0].task, "error"), **places[task])
    return legend_below(figure)


def draw_table(table: dict[str, Any]) -> go.Figure | None:
    """Draw a table of any other shape as its bench file asked; None if it asked for no figure."""
    plot = table["plot"]
    if not plot:
        return None
    return _bars(table, plot) if plot.get("kind") == "bars" else _lines(table, plot)


def _lines(table: dict[str, Any], plot: dict[str, str]) -> go.Figure:
    of_panel, of_series, log = plot.get("panel", ""), plot.get("series", ""), plot.get("log", "")
    found = [row for row in table["rows"] if row.get(plot["x"]) is not None and row.get(plot["y"]) is not None]
    names = list(dict.fromkeys(str(row.get(of_panel, "")) for row in found)) or [""]
    titles = {key: _title(table, plot[key]) for key in ("x", "y")}
    units = dict(table["columns"])
    figure, places = panels(
        names, x_title=titles["x"], y_title=titles["y"], shared=False, height=360, gap=0.16, columns=2
    )
    programs = list(dict.fromkeys(str(row.get(of_series, "")) for row in found))
    for name in names:
        here = [row for row in found if str(row.get(of_panel, "")) == name]
        for k, program in enumerate(programs):
            curve = [row for row in here if str(row.get(of_series, "")) == program]
            if not curve:
                continue
            figure.add_scatter(
                x=[row[plot["x"]] for row in curve], y=[row[plot["y"]] for row in curve], mode="lines+markers",
                hovertemplate=f"{plot['x']} %{{x:.3g}} {units[plot['x']]}<br>{plot['y']} %{{y:.3g}} {units[plot['y']]}"
                f"<extra>{program}</extra>",
                name=program, legendgroup=program, showlegend=program not in {trace.name for trace in figure.data},
                line={"color": SERIES_COLOURS[k % len(SERIES_COLOURS)], "width": 2,
                      "dash": _DASHES[k // len(SERIES_COLOURS) % len(_DASHES)]},
                marker={"symbol": SYMBOLS[k % len(SYMBOLS)], "size": 6},
                **places[name],
            )  # fmt: skip
        for axis, update in (("x", figure.update_xaxes), ("y", figure.update_yaxes)):
            values = [row[plot[axis]] for row in here if row[plot[axis]] > 0]
            if axis in log and values:
                logarithmic(update, *ends_of(values), places[name])
    return legend_below(figure)


def _bars(table: dict[str, Any], plot: dict[str, str]) -> go.Figure:
    of_series = plot.get("series", "")
    found = [row for row in table["rows"] if row.get(plot["x"]) is not None]
    names = list(dict.fromkeys(str(row[plot["y"]]) for row in found))
    figure = go.Figure()
    for k, program in enumerate(dict.fromkeys(str(row.get(of_series) or "") for row in found)):
        bars = [row for row in found if str(row.get(of_series) or "") == program]
        figure.add_bar(
            x=[row[plot["x"]] for row in bars], y=[str(row[plot["y"]]) for row in bars], orientation="h", name=program,
            hovertemplate=f"%{{y}}: %{{x:.3g}} {dict(table['columns'])[plot['x']]}<extra>{program}</extra>",
            marker={"color": SERIES_COLOURS[k % len(SERIES_COLOURS)],
                    "pattern": {"shape": ("", "/", ".")[k // len(SERIES_COLOURS) % 3]}},
            showlegend=bool(of_series),
        )  # fmt: skip
    if "x" in plot.get("log", "") and found:
        logarithmic(figure.update_xaxes, *ends_of([row[plot["x"]] for row in found if row[plot["x"]] > 0]))
    figure.update_xaxes(title_text=_title(table, plot["x"]))
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1], tickfont={"size": 11}, showgrid=False)
    figure.update_layout(barmode="stack", bargap=0.25, height=130 + 22 * len(names))
    return legend_below(figure)


def _title(table: dict[str, Any], column: str) -> str:
    unit = dict(table["columns"])[column]
    return f"{column} [{unit}]" if unit else column


def brief_name(row: Row) -> str:
    """Cut a task to what fits beside a dot on a phone, with its size as a power of ten."""
    task = row.task if len(row.task) <= 16 else row.task[:15] + "…"
    if row.size is None:
        return task
    mantissa, power = f"{row.size:.0e}".split("e+")
    times = "" if mantissa == "1" else f"{mantissa}·"
    return f"{task} {times}10<sup>{int(power)}</sup>"


def _brief(row: Row) -> str:
    program = row.program if len(row.program) <= 18 else row.program[:17] + "…"
    return f"{brief_name(row)}<br>{program}"
