"""Figures of the book: everything a notebook needs to draw, in one place.

Importing this module makes the book's plotly template the default and lets notebooks store their figures
as plotly JSON, which the pages draw with their own copy of plotly. Text in figures uses Unicode and HTML
(``Å``, ``g(<i>r</i>)``, ``Q<sub>6</sub>``), never LaTeX.
"""

from __future__ import annotations

from .charts import add_recorded, draw_bars, draw_curves, draw_histograms, draw_images, draw_maps
from .clusters import GROUP_COLOURS, draw_clusters, note_empty
from .marks import add_order_marks, draw_agreement
from .motif_scenes import draw_motif
from .panels import panels
from .scenes import ROUNDING, draw_atoms, draw_skeletons, draw_tetrahedra
from .schematics import draw_angle, draw_bonds, draw_dihedral, draw_joined, draw_tilt
from .style import (
    ATOM_COLOUR,
    AXIS_COLOURS,
    BOND_COLOURS,
    MARK_COLOUR,
    MOTIF_COLOURS,
    MOTIF_NAMES,
    NUCLEUS_COLOUR,
    PACKING_COLOURS,
    RECORDED_COLOUR,
    SERIES_COLOURS,
    VERDICT_COLOURS,
    colour_sequence,
    label_of,
    name_samples,
    sample_colour,
    sample_line,
    use_style,
)

__all__ = [
    "ATOM_COLOUR",
    "AXIS_COLOURS",
    "BOND_COLOURS",
    "GROUP_COLOURS",
    "MARK_COLOUR",
    "MOTIF_COLOURS",
    "MOTIF_NAMES",
    "NUCLEUS_COLOUR",
    "PACKING_COLOURS",
    "RECORDED_COLOUR",
    "ROUNDING",
    "SERIES_COLOURS",
    "VERDICT_COLOURS",
    "add_order_marks",
    "add_recorded",
    "colour_sequence",
    "draw_agreement",
    "draw_angle",
    "draw_atoms",
    "draw_bars",
    "draw_bonds",
    "draw_clusters",
    "draw_curves",
    "draw_dihedral",
    "draw_histograms",
    "draw_images",
    "draw_joined",
    "draw_maps",
    "draw_motif",
    "draw_skeletons",
    "draw_tetrahedra",
    "draw_tilt",
    "label_of",
    "name_samples",
    "note_empty",
    "panels",
    "sample_colour",
    "sample_line",
    "use_style",
]

use_style()
