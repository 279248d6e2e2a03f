"""How the figures of the book look: one plotly template, one colour per sample and per motif."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio
from plotly.colors import sample_colorscale

from ...samples import Sample, load_sample, sample_names
from .._schemas import skip_addresses
from ..palette import line_of, palette

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

_RENDERER = "plotly_mimetype"

_NEUTRAL = palette()["neutral"]
#: What a page compares and has no colour of its own; handed out to samples whose description names none.
SERIES_COLOURS: tuple[str, ...] = tuple(palette()["series"]["colours"])
_HANDED_OUT: dict[str, str] = {}

#: Atoms of no named sample.
ATOM_COLOUR = SERIES_COLOURS[0]
#: Atoms of crystal nuclei, and whatever else should stand back.
NUCLEUS_COLOUR: str = _NEUTRAL["nucleus"]
#: Lines that mark a place: thresholds, ideal values.
MARK_COLOUR: str = _NEUTRAL["mark"]
#: Results that were recorded earlier on data that are not here.
RECORDED_COLOUR: str = _NEUTRAL["recorded"]
#: The two kinds of atoms of a bipyramid.
CAP_COLOUR: str = _NEUTRAL["cap"]
RING_COLOUR: str = _NEUTRAL["ring"]
#: Skeletons of triplets (3) and of n-fold bipyramids, in the paper's hues; 7 and 8 follow.
MOTIF_COLOURS: dict[int, str] = {int(fold): colour for fold, colour in palette()["motifs"].items()}
#: The three axes, the three kinds of bonds of a bipyramid, places with and without tetrahedra, verdicts of the ledger.
AXIS_COLOURS: dict[str, str] = palette()["axes"]
BOND_COLOURS: dict[str, str] = palette()["bonds"]
PACKING_COLOURS: dict[str, str] = palette()["packing"]
VERDICT_COLOURS: dict[str, str] = palette()["verdicts"]
#: Words for the motifs, for legends.
MOTIF_NAMES: dict[int, str] = {
    3: "triplets",
    4: "quadrilateral bipyramids",
    5: "pentagonal bipyramids",
    6: "hexagonal bipyramids",
    7: "heptagonal bipyramids",
    8: "octagonal bipyramids",
}


def sample_colour(name: str) -> str:
    """Give the colour in which a sample is drawn on every page.

    Parameters
    ----------
    name : str
        Name of the sample: its colour stands in ``data/palette.toml`` or in its own description; any other name gets
        the next free one and keeps it.

    Returns
    -------
    str
        Hexadecimal colour.

    Examples
    --------
    >>> from helpers.book.figures import sample_colour
    >>> sample_colour("Pd1")
    '#2770BC'
    """
    sample = _described(name)
    known = line_of(sample.name if sample is not None else name)
    if sample is not None and sample.colour is not None:
        return sample.colour
    if known is not None:
        return known[0]
    return _HANDED_OUT.setdefault(name, SERIES_COLOURS[len(_HANDED_OUT) % len(SERIES_COLOURS)])


def sample_line(name: str, *, width: float = 2.0) -> dict[str, Any]:
    """Give the ``line`` of a plotly trace for a sample: its colour and its pattern.

    Parameters
    ----------
    name : str
        Name of the sample.
    width : float
        Width of the line [px].

    Returns
    -------
    dict
        ``color``, ``dash`` and ``width``.
    """
    sample = _described(name)
    known = line_of(sample.name if sample is not None else name)
    dash = (sample.dash if sample is not None else None) or (known[1] if known else "solid")
    return {"color": sample_colour(name), "dash": dash, "width": width}


def label_of(name: str) -> str:
    """Return what figures call a sample; any other name stays as it is.

    Examples
    --------
    >>> from helpers.book.figures import label_of
    >>> label_of("Pd1"), label_of("MD300"), label_of("fit")
    ('Pd 1', 'simulated glass (300 K)', 'fit')
    """
    sample = _described(name)
    return sample.short if sample is not None else name


def name_samples(figure: go.Figure, samples: Sequence[str]) -> go.Figure:
    """Say which samples a figure shows where those are not the page's own, so that its caption can tell their origin.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        The figure.
    samples : list of str
        Names known to `helpers.sample_names`.

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure.

    Examples
    --------
    >>> from helpers.book.figures import draw_curves, name_samples
    >>> figure = draw_curves({"Ta": ([0, 1], [0, 1])}, x_title="r [Å]", y_title="g(r)")
    >>> name_samples(figure, ["Ta"]).layout.meta["samples"]
    ['Ta']
    """
    return figure.update_layout(meta={**(figure.layout.meta or {}), "samples": list(samples)})


def _described(name: str) -> Sample | None:
    """Find a sample by its name, or by what figures call it."""
    known = sample_names()
    if name in known:
        return load_sample(name)
    return next((sample for sample in map(load_sample, known) if sample.short == name), None)


def colour_sequence(count: int, *, scale: str = "Plasma") -> list[str]:
    """Give ``count`` colours in order, for curves that follow a temperature, a tilt or an iteration.

    Parameters
    ----------
    count : int
        Number of colours, at least one.
    scale : str
        Name of a plotly colour scale. Its paler third is left out, so that every line can be seen on white.

    Returns
    -------
    list of str
        Colours from the first to the last curve.

    Raises
    ------
    ValueError
        If ``count`` is below one.
    """
    if count < 1:
        msg = f"count is {count}; expected at least one colour"
        raise ValueError(msg)
    if count == 1:
        return sample_colorscale(scale, [0.0])
    return sample_colorscale(scale, [0.65 * i / (count - 1) for i in range(count)])


def _axis(**options: Any) -> dict[str, Any]:
    return {
        "showline": True,
        "linecolor": "#444444",
        "linewidth": 1,
        "mirror": True,
        "ticks": "outside",
        "tickcolor": "#444444",
        "ticklen": 4,
        "showgrid": True,
        "gridcolor": "#ECECEC",
        "zeroline": False,
        "automargin": True,
        "title": {"standoff": 8},
        **options,
    }


def _template() -> go.layout.Template:
    hidden = {
        "visible": False,
        "showbackground": False,
        "showspikes": False,
    }
    layout = go.Layout(
        font={"family": FONT, "size": 14, "color": "#222222"},
        title={"x": 0.0, "xref": "paper", "xanchor": "left", "font": {"size": 16}},
        paper_bgcolor="#FFFFFF",
        plot_bgcolor="#FFFFFF",
        colorway=list(SERIES_COLOURS),
        colorscale={"sequential": "Viridis", "diverging": "RdBu_r"},
        xaxis=_axis(),
        yaxis=_axis(),
        margin={"l": 64, "r": 16, "t": 32, "b": 56},
        legend={"bgcolor": "rgba(255,255,255,0.75)", "itemsizing": "constant", "tracegroupgap": 4},
        hoverlabel={"font": {"family": FONT, "size": 13}},
        scene={
            "xaxis": hidden,
            "yaxis": hidden,
            "zaxis": hidden,
            "aspectmode": "data",
            "dragmode": "orbit",
            "camera": {"projection": {"type": "orthographic"}},
        },
    )
    template = go.layout.Template(layout=layout)
    template.data.heatmap = [go.Heatmap(colorbar={"outlinewidth": 0, "ticklen": 4, "thickness": 14})]
    return template


def use_style() -> None:
    """Make the book's template the default of plotly, and let notebooks store figures as plotly JSON.

    Importing :mod:`helpers.book.figures` calls it; call it again after another library has changed the
    defaults.
    """
    skip_addresses()
    pio.templates["book"] = _template()
    pio.templates.default = "book"
    if "COLAB_NOTEBOOK_ID" in os.environ or os.environ.get("PLOTLY_RENDERER", _RENDERER) != _RENDERER:
        return
    os.environ["PLOTLY_RENDERER"] = _RENDERER  # read when the first figure is shown, with all that this loads
    if "plotly.io._renderers" in sys.modules:
        pio.renderers.default = _RENDERER


def check_names(names: Sequence[str]) -> list[str]:
    """Return ``names`` as a list of distinct strings, or say what is wrong with it."""
    if isinstance(names, str):
        msg = f"names is the string {names!r}; expected a list of names, for instance [{names!r}]"
        raise TypeError(msg)
    found = [str(name) for name in names]
    if not found:
        msg = "names is empty; expected at least one panel"
        raise ValueError(msg)
    if len(set(found)) < len(found):
        msg = f"names holds one name twice: {found}"
        raise ValueError(msg)
    return found
