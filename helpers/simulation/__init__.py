"""Molecular dynamics, the virtual microscope, and diffraction."""

from .microscope import RawSeries, Truth, acquire, image_sample, take_series
from .multislice import multislice_images
from .particle import cut_sphere, plant_nucleus
from .quench import quench
from .random_packing import dense_random_packing
from .relaxation import relax_particle
from .structure_factor import StructureFactor, structure_factor
from .true_volume import true_volume

__all__ = [
    "RawSeries",
    "StructureFactor",
    "Truth",
    "acquire",
    "cut_sphere",
    "dense_random_packing",
    "image_sample",
    "multislice_images",
    "plant_nucleus",
    "quench",
    "relax_particle",
    "structure_factor",
    "take_series",
    "true_volume",
]
