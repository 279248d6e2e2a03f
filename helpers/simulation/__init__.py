"""Molecular dynamics, the virtual microscope, and diffraction."""

from .molecular_dynamics import quench, relax_particle
from .particle import cut_sphere, plant_nucleus

__all__ = ["cut_sphere", "plant_nucleus", "quench", "relax_particle"]
