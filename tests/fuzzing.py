"""What the fuzz tests share: what a caller may hand in, and what counts as an answer.

A public call answers any input in one of two ways: with a right result, or with an error of ours. `answer` makes a
call and holds it to that. It fails for an error of Python, NumPy or Numba that came through, for a warning of numerics,
for a call that hangs, for arguments that were changed, and for NaN where none is promised.

``make test`` runs a few cases a test, the same ones every time; ``AET_FUZZ=400 pytest -k fuzz`` runs 400 of each, new
ones every time, and prints those that fail so that they can be kept with ``@example``.
"""

from __future__ import annotations

import copy
import dataclasses
import linecache
import os
import signal
import traceback
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

import helpers

PACKAGE = Path(helpers.__file__).parent
#: Cases of each test; 0 stands for the few of every run.
CASES = int(os.environ.get("AET_FUZZ") or "0")
_PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
#: How many calls were answered, by what they came to.
tally = {"results": 0, "refusals": 0}


def fuzz(few: int = 20, *, share: float = 1.0) -> settings:
    """Return how often to run a test: `few` times, or a share of what ``AET_FUZZ`` asks for."""
    return settings(
        max_examples=max(few, round(CASES * share)),
        derandomize=not CASES,
        database=None,
        phases=[*_PHASES, Phase.shrink] if CASES else _PHASES,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


def answer(function, *args, nan=False, seconds=600.0, **options) -> Any:
    """Call a function; return its result, or None if it refused with an error of ours.

    ``nan`` allows NaN and infinity in the result: anywhere (True), or in the fields and keys that it names.
    """
    before = copy.deepcopy((args, options))
    with warnings.catch_warnings(), _Limit(seconds, function, before):
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        try:
            result = function(*args, **options)
        except Exception as error:
            if not is_ours(error):
                words = f"{_call(function, before)} raised {error!r}, no error of ours"
                raise AssertionError(words) from error
            result = None
            tally["refusals"] += 1
        else:
            tally["results"] += 1
    assert _same(before, (args, options)), f"{_call(function, before)} changed what it was given"
    where = None if nan is True else _not_finite(result, set() if nan is False else set(nan))
    assert where is None, f"{_call(function, before)} returned NaN or infinity in {where or 'its result'}"
    return result


def is_ours(error: BaseException) -> bool:
    """Tell an error that a line ``raise`` of the package gave, with a sentence, from any other."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(last.filename, last.lineno or 0).strip()
    sentence = str(error)
    return (
        PACKAGE in Path(last.filename).parents
        and line.startswith("raise")
        and len(sentence.split()) >= 4
        and "\n" not in sentence
        and len(sentence) < 1000
    )


class _Limit:
    """Limit on the time of a call, which a kernel notices when it returns."""

    def __init__(self, seconds: float, function: Any, given: Any) -> None:
        self.seconds, self.function, self.given = seconds, function, given

    def __enter__(self) -> None:
        self.before = signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self.before)

    def _ring(self, *_: object) -> None:
        words = f"{_call(self.function, self.given)} took longer than {self.seconds:g} s"
        raise BaseTimeout(words)


class BaseTimeout(BaseException):
    """A call that hangs; no ``except Exception`` of the package can catch it."""


def _call(function: Any, given: tuple[Any, Any]) -> str:
    args = [repr(a) for a in given[0]] + [f"{k}={v!r}" for k, v in given[1].items()]
    return f"{getattr(function, '__name__', function)}({', '.join(args)})"[:1500]


def _same(one: Any, other: Any) -> bool:
    """Compare arguments before and after, NaN equal to NaN."""
    if isinstance(one, np.ma.MaskedArray):
        return np.array_equal(np.ma.getmaskarray(one), np.ma.getmaskarray(other)) and _same(one.data, other.data)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, Mapping):
        return all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    if hasattr(one, "positions") and hasattr(one, "pbc"):
        return bool(one == other) or not np.isfinite(one.positions).all()
    return True


def _not_finite(value: Any, allowed: set[str], name: str = "") -> str | None:
    """Return the name of the first part of a result that holds NaN or infinity."""
    if name.rpartition(".")[2] in allowed:
        return None
    if isinstance(value, (float, np.floating)):
        return None if np.isfinite(value) else name
    if isinstance(value, np.ndarray):
        return None if value.dtype.kind not in "fc" or np.isfinite(value).all() else name
    parts: Sequence[tuple[str, Any]] = ()
    if dataclasses.is_dataclass(value):
        parts = [(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)]
    elif isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [(str(k), part) for k, part in enumerate(value)]
    for key, part in parts:
        found = _not_finite(part, allowed, f"{name}.{key}")
        if found is not None:
            return found
    return None


# --- what a caller may hand in -------------------------------------------------------------------------------------


def numbers(*good: float) -> st.SearchStrategy[Any]:
    """Return numbers for an option: the good ones more often than all that people and programs pass by mistake."""
    odd = [0, 0.0, -1, -2.5, 1e-300, 1e-9, 1e9, 1e300, np.nan, np.inf, -np.inf, True, None, "3", "", 1 + 2j]
    odd += [np.float32(2.5), np.int8(3), np.array(2.0), np.array([2.0]), [3.0], np.ma.masked, 10**400, np.complex64(1j)]
    return st.one_of(st.sampled_from(good), st.sampled_from(good), st.sampled_from(odd))


def spoilt(array: np.ndarray) -> st.SearchStrategy[Any]:
    """Return an array as it is, in other layouts and types, and in ways that no analysis can use."""
    return st.sampled_from([*_LAYOUTS, *_LAYOUTS, *_FLAWS]).map(lambda change: change(array))


def _with(value: Any, dtype: Any = None):
    def change(array: np.ndarray) -> Any:
        copied = np.array(array, dtype=dtype or (array.dtype if array.dtype.kind == "f" else np.float64))
        if copied.size:
            copied.flat[copied.size // 2] = value
        return copied

    return change


def _read_only(array: np.ndarray) -> np.ndarray:
    copied = array.copy()
    copied.flags.writeable = False
    return copied


def _masked(array: np.ndarray) -> np.ndarray:
    mask = np.zeros(array.shape, bool)
    if array.size:
        mask.flat[array.size // 2] = True
    return np.ma.array(array, mask=mask)


_LAYOUTS = [
    lambda a: a,
    lambda a: a.astype(np.float32),
    lambda a: np.round(a).astype(np.int64),
    lambda a: a.tolist(),
    np.asfortranarray,
    lambda a: np.repeat(a, 2, axis=0)[::2],
    lambda a: a[::-1],
    _read_only,
    lambda a: np.ma.array(a),
    lambda a: a.astype(">f8"),
    lambda a: a.astype(np.float16),
]
_FLAWS = [
    _with(np.nan),
    _with(np.inf),
    _with(1e300),
    _with(-1e12),
    _with(1e-300),
    _with(1 + 1j, complex),
    _with(None, object),
    _masked,
    lambda a: np.round(np.clip(a, -100, 100)).astype(np.int8),
    lambda a: np.abs(np.round(a)).astype(np.uint16),
    lambda a: a[:0],
    lambda a: a[:1],
    lambda a: a[:2],
    lambda a: a[..., :2],
    lambda a: a.T,
    lambda a: a[None],
    lambda a: a[0] if len(a) else a,
    lambda a: np.zeros_like(a),
    lambda a: np.full_like(a, 7.25),
    lambda a: a * 1e-12,
    lambda a: a * 1e7,
    lambda a: np.concatenate([a, a[:1]]),
    lambda a: np.concatenate([a, a[:3] + 1e-3]),
    lambda a: a * np.array([1.0, 1.0, 0.0]) if a.shape[-1:] == (3,) else a,
    lambda a: a * np.array([1.0, 0.0, 0.0]) if a.shape[-1:] == (3,) else a,
    lambda a: a.astype(str),
    lambda a: None,
    lambda a: "text",
    lambda a: 3.5,
    lambda a: {"x": 1},
    lambda a: [[1.0, 2.0, 3.0], [4.0]],
]


@st.composite
def positions(draw, largest: int = 40, *, models: bool = True) -> Any:
    """Return atom positions [Å]: gases, lattices, clusters, models of ASE, and what is none of these."""
    kind = draw(st.sampled_from(["gas", "crystal", "jittered", "ball", "line"]))
    count = draw(st.integers(1, largest))
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    cells = np.stack(np.meshgrid(*3 * [np.arange(4)], indexing="ij"), axis=-1).reshape(-1, 3)[:count]
    places = {
        "gas": random.uniform(0, 9, (count, 3)),
        "crystal": 2.9 * cells.astype(float),
        "jittered": 2.9 * cells + random.normal(0, 0.3, (len(cells), 3)),
        "ball": random.normal(0, 3, (count, 3)),
        "line": np.outer(np.arange(count), [2.5, 0.1, 0.0]),
    }[kind]
    if models and draw(st.integers(0, 4)) == 0:
        return draw(_models(places))
    return draw(spoilt(places))


def _models(places: np.ndarray) -> st.SearchStrategy[Any]:
    from ase import Atoms

    def make(kind: str) -> Atoms:
        side = max(12.0, float(np.ptp(places, axis=0).max()) + 2.5)
        cells: dict[str, Any] = {
            "finite": (None, False),
            "periodic": (side, True),
            "triclinic": ([[side, 0, 0], [side / 3, side, 0], [0, 0, side]], True),
            "partly": (side, [True, True, False]),
            "no cell": (None, True),
            "small": (3.0, True),
        }
        cell, pbc = cells[kind]
        cell = np.full(3, cell) if isinstance(cell, float) else cell
        symbols = ["Ta", "Pd"] * (len(places) // 2) + ["Ta"] * (len(places) % 2)
        return Atoms(symbols, places, cell=cell, pbc=pbc)

    return st.sampled_from(["finite", "periodic", "periodic", "triclinic", "partly", "no cell", "small"]).map(make)


def boxes() -> st.SearchStrategy[Any]:
    """Return boxes [Å], mostly none or large enough for `positions`."""
    odd = [0.0, -5.0, 1e-300, 1e300, np.nan, [10, 10], [10, -1, 10], np.eye(3), np.ones((3, 3)), "box", np.full(3, 2.0)]
    return st.one_of(
        st.none(), st.sampled_from([14.0, np.full(3, 15.0), np.diag([13.0, 14.0, 15.0])]), st.sampled_from(odd)
    )


def masks(count: int) -> st.SearchStrategy[Any]:
    """Return masks for so many things, and what is no mask of them."""
    half = np.arange(count) % 2 == 0
    odd = [half.astype(int), half[:-1], half[None], np.ma.array(half, mask=half), half.astype(float), "mask", 3]
    good = [half, half.tolist(), ~half, np.ones(count, bool), np.zeros(count, bool)]
    return st.one_of(st.none(), st.sampled_from(good), st.sampled_from(good), st.sampled_from(odd))
