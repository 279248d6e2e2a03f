"""Whatever series, volumes, angles and options are given: a right answer or an error of ours."""

from __future__ import annotations

import numpy as np
import pytest
from fuzzing import answer, fuzz, numbers, positions, spoilt
from hypothesis import given
from hypothesis import strategies as st

from helpers import TiltSeries, Volume, memory, tomography

ANGLES = np.array([-60.0, -35.0, -10.0, 15.0, 40.0, 65.0])
EULER = np.stack([0.1 * ANGLES, ANGLES, -0.2 * ANGLES], axis=1)
_X, _Y, _Z = np.meshgrid(*[np.arange(n) - n // 2 for n in (16, 11, 14)], indexing="ij")
TRUTH = np.exp(-((_X - 2) ** 2 + _Y**2 + (_Z + 1) ** 2) / 6) + np.exp(-((_X + 3) ** 2 + (_Y - 2) ** 2 + _Z**2) / 4)
IMAGES = tomography.project(TRUTH, ANGLES).astype(float)
STEPS = st.one_of(numbers(1, 2), st.just(1))
SHAPES = st.one_of(
    st.none(),
    st.sampled_from([(16, 11, 14), (5, 5, 5), (3, 4), (16.0, 11.0, 14.0), (0, 3, 4), "abc", 7, (1e9, 1e9, 1e9), ()]),
)


@pytest.fixture(autouse=True)
def _little_memory(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1e9)


def endless(count):
    """Tell what would be right, and never end."""
    return isinstance(count, float) and 1e6 < count < np.inf


def tilts():
    return st.one_of(spoilt(ANGLES), spoilt(EULER))


@fuzz(20)
@given(spoilt(TRUTH), tilts(), SHAPES, spoilt(np.zeros((6, 2))))
def test_fuzz_projection(volume, angles, shape, shifts):
    found = answer(tomography.project, volume, angles, shape, shifts=shifts)
    if found is not None:
        assert found.dtype == np.float32
    answer(tomography.project, volume, ANGLES)
    answer(tomography.back_project, IMAGES, angles, shape or (16, 11, 14), shifts=shifts)
    answer(tomography.back_project, volume, angles, (7, 6, 5))
    answer(tomography.missing_wedge, shape, angles)
    answer(tomography.extended_shape, shape, angles, 5)


@fuzz(15)
@given(spoilt(IMAGES), tilts(), numbers(1.0), STEPS, numbers(14, 3), SHAPES, numbers(1.0, 0.5), st.booleans())
def test_fuzz_reconstruction(images, angles, pixel_size, iterations, thickness, shape, step, extended):
    series = answer(TiltSeries, images, angles, pixel_size)
    if series is None or endless(iterations):
        return
    options = {"iterations": iterations, "progress": False}
    answer(tomography.reconstruct, series, shape=shape, step=step, **options)
    answer(tomography.reconstruct, series, extended=extended, thickness=thickness, **options)
    answer(tomography.reconstruct, series, tolerance=step, positivity=False, accelerate=extended, **options)


@fuzz(10)
@given(spoilt(np.zeros((6, 2))), spoilt(TRUTH), st.sampled_from(["real", "fourier", "x", None]), numbers(1.5, 3.0))
def test_fuzz_options_of_reconstruction(shifts, start, projector, oversampling):
    series = TiltSeries(IMAGES, ANGLES, 1.0)
    options = {"iterations": 1, "progress": False}
    answer(tomography.reconstruct, series, shifts=shifts, **options)
    volume = answer(Volume, start, 1.0)
    if volume is not None:
        answer(tomography.reconstruct, series, start=volume, **options)
    answer(tomography.reconstruct, series, projector=projector, oversampling=(oversampling,) * 3, **options)
    answer(tomography.reconstruct, series, edges=projector, **options)
    answer(tomography.reconstruct, start, **options)


@fuzz(8)
@given(
    spoilt(IMAGES), tilts(), st.sampled_from(["theta", ["phi"], [], "x", 3, None]), numbers(1.0), numbers(0.1), STEPS
)
def test_fuzz_refinement(images, angles, refine, smoothing, tolerance, rounds):
    series = answer(TiltSeries, images, angles, 1.0)
    if series is None or endless(rounds):
        return
    options = {"rounds": rounds, "iterations": 1, "progress": False, "seconds": 60}
    answer(tomography.refine_angles, series, refine=refine, tolerance=tolerance, **options)
    answer(tomography.refine_angles, series, smoothing=smoothing, **options)


@fuzz(20)
@given(tilts(), tilts(), st.sampled_from(["euler", "rotation", "x", None]))
def test_fuzz_angle_errors(found, true, kind):
    answer(tomography.angle_errors, found, true, kind=kind)


@fuzz(20)
@given(SHAPES, SHAPES, numbers(0.5), spoilt(np.array([[30.0, 30.0, 15.0]])), spoilt(np.array([2.0, 3.0])))
def test_fuzz_films(shape, size, overlap, centres, origin):
    answer(tomography.tile_film, shape, size, overlap=overlap)
    answer(tomography.tile_film, (31, 21, 5), (11, 9), origin=origin)
    answer(tomography.FilmLayout, centres, [[3, 3, 3]], (91, 61, 31))
    answer(tomography.FilmLayout, [[30, 30, 15]], centres, shape)


@fuzz(15)
@given(spoilt(TRUTH), numbers(0.4), positions(8, models=False), numbers(1.0), numbers(0.2))
def test_fuzz_mean_atom(array, voxel_size, atoms, reach, step):
    volume = answer(Volume, array, voxel_size)
    if volume is not None:
        answer(tomography.mean_atom, volume, atoms, reach=reach, step=step)


@fuzz(15)
@given(spoilt(TRUTH), spoilt(TRUTH), numbers(0.4), st.sampled_from([0, 1, 2, 3, -1, None, "x", 1.0]))
def test_fuzz_agreement(first, second, voxel_size, axis):
    answer(tomography.correlation, first, second, nan=True)
    answer(tomography.plane_correlation, first, second, axis=axis, nan=True)
    answer(tomography.shell_correlation, first, second, voxel_size=voxel_size, nan=["correlation"])
    answer(tomography.r_factor, first, second)
