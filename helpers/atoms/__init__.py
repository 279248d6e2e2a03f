"""From a volume to atoms: tracing, classification, corrections, refinement, and agreement with a truth."""

from .comparison import Comparison, compare
from .images import simulate_images
from .refinement import Refinement, refine
from .tracing import PeakFlag, Trace, trace

__all__ = [
    "Comparison",
    "PeakFlag",
    "Refinement",
    "Trace",
    "compare",
    "refine",
    "simulate_images",
    "trace",
]
