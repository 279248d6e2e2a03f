"""The plan of a batch: what it holds, and what it refuses before anything runs."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from helpers.book.pages.batch import Plan, make_plan

ROOT = Path(__file__).parents[3]

TOML = """
[one]
title = "One"
elements = ["Ta"]
kind = "particle"
files.model = "one.xyz"

[two]
title = "Two"
elements = ["Pd"]
kind = "particle"
files.model = "two.xyz"
files.tilt_series = "two.mrc"
files.angles = "two.tlt"
pixel_size = 0.4
"""


@pytest.fixture
def notebooks(tmp_path):
    made = {}
    for name, line in {
        "03_volume": "sample: str = 'demo'  # name",
        "10_order": "samples: list = ['demo']  # names\ndelta: float = 0.2  # -",
        "16_free": "seed: int = 1  # -",
        "18_ledger": "verdicts: list = []  # -",
    }.items():
        cell = nbformat.v4.new_code_cell(line, metadata={"tags": ["parameters"]})
        made[name] = tmp_path / f"{name}.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), made[name])
    return made


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(TOML)
    return str(path)


def config(own, **changes):
    needs = {"03": "tilt_series angles", "10": "model"}
    return {"samples": ["one", "two"], "samples_file": own, "needs": needs, "ledger": True, **changes}


@pytest.mark.parametrize("name", [{"a": "b.toml"}, "my {x}.toml"])
def test_what_snakemake_would_not_take_for_a_file_is_refused(notebooks, own, name):
    with pytest.raises(ValueError, match="samples_file is .* rename it without braces"):
        make_plan(config(own, samples_file=name), notebooks, "18_ledger")


def test_files_of_own_samples_are_named_for_the_graph(notebooks, own, tmp_path):
    (tmp_path / "two.mrc").write_text("")
    assert make_plan(config(own), notebooks, "18_ledger").files == {"one": [], "two": [str(tmp_path / "two.mrc")]}
    Path(own).write_text(TOML.replace("one.xyz", "{one}.xyz"))
    with pytest.raises(ValueError, match="a file of sample 'one' is .* rename it without braces"):
        make_plan(config(own), notebooks, "18_ledger")


def test_a_notebook_runs_for_the_samples_that_have_its_files(notebooks, own):
    plan = make_plan(config(own), notebooks, "18_ledger")
    assert plan == Plan(
        (("one", "10_order"), ("two", "03_volume"), ("two", "10_order")),
        (),
        "18_ledger",
        {},
        {},
        {"one": [], "two": []},
    )


def test_words_on_the_command_line_choose(notebooks, own):
    plan = make_plan(config(own, samples="two,one two", notebooks="10", together=True, ledger=False), notebooks, "18_l")
    assert plan.jobs == (("two", "10_order"), ("one", "10_order"))
    assert plan.together == ("10_order",)
    assert plan.ledger is None
    given = make_plan(config(own, parameters={"10": {"delta": 0.3}}), notebooks).parameters
    assert given == {"10_order": {"delta": 0.3}}


def test_all_values_on_the_command_line_are_words(notebooks, own):
    plan = make_plan(config(own, ledger="false", parameters={"10": {"delta": "0.3"}}), notebooks, "18_ledger")
    assert plan.ledger is None
    assert plan.parameters == {"10_order": {"delta": 0.3}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"samples": "oen"}, "no sample 'oen'; did you mean 'one'"),
        ({"samples": []}, 'the batch has no samples; name some, as in make batch SAMPLES="Ta Pd1"'),
        ({"samples": ["one two"]}, "sample 'one two' cannot run in a batch: its name is a folder of results"),
        ({"samples": ["$(touch bad)"]}, r"sample '\$\(touch bad\)' cannot run in a batch"),
        ({"samples": ["../one"]}, r"sample '\.\./one' cannot run in a batch"),
        (
            {"samples": ["together"]},
            "sample 'together' cannot run in a batch.* but not ledger, quench, recorded, together",
        ),
        ({"notebooks": ["1O"]}, "there is no notebook '1O'; expected two digits among 03, 10, 16, 18"),
        ({"notebooks": "16"}, "notebook 16_free takes no sample; leave it out of the batch"),
        (
            {"notebooks": "10 03"},
            "notebook 03_volume reads files.tilt_series, which sample 'one' has not; it has model: leave the one or",
        ),
        ({"parameters": {"10": {"detla": 1}}}, "notebook 10_order has no parameter 'detla'; did you mean 'delta'"),
        ({"parameters": {"10": {"delta": "x"}}}, "parameter 'delta' of notebook 10_order got 'x'; expected float"),
        ({"parameters": {"16": {"seed": 2}}}, "parameters are given for notebook '16', which is not in the batch"),
        ({"parameters": {"10": 3}}, "parameters of notebook '10' are 3; expected names and values"),
        ({"sample": "one"}, "the section batch has no 'sample'; did you mean 'samples'"),
        (
            {"needs": {"03": "spectrum"}},
            "no notebook fits one, two: config/config.yaml says which files each one needs",
        ),
        ({"areas": {"demo": [1]}}, r"sample 'demo' has no areas \[1\]; it has none"),
        ({"areas": {"Ta": [64, 66]}}, r"sample 'Ta' has no areas \[66\]; it has 1 to 65"),
        ({"samples_file": "nowhere.toml"}, "no samples file nowhere.toml"),
    ],
)
def test_what_is_misspelt_is_refused(notebooks, own, changes, words):
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        make_plan(config(own, **changes), notebooks, "18_ledger")


def test_what_takes_longest_is_begun_first():
    """The notebooks that the Makefile names exist; a new name would stop the build."""
    (line,) = re.findall(r"^LONGEST := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    there = {path.stem for path in (ROOT / "book" / "notebooks").glob("*.ipynb")}
    assert set(line.split()) <= there
