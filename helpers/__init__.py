"""Three-dimensional atomic packing in amorphous solids: from microscope images to structure.

The subpackages follow the data: `imaging`, `tomography`, `atoms`, `structure`, `simulation`.
Positions are in Å, angles in degrees.
"""

from pathlib import Path as _Path

from ._caching import ensure_cache as _ensure_cache
from .arrays import TiltSeries, Volume
from .data import DataUnavailable
from .geometry.rotations import AngleUnitWarning
from .samples import Sample, available, load_sample, sample_names
from .store import version

__version__ = version()
_ensure_cache(_Path(__file__).parent)

__all__ = [
    "AngleUnitWarning",
    "DataUnavailable",
    "Sample",
    "TiltSeries",
    "Volume",
    "available",
    "load_sample",
    "sample_names",
]
