"""Uncertainty: displaced copies have the stated precision, and errors add up as they should."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from helpers import readers, store
from helpers.uncertainty import PRECISION, Estimate, combine, displaced_models, estimate, known_precision

RNG = np.random.default_rng(5)


def test_copies_are_displaced_by_the_precision():
    positions = RNG.normal(size=(4000, 3)) * 20
    moved = np.array([copy - positions for copy in displaced_models(positions, 5)])
    rms = np.sqrt((moved**2).sum(axis=2).mean())
    assert rms == pytest.approx(PRECISION, rel=0.01)  # 60,000 components: 0.3 %
    assert np.abs(moved.mean(axis=(0, 1))).max() < 4 * PRECISION / np.sqrt(3 * 20_000)
    assert not np.allclose(moved[0], moved[1])


def test_copies_are_the_same_each_time():
    first, again = (next(displaced_models(np.zeros((3, 3)), 1, seed=9)) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_a_linear_measure_gets_its_known_error():
    positions = RNG.normal(size=(50, 3))
    found = estimate(lambda p, scale: {"x": scale * p[0, 0]}, positions, {"scale": 3.0}, {"scale": 0.5}, repeats=400)
    parts = found["x"].parts
    assert found["x"].value == pytest.approx(3 * positions[0, 0])
    assert parts["positions"] == pytest.approx(3 * PRECISION / np.sqrt(3), rel=0.12)  # 400 copies: 3.5 %
    assert parts["scale"] == pytest.approx(0.5 * abs(positions[0, 0]))
    assert found["x"].uncertainty == pytest.approx(np.hypot(parts["positions"], parts["scale"]))


def test_several_models_are_displaced_as_one():
    whole = RNG.normal(size=(30, 3))
    models = {"a": whole[:12], "b": whole[12:]}
    for one, several in zip(displaced_models(whole, 3, seed=2), displaced_models(models, 3, seed=2), strict=True):
        np.testing.assert_array_equal(one, np.concatenate([several["a"], several["b"]]))


def test_a_pooled_number():
    models = {"a": RNG.normal(size=(40, 3)), "b": RNG.normal(size=(10, 3))}

    def mean(parts, scale):
        return {"x": scale * np.concatenate(list(parts.values()))[:, 0].mean()}

    found = estimate(mean, models, {"scale": 2.0}, {"scale": 0.1}, repeats=400)["x"]
    whole = np.concatenate([models["a"], models["b"]])[:, 0].mean()
    assert found.value == pytest.approx(2 * whole)
    assert found.parts["scale"] == pytest.approx(0.1 * abs(whole))
    assert found.parts["positions"] == pytest.approx(2 * PRECISION / np.sqrt(3 * 50), rel=0.12)  # 400 copies: 3.5 %


def test_models_without_atoms_are_named():
    with pytest.raises(ValueError, match="positions holds no model"):
        estimate(lambda models: {"n": 0}, {})
    with pytest.raises(ValueError, match="positions of b holds 0 atoms"):
        list(displaced_models({"a": np.zeros((1, 3)), "b": np.zeros((0, 3))}, 1))


def test_every_coordinate_is_displaced_by_its_own_precision():
    sigma = np.tile([[0.02, 0.05, 0.1], [0.2, 0.0, 0.3]], (3000, 1))
    moved = next(displaced_models(np.zeros((6000, 3)), 1, precision=sigma))
    for k in (0, 1):  # 3,000 draws know a standard deviation to 1.3 %
        np.testing.assert_allclose(moved[k::2].std(axis=0), sigma[k], rtol=0.05)
    same = next(displaced_models(np.zeros((6000, 3)), 1, precision=np.full((6000, 3), PRECISION / np.sqrt(3))))
    np.testing.assert_allclose(same, next(displaced_models(np.zeros((6000, 3)), 1)), rtol=1e-12)
    models = {"a": np.zeros((4, 3)), "b": np.zeros((6000, 3))}
    both = next(displaced_models(models, 1, precision={"a": 0.18, "b": sigma}))
    np.testing.assert_allclose(both["b"].std(axis=0), np.sqrt((sigma**2).mean(axis=0)), rtol=0.05)
    found = estimate(lambda p: {"z": p[1, 2]}, np.zeros((2, 3)), repeats=400, precision=sigma[:2])["z"]
    assert found.parts["positions"] == pytest.approx(0.3, rel=0.12)


def test_a_model_brings_its_own_precision(tmp_path):
    bare = Atoms("Ta3", RNG.normal(size=(3, 3)))
    assert known_precision(bare) == PRECISION
    located = bare.copy()
    own = np.array([[0.05, 0.04, 0.1], [0.06, 0.05, 0.2], [np.inf, np.inf, np.inf]])
    located.set_array("uncertainty", own)
    store.save_atoms(tmp_path / "model.xyz", located, {})
    for model in (store.load_atoms(tmp_path / "model.xyz"), readers.read_atoms(tmp_path / "model.xyz")):
        found = known_precision(model)
        np.testing.assert_allclose(found[:2], own[:2], atol=1e-7)
        np.testing.assert_allclose(found[2], PRECISION / np.sqrt(3))  # nothing bounds it
    located.arrays["uncertainty"] = own[:, 0]
    with pytest.raises(ValueError, match=r"uncertainty has shape \(3,\) and 0 values negative or NaN; expected"):
        known_precision(located)
    located.arrays["uncertainty"] = -own
    with pytest.raises(ValueError, match=r"9 values negative or NaN; expected \(3, 3\) standard deviations"):
        known_precision(located)


@pytest.mark.parametrize(
    ("precision", "words"),
    [
        (0.0, "precision=0.0; expected a positive number"),
        (np.ones((2, 3)), r"precision has shape \(2, 3\); expected a length, or finite standard deviations of shape"),
        (np.full((4, 3), np.inf), "finite standard deviations"),
        ({"a": 0.1}, "precision says nothing of the model"),
    ],
)
def test_bad_precisions_are_named(precision, words):
    with pytest.raises(ValueError, match=words):
        next(displaced_models(np.zeros((4, 3)), 1, precision=precision))


def test_no_repeats_no_uncertainty():
    found = estimate(lambda p: {"n": len(p)}, np.zeros((4, 3)), repeats=0)["n"]
    assert found.value == 4
    assert np.isnan(found.uncertainty)
    assert str(found) == "4"


def test_means_of_independent_and_of_common_errors():
    pair = [Estimate(1.0, {"positions": 0.3, "delta": 0.3}), Estimate(4.0, {"positions": 0.4, "delta": 0.1})]
    mean = combine(pair)
    assert mean.value == pytest.approx(2.5)
    assert mean.parts["positions"] == pytest.approx(0.25)
    assert combine(pair, common=["delta"]).parts["delta"] == pytest.approx(0.2)
    heavy = combine(pair, [3, 1])
    assert heavy.value == pytest.approx(1.75)
    assert heavy.parts["positions"] == pytest.approx(np.hypot(0.75 * 0.3, 0.25 * 0.4))


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0]])
def test_bad_weights_are_named(weights):
    with pytest.raises(ValueError, match="one for each of 2 estimates"):
        combine([Estimate(1.0), Estimate(2.0)], weights)
