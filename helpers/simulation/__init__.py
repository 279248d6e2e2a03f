"""Molecular dynamics, the virtual microscope, and diffraction."""

from .diffraction import DiffractionPattern, diffraction_pattern
from .microscope import RawSeries, Truth, acquire, image_sample, take_series
from .moving_film import MovingFilm, move_film
from .multislice import multislice_images
from .omission import omit_atoms
from .particle import cut_like, cut_sphere, plant_nucleus
from .quench import quench
from .random_packing import dense_random_packing
from .reduction import ReducedPattern, reduce_intensity, reduced_pair_distribution
from .relaxation import relax_particle
from .rings import RadialAverage, find_beam_stop, find_centre, radial_average
from .structure_factor import StructureFactor, structure_factor
from .true_volume import true_volume

__all__ = [
    "DiffractionPattern",
    "MovingFilm",
    "RadialAverage",
    "RawSeries",
    "ReducedPattern",
    "StructureFactor",
    "Truth",
    "acquire",
    "cut_like",
    "cut_sphere",
    "dense_random_packing",
    "diffraction_pattern",
    "find_beam_stop",
    "find_centre",
    "image_sample",
    "move_film",
    "multislice_images",
    "omit_atoms",
    "plant_nucleus",
    "quench",
    "radial_average",
    "reduce_intensity",
    "reduced_pair_distribution",
    "relax_particle",
    "structure_factor",
    "take_series",
    "true_volume",
]
