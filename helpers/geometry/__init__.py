"""Geometry that every stage asks for: rotations; boxes, neighbours and Delaunay tetrahedra of atoms."""

from .rotations import (
    check_euler,
    detector_coordinates,
    euler_angles,
    origin_shifts,
    rotation_matrices,
)

__all__ = [
    "check_euler",
    "detector_coordinates",
    "euler_angles",
    "origin_shifts",
    "rotation_matrices",
]
