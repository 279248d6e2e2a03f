"""What is recorded is what the code computes: where the published data are, some of the records are made anew."""

from __future__ import annotations

import json

import numpy as np
import pytest

from helpers import load_sample, sample_names, structure
from helpers.book import ledger
from helpers.book.ledger import archive
from helpers.book.pages.run import run_notebook
from helpers.data import DATA_FOLDER

CLAIMS = ledger.claims()


@pytest.fixture(scope="module", autouse=True)
def _made():
    if not (archive.FOLDER / "ledger.json").is_file():
        pytest.skip("nothing is recorded yet: make record")


def record_of(claim):
    entry = archive.recorded(claim)
    if entry is None:
        pytest.skip(f"{claim} is not recorded")
    return entry


def test_the_record_is_small_and_speaks_of_known_claims():
    content = json.loads((archive.FOLDER / "ledger.json").read_text(encoding="utf-8"))
    assert set(content["records"]) <= set(CLAIMS)
    assert set(content["origin"]) == {"version", "commit", "date", "inputs"}
    assert set(content["origin"]["inputs"]) <= set(sample_names())
    files = [archive.FOLDER / "ledger.json", *(archive.FOLDER / "curves").glob("*.json")]
    assert sum(path.stat().st_size for path in files) < 500e3
    for claim, entry in content["records"].items():
        assert (type(entry["value"]) is bool) == (CLAIMS[claim].kind == "trend")


def test_no_coordinates_are_recorded():
    """A curve has one number for each x; a model would be three columns of thousands of rows."""
    for path in (archive.FOLDER / "curves").glob("fig-*.json"):
        for curve in json.loads(path.read_text(encoding="utf-8")):
            assert set(curve) <= {"name", "type", "x", "y", "xaxis", "yaxis", "shape"}
            assert len(curve["x"]) == len(curve["y"]) <= 1200, f"{path.name}: {curve['name']}"


def test_the_largest_network_is_the_recorded_one(published):
    sample = published("Ta")
    census = structure.take_census(structure.polytetrahedral_packing(sample.model(), sample.first_valley))
    largest = census.networks[5][0]
    assert largest.size == record_of("largest_pbn_size").value
    assert len(largest.atoms) == record_of("largest_pbn_atoms").value
    np.testing.assert_allclose(largest.length / 10, record_of("largest_pbn_length").value, rtol=1e-9)


@pytest.mark.parametrize("name", ["Ta", "Pd1", "Pd2"])
def test_nuclei_are_the_recorded_ones(name, published):
    sample = published(name)
    positions = sample.model().positions
    order = structure.bond_order(positions, sample.first_valley)
    share = 100 * structure.find_nuclei(positions, order.normalised, threshold=0.5).mean()
    np.testing.assert_allclose(share, record_of(ledger.find("nuclei_fraction", name)).value, rtol=1e-9)


def test_the_shortest_distance_is_the_recorded_one(published):
    models = [published(name).model().positions for name in ("Ta", "Pd1", "Pd2")]
    shortest = min(structure.neighbours(positions, 5.0).shortest for positions in models)
    np.testing.assert_allclose(shortest, record_of("min_distance").value, rtol=1e-9)


@pytest.mark.parametrize("claim", sorted(CLAIMS))
def test_the_record_follows_the_rules_of_today(claim):
    """A rule or a reading that was changed in claims.toml after the record was made is found here."""
    entry, known = record_of(claim), CLAIMS[claim]
    assert tuple(entry.samples) == known.samples
    assert set(entry.alternatives) <= set(known.readings.values())
    if "{" not in known.rule:
        assert entry.rule == known.rule.strip()


def test_simulations_are_not_recorded():
    content = json.loads((archive.FOLDER / "ledger.json").read_text(encoding="utf-8"))
    for entry in content["records"].values():
        assert not all(load_sample(name).simulated for name in entry["samples"])


@pytest.mark.slow
@pytest.mark.parametrize("number", ["10", "11", "12", "13", "14", "15"])
def test_a_notebook_finds_what_is_recorded(number, published, tmp_path, monkeypatch):
    """Without displaced copies, which only serve uncertainties; half a minute to some minutes a notebook."""
    names = ["Ta", "Pd1", "Pd2"]
    for name in names:
        published(name)
    monkeypatch.setenv("AET_RESULTS", str(tmp_path / "results"))
    (notebook,) = (DATA_FOLDER.parent / "book" / "notebooks").glob(f"{number}_*.ipynb")
    run_notebook(notebook, tmp_path / notebook.name, parameters={"repeats": 0}, samples=[*names, "demo"])
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in (tmp_path / "results/ledger").glob("*.json")}
    assert found
    for claim, made in found.items():
        kept = record_of(claim)
        np.testing.assert_allclose(made["value"], kept.value, rtol=1e-9, err_msg=claim)
        assert set(made["alternatives"]) <= set(kept.alternatives), claim  # some readings belong to displaced copies
        for reading, value in made["alternatives"].items():
            np.testing.assert_allclose(value, kept.alternatives[reading], rtol=1e-9, err_msg=f"{claim}, {reading}")
