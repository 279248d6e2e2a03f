"""From a volume to atoms: tracing, classification, corrections, and how well they agree with a truth."""

from .comparison import Comparison, compare

__all__ = [
    "Comparison",
    "compare",
]
