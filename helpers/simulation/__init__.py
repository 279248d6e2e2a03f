"""Molecular dynamics, the virtual microscope, and diffraction."""

from .microscope import RawSeries, Truth, acquire
from .molecular_dynamics import quench, relax_particle
from .particle import cut_sphere, plant_nucleus
from .specimen import image_sample

__all__ = [
    "RawSeries",
    "Truth",
    "acquire",
    "cut_sphere",
    "image_sample",
    "plant_nucleus",
    "quench",
    "relax_particle",
]
