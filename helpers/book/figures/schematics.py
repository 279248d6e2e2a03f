"""Schematics made of real atoms: bonds, angles and tilts of bipyramids, and how two of them join."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ...checks import check_box, check_positions
from .frames import _TO_EYE, frame_points
from .poses import _arc, _facing_corner, _flat, _frame, _seen_from_above, _turn, _typical_corner, _upright
from .scenes import _light, draw_atoms, draw_skeletons, draw_tetrahedra
from .style import BOND_COLOURS, CAP_COLOUR, MARK_COLOUR, MOTIF_COLOURS, RING_COLOUR, SERIES_COLOURS

_SHARED, _FIRST, _SECOND = "shared atoms", "atoms of one bipyramid", "atoms of the other"


def draw_bonds(atoms: ArrayLike, *, figure: go.Figure, row: int, col: int) -> go.Figure:
    """Draw a bipyramid with its three kinds of bonds in colour and named.

    Parameters
    ----------
    atoms : (n + 2, 3) array
        Positions [Å]: two caps, then the ring in order.
    figure, row, col
        As in :func:`draw_atoms`.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure, the line of the caps upright.
    """
    places = _upright(atoms)
    caps, ring = places[:2], places[2:]
    _draw_bipyramid(places, figure, row, col)
    front = int((ring @ _TO_EYE).argmax())
    kinds = {
        "α": [caps],
        "β": [np.stack([cap, corner]) for cap in caps for corner in ring],
        "γ": [np.stack([ring[k - 1], ring[k]]) for k in range(len(ring))],
    }
    named = {"α": caps, "β": np.stack([caps[0], ring[front]]), "γ": np.stack([ring[front - 1], ring[front]])}
    for letter, bonds in kinds.items():
        _draw_lines(bonds, letter, BOND_COLOURS[letter], figure, row, col)
    middles = {letter: ends.mean(axis=0) + 0.35 * _TO_EYE for letter, ends in named.items()}
    return _write(middles, figure, row, col)


def draw_tilt(atoms: ArrayLike, *, figure: go.Figure, row: int, col: int) -> go.Figure:
    """Draw a bipyramid with the line of its caps, the normal of its ring's mean plane, and the angle between them.

    Parameters
    ----------
    atoms : (n + 2, 3) array
        Positions [Å]: two caps, then the ring in order.
    figure, row, col
        As in :func:`draw_atoms`.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure, the normal upright.
    """
    points = check_positions(atoms)
    middle = points[2:].mean(axis=0)
    normal = np.linalg.svd(points[2:] - middle)[2][2]
    axis = points[0] - points[1]
    normal = normal * np.sign(normal @ axis)
    turn = _turn(normal, axis)
    places, axis = (points - middle) @ turn.T, turn @ axis / np.linalg.norm(axis)
    foot = places[:2].mean(axis=0)
    reach = 0.75 * float(np.linalg.norm(points[0] - points[1]))
    up = np.array([0.0, 0.0, 1.0])
    ends = np.stack([foot + 1.4 * reach * up, foot - reach * up])
    frame_points(ends, figure=figure, row=row, col=col, scale_bar=False)
    _draw_bipyramid(places, figure, row, col)
    caps, ring = (np.stack([foot - reach * way, foot + reach * way]) for way in (axis, up))
    _draw_lines([caps], "line of the caps", BOND_COLOURS["α"], figure, row, col)
    _draw_lines([ring], "normal of the ring", MARK_COLOUR, figure, row, col, dash="dash")
    arc = _arc(foot, up, axis, 0.9 * reach)
    _draw_lines([arc], "angle", "#222222", figure, row, col, legend=False)
    angle = np.degrees(np.arccos(np.clip(axis @ up, -1, 1)))
    return _write({f"θ = {angle:.0f}°": arc[len(arc) // 2] + 0.5 * up}, figure, row, col)


def draw_angle(atoms: ArrayLike, *, ring: bool = False, figure: go.Figure, row: int, col: int) -> go.Figure:
    """Draw atoms with the angle between two bonds of one of them.

    Parameters
    ----------
    atoms : (N, 3) array
        Positions [Å]: of a tetrahedron, or of a ring in order.
    ring : bool
        Whether bonds join neighbours in a ring only, or every pair.
    figure, row, col
        As in :func:`draw_atoms`.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure. A ring is seen from half above, and the angle is that nearest to the mean of its corners, in front.
    """
    points = check_positions(atoms)
    count = len(points)
    places = points - points.mean(axis=0)
    corner, others = _facing_corner(places)
    if ring:
        corner = _typical_corner(places)
        others = [corner - 1, (corner + 1) % count]
        places = _seen_from_above(places, corner)
    pairs = [(k, (k + 1) % count) for k in range(count)]
    if not ring:
        pairs = [(i, j) for i in range(count) for j in range(i)]
    _make_room(places, 0.7, figure, row, col)
    _draw_lines([places[list(pair)] for pair in pairs], "bonds", RING_COLOUR, figure, row, col, legend=False)
    arms = places[others] - places[corner]
    arc = _arc(places[corner], arms[0], arms[1], 0.45 * float(np.linalg.norm(arms, axis=1).min()))
    _draw_lines([arc], "angle", "#222222", figure, row, col, legend=False)
    cosine = arms[0] @ arms[1] / np.linalg.norm(arms, axis=1).prod()
    inward = arms.sum(axis=0) / np.linalg.norm(arms.sum(axis=0))
    draw_atoms(
        places, groups=["atoms"] * count, colours={"atoms": RING_COLOUR}, diameter=0.7, scale_bar=False,
        figure=figure, row=row, col=col,
    )  # fmt: skip
    figure.update_traces(showlegend=False, selector={"name": "atoms"})
    label = f"{np.degrees(np.arccos(cosine)):.0f}°"
    return _write({label: arc[len(arc) // 2] + 0.4 * inward}, figure, row, col)


def draw_joined(
    positions: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    box: ArrayLike | None = None,
    figure: go.Figure,
    row: int,
    col: int,
) -> go.Figure:
    """Draw two bipyramids that have tetrahedra in common, with their skeletons and the atoms they share.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    first, second : (n, 4) int array
        Atoms of the tetrahedra of either bipyramid, in ring order.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å]; the pair is drawn in one piece.
    figure, row, col
        As in :func:`draw_atoms`.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure, the line through the centres of the two lying across.
    """
    rows = [np.asarray(part, dtype=np.int64) for part in (first, second)]
    atoms = np.unique(np.concatenate(rows))
    places = check_positions(positions)[atoms]
    lengths = check_box(box)
    if lengths is not None:
        places = places - lengths * np.round((places - places[0]) / lengths)
    local = [np.searchsorted(atoms, part) for part in rows]
    centres = [places[np.unique(part)].mean(axis=0) for part in local]
    places = _flat(places - places.mean(axis=0), centres[1] - centres[0])
    within = [np.isin(np.arange(len(atoms)), part) for part in local]
    here = {"figure": figure, "row": row, "col": col, "scale_bar": False}
    _make_room(places, 1.1, figure, row, col)
    hues = (MOTIF_COLOURS[5], SERIES_COLOURS[0])
    for part, hue, name in zip(local, hues, ("one bipyramid", "the other"), strict=True):
        draw_tetrahedra(places, part, colour=hue, name=name, opacity=0.18, width=2.0, **here)
        skeleton = places[part].mean(axis=1)
        draw_skeletons({len(part): skeleton[None]}, colours={len(part): hue}, fill=0, width=9.0, **here)
    figure.for_each_trace(lambda trace: trace.update(showlegend=False))
    kinds = np.where(within[0] & within[1], _SHARED, np.where(within[0], _FIRST, _SECOND))
    colours = {_SHARED: "#222222", _FIRST: RING_COLOUR, _SECOND: RING_COLOUR}
    draw_atoms(places, groups=kinds, colours=colours, diameter=1.1, **here)
    for name in (_FIRST, _SECOND, _SHARED):
        figure.update_traces(showlegend=False, selector={"name": name})
    return figure


def draw_dihedral(first: ArrayLike, second: ArrayLike, *, figure: go.Figure, row: int, col: int) -> go.Figure:
    """Draw two skeletons that share an edge, and the angle φ between them.

    Parameters
    ----------
    first, second : (n, 3) array
        Corners of either skeleton in order [Å]; two of them are the same points.
    figure, row, col
        As in :func:`draw_atoms`.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure, seen along the common edge.

    Raises
    ------
    ValueError
        If the skeletons do not have two corners in common.
    """
    rings = [check_positions(part) for part in (first, second)]
    gaps = np.linalg.norm(rings[0][:, None] - rings[1], axis=2)
    common = rings[0][(gaps < 1e-6).any(axis=1)]
    if len(common) != 2:
        msg = f"the skeletons have {len(common)} corners in common; expected two, a shared edge"
        raise ValueError(msg)
    middle, edge = common.mean(axis=0), common[1] - common[0]
    edge = edge / np.linalg.norm(edge)
    arms = [part.mean(axis=0) - middle for part in rings]
    arms = [arm - (arm @ edge) * edge for arm in arms]
    arms = [arm / np.linalg.norm(arm) for arm in arms]
    down = -(arms[0] + arms[1]) / np.linalg.norm(arms[0] + arms[1])
    target = 0.93 * _TO_EYE + 0.37 * np.cross([0.0, 0.0, 1.0], _TO_EYE)  # a little from the side, to see both
    turn = _frame(edge, down, target / np.linalg.norm(target))
    here = {"figure": figure, "row": row, "col": col, "scale_bar": False}
    for part, hue in zip(rings, (MOTIF_COLOURS[5], SERIES_COLOURS[0]), strict=True):
        draw_skeletons({len(part): ((part - middle) @ turn.T)[None]}, colours={len(part): hue}, fill=0.45, **here)
    reach = 0.6 * float(np.linalg.norm(rings[0].mean(axis=0) - middle))
    arc = _arc(np.zeros(3), turn @ arms[0], turn @ arms[1], reach)
    _draw_lines([arc], "angle", "#222222", figure, row, col, legend=False)
    angle = np.degrees(np.arccos(np.clip(arms[0] @ arms[1], -1, 1)))
    figure.for_each_trace(lambda trace: trace.update(showlegend=False), selector={"type": "scatter3d"})
    return _write({f"φ = {angle:.0f}°": 1.7 * arc[len(arc) // 2]}, figure, row, col)


def _make_room(places: NDArray[np.float64], diameter: float, figure: go.Figure, row: int, col: int) -> None:
    """Let the scene hold the discs of atoms, not their centres only."""
    room = np.concatenate([places - diameter / 2, places + diameter / 2])
    frame_points(room, figure=figure, row=row, col=col, scale_bar=False)


def _draw_bipyramid(places: NDArray[np.float64], figure: go.Figure, row: int, col: int) -> None:
    """Faces and atoms, caps dark."""
    count = len(places) - 2
    corners = np.array([[0, 1, 2 + k, 2 + (k + 1) % count] for k in range(count)])
    _make_room(places, 0.8, figure, row, col)
    here = {"figure": figure, "row": row, "col": col, "scale_bar": False}
    draw_tetrahedra(places, corners, colour=RING_COLOUR, name="faces", opacity=0.12, edges=False, **here)
    figure.update_traces(showlegend=False, selector={"name": "faces"})
    kinds = np.where(np.arange(len(places)) < 2, "capping atoms", "ring atoms")
    colours = {"capping atoms": CAP_COLOUR, "ring atoms": RING_COLOUR}
    draw_atoms(places, groups=kinds, colours=colours, diameter=0.8, **here)


def _draw_lines(
    paths: list[NDArray[np.float64]], name: str, colour: str, figure: go.Figure, row: int, col: int,
    *, dash: str = "solid", legend: bool = True,
) -> None:  # fmt: skip
    gap = np.full((1, 3), np.nan)
    x, y, z = _light(np.concatenate([part for path in paths for part in (path, gap)])).T
    figure.add_scatter3d(
        x=x, y=y, z=z, mode="lines", name=name, legendgroup=name, hoverinfo="skip", connectgaps=False,
        showlegend=legend and name not in {trace.name for trace in figure.data},
        line={"color": colour, "width": 6, "dash": dash}, row=row, col=col,
    )  # fmt: skip


def _write(labels: dict[str, NDArray[np.float64]], figure: go.Figure, row: int, col: int) -> go.Figure:
    x, y, z = _light(np.array(list(labels.values()))).T
    return figure.add_scatter3d(
        x=x, y=y, z=z, mode="text", text=[f"<b>{text}</b>" for text in labels],
        textfont={"size": 15, "color": "#222222"}, showlegend=False, hoverinfo="skip", name="labels", row=row, col=col,
    )  # fmt: skip
