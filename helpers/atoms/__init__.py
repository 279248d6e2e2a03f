"""From a volume to atoms: tracing, classification, corrections, and how well they agree with a truth."""

from .comparison import Comparison, compare
from .images import simulate_images
from .refinement import Refinement, refine

__all__ = [
    "Comparison",
    "Refinement",
    "compare",
    "refine",
    "simulate_images",
]
