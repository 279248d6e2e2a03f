"""One motif of real atoms: its atoms, its tetrahedra, and the skeleton that joins their centres."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ...checks import check_box, check_positions
from .frames import frame_points
from .poses import _turn
from .scenes import draw_atoms, draw_skeletons, draw_tetrahedra
from .style import CAP_COLOUR, MOTIF_COLOURS, RING_COLOUR


def draw_motif(
    positions: ArrayLike,
    tetrahedra: ArrayLike,
    *,
    box: ArrayLike | None = None,
    diameter: float = 1.1,
    figure: go.Figure | None = None,
    row: int | None = None,
    col: int | None = None,
    height: float = 420,
) -> go.Figure:
    """Draw a motif, its caps upright: capping atoms dark, the others grey, tetrahedra translucent, and the skeleton.

    Parameters
    ----------
    positions : (N, 3) array
        Atom positions [Å].
    tetrahedra : (n, 4) int array
        Atoms of the tetrahedra of one motif, in order: three of a triplet, n of an n-fold bipyramid.
    box : (3,) array, float or None
        Edge lengths of the periodic box [Å]; the motif is drawn in one piece.
    diameter : float
        Drawn diameter of an atom [Å].
    figure, row, col, height
        As in :func:`draw_atoms`.

    Returns
    -------
    plotly.graph_objects.Figure
        The figure, new or the one given.

    Raises
    ------
    ValueError
        If the tetrahedra do not have exactly two atoms in common.
    """
    rows = np.asarray(tetrahedra, dtype=np.int64)
    if rows.ndim != 2 or rows.shape[1] != 4:
        msg = f"tetrahedra has shape {rows.shape}; expected (n, 4), those of one motif"
        raise ValueError(msg)
    atoms, times = np.unique(rows, return_counts=True)
    caps = times == len(rows)
    if caps.sum() != 2:
        msg = f"the tetrahedra have {caps.sum()} atoms in common; expected the two caps of one motif"
        raise ValueError(msg)
    places = check_positions(positions)[atoms]
    lengths = check_box(box)
    if lengths is not None:
        places = places - lengths * np.round((places - places[0]) / lengths)
    places = places - places.mean(axis=0)
    first, second = places[caps]
    places = places @ _turn(first - second).T
    local = np.searchsorted(atoms, rows)
    n = len(rows)
    room = np.concatenate([places - diameter / 2, places + diameter / 2])  # discs stay within the scene
    figure, _, _ = frame_points(room, figure=figure, row=row, col=col, height=height, scale_bar=False)
    figure = draw_tetrahedra(
        places, local, colour=MOTIF_COLOURS[n], name="tetrahedra", opacity=0.15, width=2.0, scale_bar=False,
        figure=figure, row=row, col=col, height=height,
    )  # fmt: skip
    figure.update_traces(showlegend=False, selector={"name": "tetrahedra"})  # the skeleton has the same colour
    here = {"figure": figure, "row": row, "col": col, "scale_bar": False}
    draw_skeletons({n: places[local].mean(axis=1)[None]}, fill=0, width=9.0, **here)
    kinds = np.where(caps, "capping atoms", "ring atoms")
    colours = {"capping atoms": CAP_COLOUR, "ring atoms": RING_COLOUR}
    return draw_atoms(places, groups=kinds, colours=colours, diameter=diameter, **here)
