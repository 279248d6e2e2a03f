"""Atoms, tetrahedra and skeletons in three dimensions, light enough for a web page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ...checks import check_positions
from .frames import frame_points
from .style import (
    ATOM_COLOUR,
    MARK_COLOUR,
    MOTIF_COLOURS,
    MOTIF_NAMES,
    NUCLEUS_COLOUR,
    SERIES_COLOURS,
    label_of,
    sample_colour,
)

#: Coordinates are rounded to this [Å], a third of the paper's precision, so that pages compress well.
ROUNDING = 1 / 16
#: A typical atom's drawn diameter [Å] and the limits of the drawn size [px].
ATOM_DIAMETER = 2.4
ATOM_PIXELS = (1.6, 18.0)


def _light(values: ArrayLike) -> NDArray[np.float32]:
    """Coordinates as the float32 that pages store."""
    return (np.round(np.asarray(values, dtype=np.float64) / ROUNDING) * ROUNDING).astype(np.float32)


def _indices(values: ArrayLike, count: int) -> NDArray[Any]:
    return np.ascontiguousarray(values, dtype=np.uint16 if count <= 65535 else np.uint32)


def _shades(points: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Give each atom a brightness, 0…255, from its side of the sample and a little at random.

    Discs of one colour would merge into a blot; this lets the eye see a round sample of single atoms.
    """
    if len(points) < 60:
        return np.full(len(points), 153, dtype=np.uint8)
    outward = points - points.mean(axis=0)
    length = np.linalg.norm(outward, axis=1).max(initial=1e-9)
    light = outward @ np.array([0.2, -0.55, 0.81]) / length
    noise = np.random.default_rng(0).uniform(-1.0, 1.0, len(points))
    return np.clip(150 + 65 * light + 40 * noise, 0, 255).astype(np.uint8)


def _tints(colour: str) -> list[list[Any]]:
    """Colour scale from a dark to a light tone of one hexadecimal colour, itself in the middle."""
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        msg = f"colour {colour!r}; expected hexadecimal, such as '#D55E00'"
        raise ValueError(msg)
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    dark = [round(0.45 * c) for c in (red, green, blue)]
    pale = [round(c + 0.55 * (255 - c)) for c in (red, green, blue)]
    return [[0.0, "rgb({},{},{})".format(*dark)], [0.6, colour], [1.0, "rgb({},{},{})".format(*pale)]]


def draw_atoms(
    positions: ArrayLike,
    *,
    sample: str | None = None,
    groups: Sequence[Any] | NDArray[Any] | None = None,
    colours: Mapping[Any, str] | None = None,
    values: ArrayLike | None = None,
    value_title: str = "",
    value_range: tuple[float, float] | None = None,
    colour_scale: str = "Viridis",
    diameter: float = ATOM_DIAMETER,
    opacity: float = 1.0,
    title: str | None = None,
    scale_bar: bool = True,
    figure: go.Figure | None = None,
    row: int | None = None,
    col: int | None = None,
    height: float = 520,
) -> go.Figure:
    """Draw atoms as discs that can be turned, with an orthographic camera and equal axes.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    sample : str, optional
        Sample whose colour the atoms take, when neither groups nor values are given.
    groups : (N,) array, optional
        Label of each atom, drawn as one legend entry a label, in order of first appearance in
        ``colours`` or of sorting. A boolean array means crystal nuclei: ``True`` grey, ``False`` in
        the sample's colour.
    colours : dict, optional
        Colour of each label, hexadecimal.
    values : (N,) array, optional
        A number an atom, drawn through a colour scale with a bar; NaN is drawn grey.
    value_title : str
        What ``values`` is, with its unit.
    value_range : (float, float), optional
        Ends of the colour scale; by default those of the finite values.
    colour_scale : str
        Name of a plotly colour scale.
    diameter : float
        Drawn diameter at the first zoom [Å].
    opacity : float
        1 for solid atoms; lower to see what is drawn among them.
    title : str, optional
        Title above the figure.
    scale_bar : bool
        Whether a bar of known length lies below the atoms.
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
        If ``positions`` is not (N, 3) or ``groups`` or ``values`` has another length.

    Examples
    --------
    >>> from helpers.book.figures import draw_atoms
    >>> figure = draw_atoms([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]], sample="Ta")
    >>> len(figure.data)
    1
    """
    points = check_positions(positions, minimum=0)
    figure, place, scale = frame_points(
        points, figure=figure, row=row, col=col, height=height, title=title, scale_bar=scale_bar
    )
    size = float(np.clip(diameter * scale, *ATOM_PIXELS))
    discs = _Discs(figure, points, _shades(points), size, {"opacity": opacity, **place})
    if values is not None:
        _draw_values(discs, np.asarray(values, dtype=np.float64), value_title, value_range, colour_scale)
    elif groups is not None:
        _draw_groups(discs, np.asarray(groups), sample, dict(colours or {}))
    else:
        discs.add(np.arange(len(points)), label_of(sample) if sample else "atoms", False, color=_colour_of(sample))
    return figure


