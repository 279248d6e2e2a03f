"""The profile for clusters, on a real SLURM of one node that starts here and ends with the tests.

Needs root, Debian's slurmctld, slurmd, slurm-client and munge, and snakemake-executor-plugin-slurm.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.getuid() != 0 or not all(map(shutil.which, PROGRAMS)) or not find_spec("snakemake_executor_plugin_slurm"),
        reason=f"needs root, {', '.join(PROGRAMS)} and snakemake-executor-plugin-slurm",
    ),
]
SETTINGS = """
ClusterName=test
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
NodeName={host} CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Environment in which jobs can be submitted."""
    folder = tmp_path_factory.mktemp("slurm")
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir(mode=0o755)
    for path in (folder, folder.parent, folder.parent.parent):  # munge wants its socket to be within reach of all
        path.chmod(0o755)
    key, socket_path = folder / "munge" / "key", folder / "munge" / "socket"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    (folder / "slurm.conf").write_text(SETTINGS.format(host=socket.gethostname().split(".")[0], folder=folder))
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PYTHONPATH": f"{ROOT}:{paths()}"}
    shim = folder / "bin" / "srun"  # within a job nothing else tells where this cluster's settings are
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
    shim.chmod(0o755)
    environment["PATH"] = f"{shim.parent}{os.pathsep}{environment['PATH']}"
    munge = {name: folder / "munge" / name for name in ("pid", "log", "seed")}
    options = [f"--{name}-file={path}" for name, path in munge.items()]
    subprocess.run(["munged", "--force", f"--socket={socket_path}", f"--key-file={key}", *options], check=True)
    subprocess.run(["slurmctld"], env=environment, check=True)
    subprocess.run(["slurmd"], env=environment, check=True)
    for _ in range(100):
        found = subprocess.run(
            ["sinfo", "-h", "-o", "%t"], env=environment, capture_output=True, text=True, check=False
        )
        if found.stdout.strip() == "idle":
            break
        time.sleep(0.2)
    else:
        pytest.fail(f"SLURM did not start: {found.stdout} {found.stderr}")
    yield environment
    for path in (folder / "slurmd.pid", folder / "slurmctld.pid", munge["pid"]):
        os.kill(int(path.read_text()), signal.SIGTERM)


def paths():
    return os.pathsep.join(path for path in sys.path if path)


@pytest.fixture
def project(tmp_path):
    for folder in ("book/notebooks", "helpers/book/pages/static", "data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "_config.yml").write_text("title: Small\n")
    shutil.copytree(ROOT / "config", tmp_path / "config")
    sample = '[{0}]\ntitle = "A sample"\nelements = ["Ta"]\nkind = "particle"\nfiles.model = "m.xyz"\n'
    (tmp_path / "my.toml").write_text("".join(map(sample.format, ("one", "two"))))
    for name in ("10_first", "11_second"):
        cells = [
            nbformat.v4.new_code_cell("samples: list = ['demo']  # names", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell("import os\nprint(samples, os.environ.get('SLURM_JOB_ID', 'no job'))"),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, tmp_path / "book" / "notebooks" / f"{name}.ipynb")
    return tmp_path


def test_every_run_is_a_job_with_its_cores_memory_and_time(cluster, project):
    command = [
        sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--profile", "config/slurm",
        "--latency-wait", "5", "--slurm-init-seconds-before-status-checks", "2", "--slurm-no-account",
        "--config", "samples=one two", "notebooks=10 11", "samples_file=my.toml", "--", "batch",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=project, env=cluster, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    asked = set()
    while process.poll() is None:
        queue = ["squeue", "-h", "-o", "%C %m %l"]
        asked |= set(
            subprocess.run(queue, env=cluster, capture_output=True, text=True, check=False).stdout.splitlines()
        )
        time.sleep(0.5)
    said = process.stdout.read()
    assert process.returncode == 0, said
    jobs = set()
    for sample in ("one", "two"):
        for name in ("10_first", "11_second"):
            notebook = nbformat.read(project / "results" / sample / "notebooks" / f"{name}.ipynb", as_version=4)
            told, job = notebook.cells[-1].outputs[0].text.rsplit(" ", 1)
            assert told == f"['{sample}']"
            jobs.add(int(job))
    assert len(jobs) == 4, "runs shared a job"
    assert {"1 2862M 30:00", "1 3000M 30:00"} & asked, asked
    assert (project / "results" / "report.html").is_file()
