"""The public face: the calls that notebooks and users rely on, with their parameters and what they give.

A signature below names what must hold. Before the bare ``*`` a parameter can be given by its place; after it, by name.
``ANY`` stands for whatever default suits. The code may have more parameters, but only by name and with a default.
"""

from __future__ import annotations

import importlib
import inspect
from inspect import Parameter
from typing import Any

import pytest

import helpers

ANY: Any = object()

CALLS = {
    "load_sample": lambda name, file=None: None,
    "Sample.model": lambda self, which="published": None,
    "Sample.tilt_series": lambda self, role="tilt_series": None,
    "Sample.volume": lambda self, role="volume": None,
    "TiltSeries": lambda images, angles, pixel_size: None,
    "Volume": lambda array, voxel_size: None,
    "imaging.correct_drift": lambda frames: None,
    "imaging.estimate_noise": lambda images: None,
    "imaging.denoise": lambda images, method=ANY: None,
    "imaging.subtract_background": lambda images: None,
    "imaging.align": lambda tilt_series: None,
    "tomography.project": lambda volume, angles, shape=None: None,
    "tomography.back_project": lambda images, angles, shape: None,
    "tomography.reconstruct": lambda tilt_series, *, iterations=ANY, extended=False, thickness=None: None,
    "tomography.reconstruct_film": lambda areas, layout: None,
    "tomography.refine_angles": lambda tilt_series: None,
    "atoms.trace": lambda volume, min_distance=2.0: None,
    "atoms.classify": lambda volume, positions: None,
    "atoms.correct": lambda positions, table: None,
    "atoms.simulate_images": lambda positions, angles, shape, pixel_size, element, H, B: None,
    "atoms.refine": lambda positions, tilt_series, element: None,
    "atoms.locate": lambda tilt_series, element, volume=None, *, extended=False, noise=None: None,
    "atoms.position_bound": lambda positions, tilt_series, element: None,
    "atoms.compare": lambda found, truth, cutoff=1.0: None,
    "structure.neighbours": lambda positions, cutoff, box=None: None,
    "structure.first_valley": lambda r, g: None,
    "structure.pair_distribution": lambda positions, r_max=None, step=0.1, box=None: None,
    "structure.bond_order": lambda positions, cutoff, box=None: None,
    "structure.find_nuclei": lambda positions, order: None,
    "structure.voronoi": lambda positions, cutoff=None, box=None: None,
    "structure.mass_density": lambda positions, mass, width: None,
    "structure.find_tetrahedra": lambda positions, cutoff, delta=0.255, box=None: None,
    "structure.find_motifs": lambda tetrahedra: None,
    "structure.sharing": lambda motif: None,
    "structure.find_networks": lambda motif, min_size=5: None,
    "structure.distortion": lambda positions, bipyramids, box=None: None,
    "structure.interface_profile": lambda positions, order, nuclei: None,
    "simulation.quench": lambda element, atoms, start, stop, rate, *, potential=ANY: None,
    "simulation.acquire": lambda positions, angles: None,
    "simulation.structure_factor": lambda positions, q, box=None: None,
}

#: What the results hold, by the name of their class.
RESULTS = {
    "TiltSeries": "images angles pixel_size",
    "Volume": "array voxel_size",
    "tomography.Reconstruction": "volume r_factor",
    "atoms.Comparison": "pairs fraction rmsd",
    "structure.PairDistribution": "r g",
    "structure.BondOrder": "q4 q6 normalised",
    "structure.Voronoi": "indices coordination volumes",
    "structure.Motifs": "triplets fold",
    "structure.Bipyramids": "tetrahedra caps ring",
    "structure.Network": "size atoms length",
    "structure.Distortion": "alpha beta gamma theta",
    "simulation.StructureFactor": "q S",
}


def find(name: str) -> Any:
    """What a name stands for, or None if it is not written yet."""
    first, *rest = name.split(".")
    found = importlib.import_module(f"helpers.{first}") if first in helpers.store.STAGES else getattr(helpers, first)
    for part in rest:
        found = getattr(found, part, None)
    return found


def differences(wanted: inspect.Signature, found: inspect.Signature) -> list[str]:
    """What of a wanted signature another one does not keep."""
    problems = []
    by_place = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    given = list(found.parameters.values())
    places = [p.name for p in given if p.kind in by_place]
    expected = [p.name for p in wanted.parameters.values() if p.kind in by_place]
    if places[: len(expected)] != expected:
        problems.append(f"takes {places} by place; expected {expected}")
    problems += [f"{name} should be given by name only" for name in places[len(expected) :]]
    for name, parameter in wanted.parameters.items():
        if name not in found.parameters:
            problems.append(f"{name} is missing")
        elif parameter.default not in (ANY, Parameter.empty, found.parameters[name].default):
            problems.append(f"{name}={found.parameters[name].default!r}; expected {parameter.default!r}")
    for parameter in given:
        extra = parameter.name not in wanted.parameters and parameter.kind is not Parameter.VAR_KEYWORD
        if extra and parameter.kind is not Parameter.VAR_POSITIONAL and parameter.default is Parameter.empty:
            problems.append(f"{parameter.name} has no default")
    return problems


@pytest.mark.parametrize("name", CALLS)
def test_a_call_keeps_its_parameters(name):
    call = find(name)
    if call is None:
        pytest.skip(f"{name} is not written yet")
    assert differences(inspect.signature(CALLS[name]), inspect.signature(call)) == []


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_keeps_its_parts(name):
    kind = find(name)
    known = set(getattr(kind, "__dataclass_fields__", {})) | set(dir(kind))
    assert set(RESULTS[name].split()) - known == set()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (lambda positions, box=None, cutoff=3.0: None, "by place"),
        (lambda positions, cutoff, box=0: None, "expected None"),
        (lambda positions, cutoff: None, "box is missing"),
        (lambda positions, cutoff, box=None, extra=1: None, "extra should be given by name only"),
        (lambda positions, cutoff, box=None, *, extra: None, "extra has no default"),
    ],
)
def test_a_broken_promise_is_seen(found, words):
    wanted = inspect.signature(CALLS["structure.neighbours"])
    assert any(words in problem for problem in differences(wanted, inspect.signature(found)))
    assert differences(wanted, wanted) == []
