"""Curves, step histograms, bars and images with their axes and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ... import digits
from ...checks import check_choice, check_positive
from .panels import panels
from .style import RECORDED_COLOUR, label_of, sample_colour, sample_line

_ROOM, _BAR_ROOM = 610.0, 80.0  # width of a page's panels without their margins, and what a colour bar takes [px]


def draw_curves(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    x_title: str,
    y_title: str,
    offset: float = 0.0,
    colours: Mapping[str, str] | Sequence[str] | None = None,
    markers: bool = False,
    errors: Mapping[str, ArrayLike] | None = None,
    title: str | None = None,
    figure: go.Figure | None = None,
    row: int | None = None,
    col: int | None = None,
    height: float = 420,
) -> go.Figure:
    """Draw one line a name.

    Parameters
    ----------
    curves : dict of str to (x, y)
        Two (N,) arrays a name; a sample's name gives its colour and pattern.
    x_title, y_title : str
        Axis titles with their units.
    offset : float
        Each curve is drawn this much higher than the one before it; say so in ``y_title``.
    colours : dict or list of str, optional
        Colours other than those of the samples, for instance :func:`colour_sequence`.
    markers : bool
        Whether the points themselves are drawn on the line.
    errors : dict of str to (N,) array, optional
        Standard uncertainty of y, drawn as bars.
    title : str, optional
        Title above the figure.
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
        If x and y of a curve differ in length.

    Examples
    --------
    >>> from helpers.book.figures import draw_curves
    >>> figure = draw_curves({"Ta": ([0, 1, 2], [0.0, 1.0, 0.5])}, x_title="r [Å]", y_title="g(r)")
    >>> figure.data[0].line.color
    '#009B69'
    """
    figure, place = _take(figure, row, col, x_title, y_title, title, height)
    for i, (name, (x, y)) in enumerate(curves.items()):
        across, up = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if across.ndim != 1 or across.shape != up.shape:
            msg = f"curve {name!r} has x of shape {across.shape} and y of shape {up.shape}"
            raise ValueError(msg)
        line = sample_line(name) if colours is None else {"color": _colour(colours, name, i), "width": 2}
        bars = None
        if errors is not None and name in errors:
            bars = {"type": "data", "array": np.asarray(errors[name], dtype=np.float32), "thickness": 1}
        figure.add_scatter(
            x=across.astype(np.float32), y=(up + i * offset).astype(np.float32), error_y=bars, line=line,
            mode="lines+markers" if markers else "lines", name=label_of(name),
            **_legend(figure, label_of(name)), **place,
        )  # fmt: skip
    return figure


def add_recorded(
    figure: go.Figure,
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    steps: bool = False,
    row: int | None = None,
    col: int | None = None,
) -> go.Figure:
    """Add in grey what was recorded on data that are not here; nothing where there is nothing.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure
        The figure to draw on.
    curves : dict of str to (x, y)
        Recorded curves a sample, as `helpers.book.ledger.Page.keep` returns them.
    steps : bool
        Whether the curves are histograms.
    row, col : int, optional
        Place in the figure.

    Returns
    -------
    plotly.graph_objects.Figure
        The same figure.

    Examples
    --------
    >>> from helpers.book.figures import add_recorded, draw_curves
    >>> figure = draw_curves({"demo": ([0, 1], [0, 1])}, x_title="r [Å]", y_title="g(r)")
    >>> add_recorded(figure, {"Ta": ([0, 1], [1, 0])}).data[1].name
    'Ta film, recorded'
    """
    place = {} if row is None or col is None else {"row": row, "col": col}
    for (name, (x, y)), dash in zip(curves.items(), ("solid", "dash", "dot", "dashdot") * len(curves), strict=False):
        words = f"{label_of(name)}, recorded"
        figure.add_scatter(
            x=np.asarray(x, dtype=np.float32), y=np.asarray(y, dtype=np.float32), mode="lines", name=words,
            line={"color": RECORDED_COLOUR, "dash": dash, "width": 1.5, "shape": "hv" if steps else "linear"},
            **_legend(figure, words), **place,
        )  # fmt: skip
    return figure


def draw_histograms(
    values: Mapping[str, ArrayLike],
    *,
    bins: int | ArrayLike = 60,
    limits: tuple[float, float] | None = None,
    norm: Literal["density", "fraction", "percent", "count"] = "density",
    x_title: str,
    y_title: str | None = None,
    colours: Mapping[str, str] | Sequence[str] | None = None,
    fill: bool = False,
    title: str | None = None,
    figure: go.Figure | None = None,
    row: int | None = None,
    col: int | None = None,
    height: float = 420,
) -> go.Figure:
    """Draw step histograms, counted here so that a page stores the counts and not the values.

    Parameters
    ----------
    values : dict of str to (N,) array
        Values a name; NaN are left out.
    bins : int or (B + 1,) array
        Number of bins, common to all names, or their edges.
    limits : (float, float), optional
        Ends of the histogram; by default those of all values.
    norm : {"density", "fraction", "percent", "count"}
        What is drawn: area one, or the share or number in each bin of all finite values given (those
        outside ``limits`` too).
    x_title, y_title : str
        Axis titles with their units; that of y follows ``norm`` by default.
    colours, title, figure, row, col, height
        As in :func:`draw_curves`.
    fill : bool
        Whether the area under the steps is tinted.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure, new or the one given.

    Examples
    --------
    >>> from helpers.book.figures import draw_histograms
    >>> figure = draw_histograms({"Ta": [1.0, 1.5, 3.0]}, bins=[0, 2, 4], norm="count", x_title="x")
    >>> figure.data[0].y.tolist()
    [0.0, 2.0, 1.0, 0.0]
    """
    check_choice("norm", norm, ("density", "fraction", "percent", "count"))
    if y_title is None:
        words = {
            "density": "probability density",
            "fraction": "fraction",
            "percent": "share [%]",
            "count": "count",
        }
        y_title = words[norm]
    figure, place = _take(figure, row, col, x_title, y_title, title, height)
    arrays = {name: np.asarray(array, dtype=np.float64).ravel() for name, array in values.items()}
    arrays = {name: array[np.isfinite(array)] for name, array in arrays.items()}
    pooled = np.concatenate(list(arrays.values()) or [np.zeros(0)])
    edges = np.histogram_bin_edges(pooled if pooled.size else [0.0, 1.0], bins=bins, range=limits)
    for i, (name, array) in enumerate(arrays.items()):
        heights = np.histogram(array, bins=edges)[0].astype(np.float64)
        total = max(len(array), 1)
        if norm == "density":
            heights /= total * np.diff(edges)
        elif norm != "count":
            heights *= (100.0 if norm == "percent" else 1.0) / total
        line = sample_line(name) if colours is None else {"color": _colour(colours, name, i), "width": 2}
        figure.add_scatter(
            x=np.concatenate([edges[:1], edges]).astype(np.float32),
            y=np.concatenate([[0.0], heights, [0.0]]).astype(np.float32),
            line={**line, "shape": "hv"}, mode="lines", name=label_of(name), fill="tozeroy" if fill else None,
            **_legend(figure, label_of(name)), **place,
        )  # fmt: skip
    return figure


def draw_bars(
    categories: Sequence[str],
    values: Mapping[str, ArrayLike],
    *,
    errors: Mapping[str, ArrayLike] | None = None,
    x_title: str = "",
    y_title: str,
    colours: Mapping[str, str] | Sequence[str] | None = None,
    title: str | None = None,
    figure: go.Figure | None = None,
    row: int | None = None,
    col: int | None = None,
    height: float = 420,
) -> go.Figure:
    """Draw grouped bars: for each category one bar a name.

    Parameters
    ----------
    categories : (C,) list of str
        Labels below the groups.
    values : dict of str to (C,) array
        Heights a name, usually a sample.
    errors : dict of str to (C,) array, optional
        Standard uncertainties, drawn as bars.
    x_title, y_title : str
        Axis titles with their units.
    colours, title, figure, row, col, height
        As in :func:`draw_curves`.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure, new or the one given.

    Raises
    ------
    ValueError
        If a name has not one value a category.
    """
    figure, place = _take(figure, row, col, x_title, y_title, title, height)
    labels = [str(category) for category in categories]
    for i, (name, heights) in enumerate(values.items()):
        array = np.asarray(heights, dtype=np.float64)
        if array.shape != (len(labels),):
            msg = f"values[{name!r}] has shape {array.shape}; expected ({len(labels)},)"
            raise ValueError(msg)
        colour = sample_colour(name) if colours is None else _colour(colours, name, i)
        bars = None
        if errors is not None and name in errors:
            bars = {"type": "data", "array": np.asarray(errors[name], dtype=np.float32), "thickness": 1}
        figure.add_bar(
            x=labels, y=array.astype(np.float32), name=label_of(name), marker_color=colour, error_y=bars,
            **_legend(figure, label_of(name)), **place,
        )  # fmt: skip
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(type="category", showgrid=False, **place)
    return figure


def draw_images(
    images: Mapping[str, ArrayLike],
    *,
    pixel_size: float | Mapping[str, float],
    axes: tuple[str, str] = ("x", "y"),
    unit: str = "Å",
    value_title: str = "",
    value_range: tuple[float, float] | None = None,
    diverging: bool = False,
    colour_scale: str | None = None,
    common_scale: bool = True,
    centred: bool = True,
    max_pixels: int = 512,
    columns: int | None = None,
    title: str | None = None,
    height: float | None = None,
) -> go.Figure:
    """Draw slices or micrographs side by side, in equal aspect with axes in Å.

    Parameters
    ----------
    images : dict of str to (X, Y) array
        One panel a name; the first index runs along the first axis (to the right), the second one
        upwards. NaN is left blank.
    pixel_size : float or dict of str to float
        Width of a pixel in ``unit``.
    axes : (str, str)
        Names of the two axes.
    unit : str
        Unit of ``pixel_size``, for instance ``"1/Å"`` for power spectra.
    value_title : str
        What the values are, with their unit.
    value_range : (float, float), optional
        Ends of the colour scale; by default the 0.1 and 99.9 percentiles of all images.
    diverging : bool
        Whether the scale is centred on zero, blue below and red above.
    colour_scale : str, optional
        Name of a plotly colour scale; grey by default.
    common_scale : bool
        Whether all panels share one colour scale; otherwise each image fills its own, without a bar.
    centred : bool
        Whether the axes are zero at index n // 2, or at the first pixel.
    max_pixels : int
        Longer images are averaged over blocks of whole pixels down to this before they are stored.
    columns, title, height
        As in :func:`panels` and :func:`draw_curves`; the height is that of one row [px] and follows the
        images' shape by default.

    Returns
    -------
    plotly.graph_objects.Figure
        A new figure. Images are stored in 255 steps of the colour scale, one byte a pixel.

    Raises
    ------
    ValueError
        If an image is not two-dimensional.
    """
    arrays = {name: _image(name, image) for name, image in images.items()}
    across = columns or (2 if len(arrays) in (2, 4) else min(3, len(arrays)))
    alike = len({array.shape for array in arrays.values()}) == 1 and not isinstance(pixel_size, Mapping)
    gap = 0.03 if alike else 0.1  # images of one size need the numbers of the left axis only
    if height is None:
        wide = (_ROOM - (_BAR_ROOM if common_scale else 0)) * (1 - gap * (across - 1)) / across
        tallest = max(array.shape[1] / array.shape[0] for array in arrays.values())
        height = float(np.clip(wide * tallest + 60, 160, 560))
    figure, places = panels(
        list(arrays), columns=across, height=height, shared=False, gap=gap,
        x_title=f"{axes[0]} [{unit}]", y_title=f"{axes[1]} [{unit}]",
    )  # fmt: skip
    ranges = {name: _range([array], value_range, diverging) for name, array in arrays.items()}
    if common_scale:
        ranges = dict.fromkeys(arrays, _range(list(arrays.values()), value_range, diverging))
    scale = colour_scale or ("RdBu_r" if diverging else "Greys_r")
    for i, (name, array) in enumerate(arrays.items()):
        step = check_positive("pixel_size", pixel_size[name] if isinstance(pixel_size, Mapping) else pixel_size)
        block = max(1, -(-max(array.shape) // max_pixels))
        origin = [-(n // 2) if centred else 0 for n in array.shape]
        small = _shrink(array, block)
        low, high = ranges[name]
        place = places[name]
        figure.add_heatmap(
            z=_bytes(small, low, high).T,
            x0=(origin[0] + (block - 1) / 2) * step, dx=block * step,
            y0=(origin[1] + (block - 1) / 2) * step, dy=block * step,
            zmin=0, zmax=254, colorscale=scale, name=label_of(name), hovertemplate=_hover(axes, unit, value_title),
            showscale=common_scale and i == 0, colorbar=_colour_bar(low, high, value_title),
            meta={"ends": [low, high]}, **place,
        )  # fmt: skip
        number = "" if i == 0 else str(i + 1)
        figure.update_xaxes(constrain="domain", showgrid=False, **place)
        figure.update_yaxes(scaleanchor=f"x{number}", constrain="domain", showgrid=False, **place)
        if place["col"] > 1:
            figure.update_yaxes(title_text=None, showticklabels=not alike, **place)
    if title:
        figure.update_layout(title_text=title, margin_t=72)
    return figure


def draw_maps(
    points: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    x_title: str,
    y_title: str,
    limits: tuple[tuple[float, float], tuple[float, float]],
    bins: int = 120,
    logarithmic: bool = True,
    colour_scale: str = "Viridis",
    columns: int | None = None,
    height: float = 340,
) -> tuple[go.Figure, dict[str, dict[str, int]]]:
    """Draw how often two numbers occur together, one panel a name, empty bins blank.

    Parameters
    ----------
    points : dict of str to (x, y)
        Two (N,) arrays a name, for instance Q4 and Q6 of every atom of a sample.
    x_title, y_title : str
        Axis titles with their units.
    limits : ((float, float), (float, float))
        Ends of x and of y; what lies outside is not drawn.
    bins : int
        Bins along each axis.
    logarithmic : bool
        Whether the colour follows the logarithm of the share.
    colour_scale : str
        Name of a plotly colour scale.
    columns, height
        As in :func:`panels`.

    Returns
    -------
    figure : plotly.graph_objects.Figure
        A new figure. The colour is the share of a panel's points in a bin, relative to the fullest bin.
    places : dict
        Row and column of each name, to draw lines and marks on top.
    """
    figure, places = panels(list(points), columns=columns, height=height, x_title=x_title, y_title=y_title)
    low = 0.0
    shares: dict[str, NDArray[np.float64]] = {}
    for name, (x, y) in points.items():
        counts = np.histogram2d(np.ravel(x), np.ravel(y), bins=bins, range=limits)[0]
        shares[name] = np.where(counts > 0, counts / max(counts.max(), 1.0), np.nan)
    if logarithmic:
        shares = {name: np.log10(share) for name, share in shares.items()}
        low = min((np.nanmin(share) for share in shares.values() if np.isfinite(share).any()), default=-1.0)
    steps = [(end - start) / bins for start, end in limits]
    for i, (name, share) in enumerate(shares.items()):
        figure.add_heatmap(
            z=_bytes(share, low, 1.0 if not logarithmic else 0.0).T,
            x0=limits[0][0] + steps[0] / 2, dx=steps[0], y0=limits[1][0] + steps[1] / 2, dy=steps[1],
            zmin=0, zmax=254, colorscale=colour_scale, name=label_of(name), showscale=i == 0,
            hovertemplate=f"{x_title} %{{x:.3~f}}<br>{y_title} %{{y:.3~f}}<extra>{label_of(name)}</extra>",
            colorbar=_colour_bar(low, 0.0 if logarithmic else 1.0, "relative frequency", logarithmic),
            **places[name],
        )  # fmt: skip
    figure.update_xaxes(range=list(limits[0]))
    figure.update_yaxes(range=list(limits[1]))
    return figure, places


def _hover(axes: tuple[str, str], unit: str, value_title: str) -> str:
    """Say what lies under the pointer. The page's script puts the values in place of the stored bytes."""
    where = "<br>".join(f"{axis} %{{{letter}:.4~g}} {unit}" for axis, letter in zip(axes, "xy", strict=True))
    return f"{where}<br>{value_title or 'value'}: %{{z:.4~g}}<extra></extra>"


