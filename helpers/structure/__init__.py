"""What the atoms do: neighbours, pair distribution, order, polyhedra, tetrahedra and their networks."""

from .neighbours import Neighbours, neighbours, resolve_neighbours

__all__ = ["Neighbours", "neighbours", "resolve_neighbours"]
