"""From aligned images to a volume: projection, RESIRE, thin films, refinement of the tilt angles."""

from .geometry import euler_angles, extended_shape, rotation_matrices
from .inputs import TiltAxisWarning
from .projection import back_project, project
from .reconstruction import Reconstruction, central, r_factor, reconstruct

__all__ = [
    "Reconstruction",
    "TiltAxisWarning",
    "back_project",
    "central",
    "euler_angles",
    "extended_shape",
    "project",
    "r_factor",
    "reconstruct",
    "rotation_matrices",
]
