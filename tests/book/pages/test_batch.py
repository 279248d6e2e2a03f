"""The batch: one graph of notebooks and samples, run again only where something changed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[3]


def snakemake(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(folder / ".cache")}
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "1", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def project(tmp_path):
    """A project with two small notebooks in the place of ours."""
    for folder in ("book/notebooks", "helpers/book/pages/static", "data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "helpers" / "code.py").write_text("ANSWER = 42\n")
    (tmp_path / "data" / "samples.toml").write_text("")
    (tmp_path / "_config.yml").write_text("title: Small\n")
    shutil.copytree(ROOT / "config", tmp_path / "config")
    for name, line in {"10_first": "print(samples)", "18_last": "print('last')"}.items():
        cells = [
            nbformat.v4.new_code_cell("samples: list = ['demo']  # names", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(line),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, tmp_path / "book" / "notebooks" / f"{name}.ipynb")
    return tmp_path


def test_the_plan_of_the_book_holds_every_notebook():
    result = snakemake(
        ROOT, "-n", "--forceall", "--quiet", "rules", "--config", "book={samples: [demo], except: {}}", "--", "book"
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("profile", ["laptop", "slurm"])
def test_the_profiles_are_valid(profile):
    import yaml

    assert isinstance(yaml.safe_load((ROOT / "config" / profile / "config.yaml").read_text()), dict)


def test_the_ledger_comes_last(project):
    result = snakemake(
        project, "-n", "--config", "book={samples: [demo], except: {}}", "--", "_build/notebooks/18_last.ipynb"
    )
    assert result.returncode == 0, result.stderr
    assert "_build/notebooks/10_first.ipynb" in result.stdout + result.stderr


def test_what_a_notebook_reads_runs_before_it():
    """The reconstruction takes the aligned series that the page before it stores."""
    book = ["book={samples: [demo], except: {}}", "--", "_build/notebooks/03_reconstruction.ipynb"]
    batch = ["batch={samples: [one], notebooks: ['02', '03'], parameters: {}, samples_file: ''}"]
    for wanted, before in (
        (book, "_build/notebooks/02_alignment.ipynb"),
        ([*batch, "--", "results/one/notebooks/03_reconstruction.ipynb"], "results/one/notebooks/02_alignment.ipynb"),
    ):
        plan = snakemake(ROOT, "-n", "--forceall", "--config", *wanted)
        assert plan.returncode == 0, plan.stderr
        assert before in plan.stdout + plan.stderr


@pytest.mark.slow
def test_only_what_changed_runs_again_and_a_failure_fails(project):
    wanted = [
        "--config",
        "batch={samples: [one, two], notebooks: ['10'], parameters: {}, samples_file: ''}",
        "--",
        "batch",
    ]
    assert snakemake(project, *wanted).returncode == 0
    made = {sample: project / "results" / sample / "notebooks" / "10_first.ipynb" for sample in ("one", "two")}
    for sample, path in made.items():
        assert nbformat.read(path, as_version=4).cells[-1].outputs[0].text == f"['{sample}']\n"

    assert "Nothing to be done" in snakemake(project, *wanted).stderr

    before = made["one"].stat().st_mtime_ns
    (project / "helpers" / "code.py").write_text("ANSWER = 43\n")
    assert snakemake(project, *wanted).returncode == 0
    assert made["one"].stat().st_mtime_ns > before

    wrong = [
        "--config",
        "batch={samples: [one], notebooks: ['10'], parameters: {'10': {detla: 1}}, samples_file: ''}",
    ]
    result = snakemake(project, *wrong, "--", "batch")
    assert result.returncode != 0
    assert "has no parameter 'detla'" in result.stdout + result.stderr