def _take(
    figure: go.Figure | None, row: int | None, col: int | None, x_title: str, y_title: str,
    title: str | None, height: float,
) -> tuple[go.Figure, dict[str, int]]:  # fmt: skip
    if figure is None:
        figure = go.Figure(layout={"height": height})
        figure.update_xaxes(title_text=x_title)
        figure.update_yaxes(title_text=y_title)
    if title:
        figure.update_layout(title_text=title)
    return figure, {} if row is None or col is None else {"row": row, "col": col}


def _legend(figure: go.Figure, name: str) -> dict[str, Any]:
    """One legend entry a name, however many panels it is drawn in."""
    return {"legendgroup": name, "showlegend": name not in {trace.name for trace in figure.data}}


def _colour(colours: Mapping[str, str] | Sequence[str], name: str, i: int) -> str:
    if isinstance(colours, Mapping):
        return colours.get(name) or sample_colour(name)
    return colours[i % len(colours)]


def _image(name: str, image: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(image, dtype=np.float64)
    if array.ndim != 2 or array.size == 0:
        msg = f"images[{name!r}] has shape {array.shape}; expected (X, Y)"
        raise ValueError(msg)
    return array


def _range(
    arrays: Sequence[NDArray[np.float64]], given: tuple[float, float] | None, diverging: bool
) -> tuple[float, float]:
    if given is not None:
        return float(given[0]), float(given[1])
    values = np.concatenate([array[np.isfinite(array)] for array in arrays])
    if values.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, [0.1, 99.9])
    if diverging:
        end = float(max(abs(low), abs(high))) or 1.0
        return -end, end
    return float(low), float(high if high > low else low + 1.0)