@dataclass(eq=False)
class _Discs:
    """Atoms on their way into a figure, a part of them at a time."""

    figure: go.Figure
    points: NDArray[np.float64]
    shades: NDArray[Any]
    size: float
    common: dict[str, Any]

    def add(self, rows: NDArray[Any], name: str, legend: bool, **marker: Any) -> None:
        """Add some of the atoms under a name; without a colour scale, in one hue shaded as if lit from above."""
        x, y, z = _light(self.points[rows]).T
        if "colorscale" not in marker:
            marker |= {"colorscale": _tints(marker["color"]), "cmin": 0, "cmax": 255, "color": self.shades[rows]}
        self.figure.add_scatter3d(
            x=x, y=y, z=z, name=name, legendgroup=name, showlegend=legend, mode="markers", hoverinfo="skip",
            marker={"size": self.size, "line": {"width": 0}} | marker, **self.common,
        )  # fmt: skip

    def check(self, name: str, array: NDArray[Any]) -> None:
        """Refuse what is not one entry an atom."""
        if array.shape != (len(self.points),):
            msg = f"{name} has shape {array.shape}; expected ({len(self.points)},), one an atom"
            raise ValueError(msg)


def _colour_of(sample: str | None) -> str:
    return sample_colour(sample) if sample else ATOM_COLOUR


def _draw_values(
    discs: _Discs,
    values: NDArray[np.float64],
    title: str,
    ends: tuple[float, float] | None,
    colour_scale: str,
) -> None:
    """Draw a number an atom through a colour scale with a bar, and grey where it is not finite."""
    discs.check("values", values)
    finite = np.isfinite(values)
    if not finite.all():
        known = {trace.name for trace in discs.figure.data}
        discs.add(np.flatnonzero(~finite), "undefined", "undefined" not in known, color=NUCLEUS_COLOUR)
    low, high = ends or ((values[finite].min(), values[finite].max()) if finite.any() else (0, 1))
    bar = {"title": {"text": title, "side": "right"}, "thickness": 14, "len": 0.7, "outlinewidth": 0}
    bars = [
        trace.marker for trace in discs.figure.data if trace.type == "scatter3d" and trace.marker.colorbar.title.text
    ]
    again = any(
        (m.colorbar.title.text, m.cmin, m.cmax) == (title, low, high) for m in bars
    )  # the same bar, drawn twice
    discs.add(
        np.flatnonzero(finite), title or "atoms", False, showscale=not again,
        color=values[finite].astype(np.float32), colorscale=colour_scale, cmin=low, cmax=high, colorbar=bar,
    )  # fmt: skip


def _draw_groups(discs: _Discs, labels: NDArray[Any], sample: str | None, palette: dict[Any, str]) -> None:
    """Draw each label in its own colour; booleans are crystal nuclei."""
    discs.check("groups", labels)
    names: dict[Any, str] = {}
    if labels.dtype == bool:
        names = {False: f"{label_of(sample)}, disordered" if sample else "disordered", True: "crystal nuclei"}
        palette = {False: _colour_of(sample), True: NUCLEUS_COLOUR} | palette
    known = {trace.name for trace in discs.figure.data}
    order = list(palette) + [key for key in np.unique(labels).tolist() if key not in palette]
    spare = iter(SERIES_COLOURS * len(order))
    for key in order:
        colour = palette.get(key) or next(spare)
        rows = np.flatnonzero(labels == key)
        if len(rows):
            name = str(names.get(key, key))
            discs.add(rows, name, name not in known, color=colour)


def draw_skeletons(
    skeletons: Mapping[int, ArrayLike],
    *,
    colours: Mapping[int, str] | None = None,
    fill: float = 0.35,
    width: float = 4.0,
    title: str | None = None,
    scale_bar: bool = True,
    figure: go.Figure | None = None,
    row: int | None = None,
    col: int | None = None,
    height: float = 520,
) -> go.Figure:
    """Draw the skeletons of motifs: lines through the centroids of their tetrahedra, in ring order.

    Parameters
    ----------
    skeletons : dict of int to (K, n, 3) array
        For each n the centroids [Å] of the n tetrahedra of K motifs, in ring order. Triplets (n = 3)
        are drawn as open lines, the others as closed polygons.
    colours : dict, optional
        Colour of each n; by default purple, blue, orange and yellow for three to six, as in the paper.
    fill : float
        Opacity of the polygons, 0 for lines only.
    width : float
        Line width [px].
    title, scale_bar, figure, row, col, height
        As in :func:`draw_atoms`.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure, new or the one given.

    Raises
    ------
    ValueError
        If an array is not (K, n, 3) with its own n.
    """
    arrays: dict[int, NDArray[np.float64]] = {}
    for fold, rings in skeletons.items():
        array = np.asarray(rings, dtype=np.float64)
        array = array.reshape(0, fold, 3) if array.size == 0 else array
        if array.ndim != 3 or array.shape[1:] != (fold, 3):
            msg = f"skeletons[{fold}] has shape {array.shape}; expected (K, {fold}, 3)"
            raise ValueError(msg)
        arrays[fold] = array
    points = np.concatenate([array.reshape(-1, 3) for array in arrays.values()] or [np.zeros((0, 3))])
    figure, place, _ = frame_points(
        points, figure=figure, row=row, col=col, height=height, title=title, scale_bar=scale_bar
    )
    palette = MOTIF_COLOURS | dict(colours or {})
    known = {trace.name for trace in figure.data}
    for fold, array in sorted(arrays.items()):
        if len(array) == 0:
            continue
        name, colour = MOTIF_NAMES.get(fold, f"{fold}-fold"), palette.get(fold, MARK_COLOUR)
        closed = array if fold == 3 else np.concatenate([array, array[:, :1]], axis=1)
        figure.add_trace(_lines(closed, name, colour, width, name not in known), **place)
        if fill > 0 and fold > 3:
            figure.add_trace(_polygons(array, name, colour, fill), **place)
    return figure


