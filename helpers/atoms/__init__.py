"""From a volume to atoms: tracing, classification, corrections, refinement, and agreement with a truth."""

from .bound import noise_spectrum, position_bound
from .classification import Classification, classify, classify_weights, find_support
from .comparison import Comparison, compare
from .confidence import Confidence, confidence
from .corrections import (
    AtomView,
    Corrected,
    Correction,
    CorrectionWarning,
    correct,
    propose_corrections,
    read_corrections,
    replay_corrections,
    view_atom,
    write_corrections,
)
from .film import FilmAtoms, locate_film, merge_areas
from .film_area import AreaAtoms, AreaFit, fit_area, load_area, locate_area, save_area
from .film_motion import AreaMotion, find_motion
from .film_shifts import FilmShifts, find_film_shifts
from .film_tracing import FilmTrace, merge_traces, trace_film
from .images import simulate_images
from .locate import locate
from .located import Located, Origin, Step
from .missing import Candidates, find_from_scratch, find_missing, gain_map
from .refinement import Refinement, refine
from .tracing import PeakFlag, Trace, trace

__all__ = [
    "AreaAtoms",
    "AreaFit",
    "AreaMotion",
    "AtomView",
    "Candidates",
    "Classification",
    "Comparison",
    "Confidence",
    "Corrected",
    "Correction",
    "CorrectionWarning",
    "FilmAtoms",
    "FilmShifts",
    "FilmTrace",
    "Located",
    "Origin",
    "PeakFlag",
    "Refinement",
    "Step",
    "Trace",
    "classify",
    "classify_weights",
    "compare",
    "confidence",
    "correct",
    "find_film_shifts",
    "find_from_scratch",
    "find_missing",
    "find_motion",
    "find_support",
    "fit_area",
    "gain_map",
    "load_area",
    "locate",
    "locate_area",
    "locate_film",
    "merge_areas",
    "merge_traces",
    "noise_spectrum",
    "position_bound",
    "propose_corrections",
    "read_corrections",
    "refine",
    "replay_corrections",
    "save_area",
    "simulate_images",
    "trace",
    "trace_film",
    "view_atom",
    "write_corrections",
]