def _shrink(array: NDArray[np.float64], block: int) -> NDArray[np.float64]:
    if block == 1:
        return array
    x, y = (n // block * block for n in array.shape)
    return array[:x, :y].reshape(x // block, block, y // block, block).mean(axis=(1, 3))


def _bytes(array: NDArray[np.float64], low: float, high: float) -> NDArray[Any]:
    """Give steps 0…254 of the scale; with undefined pixels as floats, because only those know NaN."""
    steps = np.round(np.clip((array - low) / (high - low), 0.0, 1.0) * 254)
    if np.isfinite(steps).all():
        return steps.astype(np.uint8)
    return steps.astype(np.float32)


def _colour_bar(low: float, high: float, title: str, logarithmic: bool = False) -> dict[str, Any]:
    """Describe a bar whose ticks stand at round values of what the bytes mean."""
    if logarithmic:
        within = [(f, k) for k in range(int(np.floor(low)), int(np.ceil(high)) + 1) for f in (1, 2, 5)]
        within = [(f, k) for f, k in within if low - 1e-9 <= k + np.log10(f) <= high + 1e-9]
        if high - low > 2:
            within = [(f, k) for f, k in within if f == 1]
        ticks = np.array([k + np.log10(f) for f, k in within])
        text = [digits.write(f * 10.0**k, places=max(-k, 0)) for f, k in within]
    else:
        raw = (high - low) / 5
        power = 10.0 ** np.floor(np.log10(raw))
        step = next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= raw * 0.999)
        ticks = step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)
        exact = step if step / power != 2.5 else step / 10
        text = [digits.write(t, places=digits.places_of(exact / 2)) for t in ticks]
    places = (ticks - low) / (high - low) * 254
    return {
        "title": {"text": title, "side": "right"},
        "tickvals": [round(float(p), 2) for p in places],
        "ticktext": text,
        "thickness": 14,
        "outlinewidth": 1,
        "outlinecolor": "#BBBBBB",
    }