def _lines(paths: NDArray[np.float64], name: str, colour: str, width: float, legend: bool) -> go.Scatter3d:
    gaps = np.full((len(paths), 1, 3), np.nan)
    x, y, z = _light(np.concatenate([paths, gaps], axis=1).reshape(-1, 3)).T
    return go.Scatter3d(
        x=x, y=y, z=z, mode="lines", name=name, legendgroup=name, showlegend=legend, hoverinfo="skip",
        connectgaps=False, line={"color": colour, "width": width},
    )  # fmt: skip


def _polygons(rings: NDArray[np.float64], name: str, colour: str, opacity: float) -> go.Mesh3d:
    """Fans about each ring's centre."""
    count, fold, _ = rings.shape
    vertices = np.concatenate([rings, rings.mean(axis=1, keepdims=True)], axis=1).reshape(-1, 3)
    first = (fold + 1) * np.arange(count)[:, None]
    corner = np.arange(fold)[None, :]
    i, j = first + corner, first + (corner + 1) % fold
    k = np.broadcast_to(first + fold, i.shape)
    return _mesh(vertices, np.stack([i.ravel(), j.ravel(), k.ravel()]), name, colour, opacity)


def _mesh(vertices: NDArray[np.float64], faces: NDArray[Any], name: str, colour: str, opacity: float) -> go.Mesh3d:
    x, y, z = _light(vertices).T
    i, j, k = _indices(faces, len(vertices))
    return go.Mesh3d(
        x=x, y=y, z=z, i=i, j=j, k=k, color=colour, opacity=opacity, name=name, legendgroup=name,
        flatshading=True, hoverinfo="skip", showlegend=False,
        lighting={"ambient": 0.75, "diffuse": 0.5, "specular": 0.05},
    )  # fmt: skip


def draw_tetrahedra(
    positions: ArrayLike,
    tetrahedra: ArrayLike,
    *,
    colour: str = MOTIF_COLOURS[5],
    name: str = "tetrahedra",
    opacity: float = 0.35,
    edges: bool = True,
    width: float = 3.0,
    title: str | None = None,
    scale_bar: bool = True,
    figure: go.Figure | None = None,
    row: int | None = None,
    col: int | None = None,
    height: float = 520,
) -> go.Figure:
    """Draw tetrahedra of atoms as translucent solids with their edges.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å]; only those named by ``tetrahedra`` are stored.
    tetrahedra : (M, 4) array of int
        Rows of ``positions``.
    colour, name : str
        Colour and legend entry.
    opacity : float
        Opacity of the faces, 0 for edges only.
    edges : bool
        Whether the edges are drawn.
    width : float
        Width of the edges [px].
    title, scale_bar, figure, row, col, height
        As in :func:`draw_atoms`.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure, new or the one given.

    Raises
    ------
    ValueError
        If ``tetrahedra`` is not (M, 4) or names an atom that does not exist.
    """
    points = check_positions(positions, minimum=0)
    corners = np.asarray(tetrahedra, dtype=np.int64)
    corners = corners.reshape(0, 4) if corners.size == 0 else corners
    if corners.ndim != 2 or corners.shape[1] != 4:
        msg = f"tetrahedra has shape {corners.shape}; expected (M, 4)"
        raise ValueError(msg)
    if corners.size and (corners.min() < 0 or corners.max() >= len(points)):
        msg = f"tetrahedra names atoms {corners.min()} to {corners.max()} of {len(points)}"
        raise ValueError(msg)
    used, local = np.unique(corners, return_inverse=True)
    local = local.reshape(-1, 4)
    figure, place, _ = frame_points(
        points[used], figure=figure, row=row, col=col, height=height, title=title, scale_bar=scale_bar
    )
    if len(local) == 0:
        return figure
    legend = name not in {trace.name for trace in figure.data}
    if opacity > 0:
        faces = np.unique(np.sort(local[:, [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]].reshape(-1, 3)), axis=0)
        mesh = _mesh(points[used], faces.T, name, colour, opacity)
        mesh.showlegend = legend and not edges
        figure.add_trace(mesh, **place)
    if edges:
        pairs = local[:, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]].reshape(-1, 2)
        bonds = np.unique(np.sort(pairs), axis=0)
        figure.add_trace(_lines(points[used][bonds], name, colour, width, legend), **place)
    return figure
