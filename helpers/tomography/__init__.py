"""From aligned images to a volume: projection, RESIRE, thin films, refinement of the tilt angles."""

from ..agreement import ShellCorrelation, correlation, plane_correlation, r_factor, shell_correlation
from ..arrays import central
from ..geometry.rotations import euler_angles, rotation_matrices
from ..series import TiltAxisWarning
from ._layout import extended_shape
from .angles import AngleRefinement, angle_errors, refine_angles
from .areas import FilmLayout, cut_area, read_layout, tile_film
from .film import Film, overlap, reconstruct_film, stitch
from .mean_atom import MeanAtom, mean_atom
from .projection import back_project, project
from .reconstruction import Reconstruction, reconstruct
from .wedge import missing_wedge

__all__ = [
    "AngleRefinement",
    "Film",
    "FilmLayout",
    "MeanAtom",
    "Reconstruction",
    "ShellCorrelation",
    "TiltAxisWarning",
    "angle_errors",
    "back_project",
    "central",
    "correlation",
    "cut_area",
    "euler_angles",
    "extended_shape",
    "mean_atom",
    "missing_wedge",
    "overlap",
    "plane_correlation",
    "project",
    "r_factor",
    "read_layout",
    "reconstruct",
    "reconstruct_film",
    "refine_angles",
    "rotation_matrices",
    "shell_correlation",
    "stitch",
    "tile_film",
]
