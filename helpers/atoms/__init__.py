"""From a volume to atoms: tracing, classification, corrections, and how well they agree with a truth."""

from .comparison import Comparison, compare
from .images import simulate_images

__all__ = [
    "Comparison",
    "compare",
    "simulate_images",
]
