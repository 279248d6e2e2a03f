"""Results: whole or absent, sealed against damage, with a note of where they came from.

Every file is made in memory and moved into place in one step. In it stand its content, the note that `provenance` made,
and a seal: the SHA-256 of all its other bytes, checked whenever it is read. What is damaged, was cut short or altered
by hand is refused by its name, never believed.
"""

from __future__ import annotations

from .._files import NoSpace, replacing
from .._locks import Busy, holding
from .._seals import DamagedFile
from ._arrays import load_tilt_series, load_volume, save_tilt_series, save_volume
from ._origin import fingerprint, provenance, version
from ._places import STAGES, results_folder, results_path
from ._sealed import expect, new_hdf5, open_hdf5, verify
from ._states import check_origin, claim, load_note, made_from
from ._tables import load_atoms, load_numbers, load_table, save_atoms, save_numbers, save_table

__all__ = [
    "STAGES",
    "Busy",
    "DamagedFile",
    "NoSpace",
    "check_origin",
    "claim",
    "expect",
    "fingerprint",
    "holding",
    "load_atoms",
    "load_note",
    "load_numbers",
    "load_table",
    "load_tilt_series",
    "load_volume",
    "made_from",
    "new_hdf5",
    "open_hdf5",
    "provenance",
    "replacing",
    "results_folder",
    "results_path",
    "save_atoms",
    "save_numbers",
    "save_table",
    "save_tilt_series",
    "save_volume",
    "verify",
    "version",
]
