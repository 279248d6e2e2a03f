"""Molecular dynamics, the virtual microscope, and diffraction."""

from .particle import cut_sphere, plant_nucleus
from .quench import quench, relax_particle

__all__ = ["cut_sphere", "plant_nucleus", "quench", "relax_particle"]
