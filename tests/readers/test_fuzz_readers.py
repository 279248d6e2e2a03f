"""Files that lie: bytes flipped, cut, doubled, other encodings. Each is read, or refused with a sentence of ours."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from fuzzing import answer, fuzz
from hypothesis import given
from hypothesis import strategies as st
from small_files import ANGLES, IMAGES, MODELS

import helpers
from helpers import readers

FOLDER = Path(tempfile.mkdtemp(prefix="fuzz"))
OWN = (
    '# mine\n[mine]\ntitle = "A particle"\nelements = ["Cu"]\nkind = "particle"\npixel_size = 0.4\ntilts = 3\n'
    'files.model = "a.xyz"\nfiles.tilt_series = { file = "a.h5", array = "x" }\nfiles.angles = "a.rawtlt"\n'
)


@pytest.fixture(scope="module", autouse=True)
def _folder():
    yield
    for path in FOLDER.iterdir():
        path.unlink()
    FOLDER.rmdir()


def whole(name: str, make) -> bytes:
    make(FOLDER / name)
    return (FOLDER / name).read_bytes()


WORDS = [
    b"\0",
    b"\xff",
    b"nan",
    b"inf",
    b"-1",
    b"1e999",
    b"9" * 12,
    b"{0}",
    b"<b>",
    b"\xef\xbb\xbf",
    b"\r",
    b"\n",
    b" ",
    b"#",
    b'"',
]
NUMBERS = [0, 1, -1, 2**31 - 1, -(2**31), 4000, 2**16, 0x7F800000, 0x7FC00000]


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """A file after up to four accidents; most of them near its begin, where headers are."""
    found = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        if not found:
            break
        near = draw(st.booleans())
        at = draw(st.integers(0, min(len(found), 256 if near else len(found)) - 1))
        kind = draw(st.sampled_from(["flip", "cut", "word", "number", "twice", "drop"]))
        if kind == "flip":
            found[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del found[at:]
        elif kind == "word":
            found[at:at] = draw(st.sampled_from(WORDS))
        elif kind == "number":
            found[at // 4 * 4 : at // 4 * 4 + 4] = (draw(st.sampled_from(NUMBERS)) % 2**32).to_bytes(4, "little")
        elif kind == "twice":
            found[at:at] = found[at : at + draw(st.integers(1, 64))]
        else:
            del found[at : at + draw(st.integers(1, 16))]
    return bytes(found)


@st.composite
def damaged_text(draw, content: bytes) -> bytes:
    """A text after accidents, at times in another encoding."""
    encoding = draw(st.sampled_from(["", "", "", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp037"]))
    return content.decode().encode(encoding) if encoding else draw(damaged(content))


def place(name: str, content: bytes) -> Path:
    path = FOLDER / name
    path.unlink(missing_ok=True)  # a new file, so that nothing that is still mapped changes
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", IMAGES)
def test_fuzz_images(name):
    content = whole(name, IMAGES[name])

    @fuzz(12)
    @given(damaged(content))
    def run(spoilt):
        series = answer(readers.read_tilt_series, place(name, spoilt), np.array([-60.0, 0.0, 60.0]), pixel_size=0.4)
        if series is not None:
            assert series.images.shape[0] == 3 and series.images.dtype == np.float32

    run()


@pytest.mark.parametrize("name", ANGLES)
def test_fuzz_angles(name):
    content = whole(name, ANGLES[name])

    @fuzz(20)
    @given(damaged(content) if name.endswith("mat") else damaged_text(content))
    def run(spoilt):
        angles = answer(readers.read_angles, place(name, spoilt))
        if angles is not None:
            assert np.abs(angles).max() <= 360 and (angles.ndim == 1 or angles.shape[1] == 3)

    run()


@pytest.mark.parametrize("name", MODELS)
def test_fuzz_models(name):
    content = whole(name, MODELS[name])

    @fuzz(12)
    @given(damaged(content) if name.endswith("mat") else damaged_text(content))
    def run(spoilt):
        atoms = answer(readers.read_atoms, place(name, spoilt), elements=["Cu"], nan=True)
        if atoms is not None:
            assert np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()
            assert set(atoms.get_chemical_symbols()) == {"Cu"} and len(atoms) > 0

    run()


@fuzz(30)
@given(damaged_text(OWN.encode()), st.sampled_from(["mine", "min", "..", "demo"]))
def test_fuzz_descriptions(spoilt, name):
    sample = answer(helpers.load_sample, name, place("own.toml", spoilt), nan=True)
    if sample is not None:
        assert sample.kind in ("particle", "film", "bulk", "projections")
        answer(sample.model)
        answer(sample.tilt_series)


def test_whole_files_are_read():
    for name, make in IMAGES.items():
        whole(name, make)
        assert len(readers.read_images(FOLDER / name)[0]) == 3
    for name, make in ANGLES.items():
        whole(name, make)
        assert len(readers.read_angles(FOLDER / name)) == 3
    for name, make in MODELS.items():
        whole(name, make)
        assert set(readers.read_atoms(FOLDER / name, elements=["Cu"]).get_chemical_symbols()) == {"Cu"}
