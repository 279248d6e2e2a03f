"""The batch: one graph of notebooks and samples, run again only where something changed."""

import fcntl
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import yaml

from helpers.book.pages import graph

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = '[{name}]\ntitle = "A sample"\nelements = ["Ta"]\nkind = "particle"\nfiles.model = "m.xyz"\n'
BOOK = ["--config", "book={samples: [demo], except: {}}", "--"]
NOTEBOOKS = {
    "10_first": "from helpers import store\npath = store.results_path(samples[0], 'structure', 'a.json')\n"
    "store.save_numbers(path, {'a': list(range(9000))}, store.provenance({'sample': samples[0]}))\nprint(samples)",
    "11_second": "import time\ntime.sleep(0.5)\nprint('second', samples)",
    "18_last": "print('last')",
}


def command(*arguments):
    return [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2", *arguments]


def environment(folder):
    return {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / ".cache")}


def snakemake(folder, *arguments):
    result = subprocess.run(
        command(*arguments), cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    result.said = result.stdout + result.stderr
    return result


@pytest.fixture
def project(tmp_path):
    """A project with small notebooks in the place of ours, and two samples of its own."""
    for folder in ("book/notebooks", "helpers/book/pages/static", "data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "helpers" / "code.py").write_text("ANSWER = 42\n")
    (tmp_path / "my own.toml").write_text("".join(SAMPLE.format(name=name) for name in ("one", "two")))
    (tmp_path / "_config.yml").write_text("title: Small\n")
    shutil.copytree(ROOT / "config", tmp_path / "config")
    for name, line in NOTEBOOKS.items():
        cells = [
            nbformat.v4.new_code_cell("samples: list = ['demo']  # names", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(line),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, tmp_path / "book" / "notebooks" / f"{name}.ipynb")
    return tmp_path


def batch(samples, notebooks="10", **more):
    given = {"samples_file": "my own.toml", **more}
    config = ["--config", f"samples={samples}", f"notebooks={notebooks}", *(f"{k}={v}" for k, v in given.items())]
    return ["--ignore-incomplete", *config, "--", "batch"]


def test_the_plan_of_the_book_holds_every_notebook():
    result = snakemake(ROOT, "-n", "--forceall", "--quiet", "rules", *BOOK, "book")
    assert result.returncode == 0, result.said


@pytest.mark.parametrize("profile", ["laptop", "slurm"])
def test_the_profiles_are_valid(profile):
    content = yaml.safe_load((ROOT / "config" / profile / "config.yaml").read_text())
    assert content["ignore-incomplete"] is content["keep-going"] is True
    if profile == "laptop":
        result = snakemake(ROOT, "-n", "--profile", f"config/{profile}", "--config", "samples=demo", "--", "batch")
        assert result.returncode == 0, result.said


def test_every_run_says_what_it_takes():
    result = snakemake(ROOT, "-n", "--forceall", "--config", "samples=demo", "notebooks=08 10", "--", "batch")
    assert result.returncode == 0, result.said
    assert "mem_mb=4000" in result.said
    assert "runtime=60" in result.said
    costs = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())["costs"]
    assert all(set(values) <= {"threads", "mem_mb", "runtime"} for values in costs.values())
    assert set(costs["default"]) == {"threads", "mem_mb", "runtime"}


def test_areas_of_a_film_are_jobs_of_their_own():
    areas = "batch={samples: [demo], notebooks: ['10'], areas: {Ta: [3, 64]}}"
    result = snakemake(ROOT, "-n", "--forceall", "-p", "--config", areas, "--", "batch")
    assert result.returncode == 0, result.said
    for number in ("03", "64"):
        assert f"-m helpers.area Ta {number} --shape 401 351 341 --iterations 50" in result.said


def test_the_ledger_comes_last(project):
    result = snakemake(project, "-n", *BOOK, "_build/notebooks/18_last.ipynb")
    assert result.returncode == 0, result.stderr
    assert "_build/notebooks/10_first.ipynb" in result.said


def test_what_a_notebook_reads_runs_before_it():
    """The reconstruction takes the aligned series that the page before it stores."""
    book = [*BOOK, "_build/notebooks/03_reconstruction.ipynb"]
    chosen = ["--config", "samples=demo", "notebooks=02 03", "--", "results/demo/notebooks/03_reconstruction.ipynb"]
    for wanted, before in (
        (book, "_build/notebooks/02_alignment.ipynb"),
        (chosen, "results/demo/notebooks/02_alignment.ipynb"),
    ):
        plan = snakemake(ROOT, "-n", "--forceall", *wanted)
        assert plan.returncode == 0, plan.stderr
        assert before in plan.said


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (batch("$(touch bad)"), "cannot run in a batch"),
        (
            batch("one", batch="{parameters: {'10': {sampels: [two]}}}"),
            "no parameter 'sampels'; did you mean 'samples'",
        ),
    ],
)
def test_what_is_misspelt_fails_before_anything_runs(project, wanted, words):
    result = snakemake(project, *wanted)
    assert result.returncode != 0
    assert words in result.said
    assert not (project / "results").exists()
    assert not (project / "bad").exists()


