"""Read files as others wrote them: MATLAB arrays, microscope images, tilt angles, atoms.

Everything is checked here, at the border: what a file states must agree with what it holds, and what it does not state
is asked for and never guessed.
"""

from .angles import read_angles
from .atoms import read_atoms
from .images import read_images
from .matlab import read_areas, read_mat
from .text import read_text
from .tilt_series import PIXEL_SIZES, PixelSizeWarning, read_tilt_series
from .xyz import FramesWarning, UnreadBoxWarning

__all__ = [
    "PIXEL_SIZES",
    "FramesWarning",
    "PixelSizeWarning",
    "UnreadBoxWarning",
    "read_angles",
    "read_areas",
    "read_atoms",
    "read_images",
    "read_mat",
    "read_text",
    "read_tilt_series",
]