def test_only_what_changed_runs_again_and_a_failure_fails(project):
    wanted = batch("one two", "10", batch="{together: true, ledger: false}")
    result = snakemake(project, *wanted)
    assert result.returncode == 0, result.said
    made = {sample: project / "results" / sample / "notebooks" / "10_first.ipynb" for sample in ("one", "two")}
    for sample, path in made.items():
        assert nbformat.read(path, as_version=4).cells[-1].outputs[0].text == f"['{sample}']\n"
    report = (project / "results" / "report.html").read_text()
    assert "3 notebooks ran to their end" in report

    assert "Nothing to be done" in snakemake(project, *wanted).stderr

    (project / "m.xyz").write_text("1\n\nTa 0 0 0\n")  # the samples' model changes: all is old
    plan = snakemake(project, "-n", *wanted).said
    assert re.search(r"run_for_sample +2\b", plan) and re.search(r"run_together +1\b", plan)
    (project / "m.xyz").unlink()

    before = made["one"].stat().st_mtime_ns
    (project / "helpers" / "code.py").write_text("ANSWER = 43\n")
    path = project / "book" / "notebooks" / "10_first.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[-1].source += "\n1 / 0"
    nbformat.write(notebook, path)
    result = snakemake(project, *wanted)
    assert result.returncode != 0
    assert "failed in cell" in result.said
    assert "ZeroDivisionError" in result.said
    assert "4 notebooks" not in (so_far := (project / "results" / "report-so-far.html").read_text())
    assert "2 failed" in so_far

    (project / "results" / "report-so-far.html").unlink()
    assert snakemake(project, *batch("oen")).returncode != 0  # refused before it began, beside results of others
    assert not (project / "results" / "report-so-far.html").exists()
    assert not made["one"].exists() or made["one"].stat().st_mtime_ns == before


def state(project):
    """Hashes of all results but what tells times."""
    return {
        str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((project / "results").rglob("*"))
        if path.is_file()
        and not path.name.startswith(".")  # what a killed writer left is swept later
        and not path.name.endswith((".cost.json", ".log", "report.html"))
    }


def kill_at(project, wanted, after, everyone):
    """Start the batch and kill it, with all its jobs or alone, after so many seconds; say whether it was at work."""
    process = subprocess.Popen(
        command(*wanted), cwd=project, env=environment(project), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(after)
    at_work = process.poll() is None
    if at_work and everyone:
        os.killpg(process.pid, signal.SIGKILL)
    elif at_work:
        process.kill()
    process.wait()
    return at_work


def check_kills(project, moments, wanted, files):
    assert snakemake(project, *wanted).returncode == 0
    whole = state(project)
    assert len(whole) == files
    for number, after in enumerate(moments):
        shutil.rmtree(project / "results")
        killed = kill_at(project, wanted, after, everyone=number % 2 == 0)
        done = {name: (project / name).stat().st_mtime_ns for name in state(project) if name in whole}
        half = state(project)
        assert {name: half[name] for name in done} == {name: whole[name] for name in done}, "half a result was believed"
        result = snakemake(project, *wanted)
        assert result.returncode == 0, f"killed after {after} s: {result.said}"
        if killed and (project / ".snakemake" / "locks").is_dir():
            assert "LockException" not in result.said
        assert state(project) == whole, f"killed after {after} s"
        finished = {name for name in done if name.endswith(".ipynb")}
        assert {name: (project / name).stat().st_mtime_ns for name in finished} == {n: done[n] for n in finished}, (
            "finished work was done again"
        )


def test_killed_at_random_moments_it_goes_on_to_the_same_bytes(project):
    chance = random.Random(1)
    moments = [chance.uniform(2, 8) for _ in range(3)]
    check_kills(project, moments, batch("one", "10 11", batch="{ledger: false}"), files=3)


@pytest.mark.slow
def test_killed_at_twenty_random_moments(project):
    chance = random.Random(20)
    moments = [chance.uniform(1, 12) for _ in range(20)]
    check_kills(project, moments, batch("one two", "10 11"), files=7)  # two notebooks, a result; and the ledger


@pytest.fixture
def held(monkeypatch):
    """The files that `free_stale_lock` holds open as long as its process lives, closed after the test."""
    files = []
    monkeypatch.setattr(graph, "_HELD", files)
    yield files
    for file in files:
        file.close()


def test_a_lock_that_nobody_holds_is_taken_away(tmp_path, held, capsys):
    locks = tmp_path / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.input.lock").write_text("results/a")
    assert graph.free_stale_lock(tmp_path) == [locks / "0.input.lock"]
    assert len(held) == 1 and not held[0].closed
    assert list(locks.iterdir()) == []
    assert "an earlier run here was killed; its lock is taken away" in capsys.readouterr().err


def test_the_lock_of_a_run_at_work_stays(tmp_path, held):
    locks = tmp_path / ".snakemake" / "locks"
    locks.mkdir(parents=True)
    (locks / "0.input.lock").write_text("results/a")
    with (tmp_path / ".snakemake" / "held").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert graph.free_stale_lock(tmp_path) == []
    assert held == []
    assert len(list(locks.iterdir())) == 1


def test_two_at_once_in_one_folder_are_refused(project):
    """The first is at work until the second has been refused."""
    path, go = project / "book" / "notebooks" / "11_second.ipynb", project / "go"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[
        -1
    ].source = f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists():\n    time.sleep(0.1)"
    nbformat.write(notebook, path)
    wanted = batch("one", "10 11", batch="{ledger: false}")
    first = subprocess.Popen(
        command(*wanted), cwd=project, env=environment(project),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + 600
        while not list(project.glob(".snakemake/locks/*.lock")):
            assert first.poll() is None and time.monotonic() < until
            time.sleep(0.05)
        second = snakemake(project, *wanted)
        assert second.returncode != 0
        assert "cannot be locked" in second.said
    finally:
        go.touch()
        code = first.wait()
    assert code == 0
