"""Samples files written by hand: each mistake gets one sentence with file, section and key; none becomes code."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from scipy.io import savemat

import helpers
from helpers import samples

FILM = '[a]\nkind = "film"\n'


def load(tmp_path, text, name="a"):
    (tmp_path / "own.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return helpers.load_sample(name, file=tmp_path / "own.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '[a]\nkind = "particle"\npixelsize = 1\n',
            r"section \[a\]: unknown key 'pixelsize'; did you mean 'pixel_size'",
        ),
        ('[a]\nkind = "blob"\n', "key kind: got 'blob'; expected \"particle\""),
        ('[a]\ntitle = "A"\n', "the key 'kind' is missing; expected \"particle\""),
        (FILM + 'elements = "Pt"\n', "key elements: got 'Pt'; expected a list of chemical symbols"),
        (FILM + 'elements = ["Xx"]\n', r"key elements: got .*'Xx' is no chemical symbol\); expected a list"),
        (FILM + 'elements = ["X"]\n', "'X' is no chemical symbol"),
        (FILM + "elements = [78]\n", "key elements: got '.78.'; expected a list"),
        (FILM + 'pixel_size = "0.4"\n', r"key pixel_size: got '0.4'; expected a number from 0.05 to 100 \[Å\]"),
        (FILM + "pixel_size = 4.2e17\n", r"key pixel_size: got '4.2e\+17'; expected a number from 0.05"),
        (FILM + "pixel_size = -10.0\n", "key pixel_size: got '-10.0'"),
        (FILM + "pixel_size = nan\n", "key pixel_size: got 'nan'"),
        (FILM + "pixel_size = true\n", "key pixel_size: got 'True'"),
        (FILM + "tilts = 7.5\n", "key tilts: got '7.5'; expected a whole number of images from 2"),
        (FILM + "tilts = 1\n", "key tilts: got '1'"),
        (FILM + "simulated = 1\n", "key simulated: got '1'; expected true or false"),
        (FILM + "title = 7\n", "key title: got '7'; expected text without"),
        (FILM + 'title = "<script>alert(1)</script>"\n', "key title: got '<script>alert.*expected text without < >"),
        (FILM + 'short = "a`b"\n', "key short: got 'a`b'"),
        (FILM + 'colour = "red"\n', "key colour: got 'red'; expected a hexadecimal colour"),
        (FILM + 'dash = "wavy"\n', "key dash: got 'wavy'; expected a pattern of plotly"),
        (FILM + 'citation = "x y"\n', "key citation: got 'x y'"),
        (FILM + 'files = "model.xyz"\n', "key files: got 'model.xyz'; expected roles with a file each"),
        (FILM + "files.model = 7\n", "key files.model: got '7'; expected a file name, or a table"),
        (FILM + 'files.model = { array = "x" }\n', "key files.model: needs one of path, file or make"),
        (FILM + 'files.model = { file = "a.xyz", path = "b" }\n', "key files.model: needs one of path, file or make"),
        (
            FILM + 'files.model = { file = "a.xyz", colums = [1, 2, 3] }\n',
            "unknown key 'files.model.colums'; did you mean",
        ),
        (FILM + 'files.model = { file = "a.xyz", columns = [1, 2] }\n', "key files.model.columns: got .*three columns"),
        (
            FILM + 'files.model = { file = "a.dat", style = "odd" }\n',
            "key files.model.style: got 'odd'; expected the atom",
        ),
        (FILM + 'files."../x" = "a.xyz"\n', "key files: the role '../x' is no plain word"),
        (FILM + 'files.model = { make = "x.y" }\n', "key files.model.make: got 'x.y'; expected helpers"),
        (FILM + 'files.model = { make = "os:system" }\n', "key files.model.make: got 'os:system'; expected helpers"),
        (FILM + 'files.model = { make = "helpers.store:claim" }\n', "key files.model.make: got 'helpers.store:claim'"),
        ('pixel_size = 0.4\n[a]\nkind = "film"\n', "the key 'pixel_size' stands outside a section; put it below"),
        ('files.model = "a.xyz"\n[a]\nkind = "film"\n', "the key 'files' stands outside a section"),
        ("[a\n", "own.toml is not valid TOML .*line 1"),
        ('[a]\nkin = "film"\n', "unknown key 'kin'; did you mean 'kind'"),  # not: kind is missing
        ('[[a]]\nkind = "film"\n', r"the section 'a' has two brackets; write \[a\]"),
        (FILM + 'model = "a.xyz"\n', "unknown key 'model'; did you mean 'files.model'"),
        (FILM + 'elements = ["CU"]\n', "'CU' is no chemical symbol; did you mean 'Cu'"),
        ('[my sample]\nkind = "film"\n', r"which reads '\[my sample\]': a name is one word of letters, digits"),
        ('[Größe]\nkind = "film"\n', r"which reads '\[Größe\]': a name is one word of letters, digits"),
        (FILM + "pixel_size = 0,4\n", r"line 3, .*which reads 'pixel_size = 0,4': decimals need a point"),
        (FILM + "pixel_size = 0.4 Å\n", "which reads 'pixel_size = 0.4 Å': a number stands without its unit"),
        (FILM + "files.model = “a.xyz”\n", "which reads .*: quotes are straight"),
        (FILM + 'files.model = "C:\\data\\a.xyz"\n', "which reads .*: write / between folders"),
        (FILM + "files.model = 'x\\a.xyz'\n", "expected a file beside the samples file, with / between folders"),
        (FILM + "files.model = a.xyz\n", "which reads 'files.model = a.xyz': text stands in quotes"),
        (FILM + "title: A\n", "which reads 'title: A': write key = value"),
        (FILM + "tilts = 7 images # all\n", "a number stands without its unit"),
        (FILM + 'kind = "film"\n', "is not valid TOML .*Cannot overwrite"),
        ((FILM + 'title = "Größe"\n').encode("latin-1"), r"line 3 of own.toml holds a byte \(0xf6\) that is no UTF-8"),
    ],
)
def test_wrong_descriptions(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        load(tmp_path, text)


@pytest.mark.parametrize(
    "name", ["..", ".", "/tmp/x", "../../x", "a b", "$(touch x)", "a;b", "a/b", "", "-rf", "ä", "a\\n"]
)
def test_names_are_plain_words(tmp_path, name):
    with pytest.raises(ValueError, match="a sample's name is one word of letters, digits, _ and -"):
        load(tmp_path, f'["{name}"]\nkind = "film"\n')


def test_a_name_of_the_project_is_taken(tmp_path):
    for name in ("demo", "MD300"):
        with pytest.raises(ValueError, match=rf"own.toml, section \[{name}\]: the project has a sample of this name"):
            load(tmp_path, f'[{name}]\nkind = "film"\n', name)
    with pytest.raises(ValueError, match=r"section \[ledger\]: the project has a folder of results of this name"):
        load(tmp_path, '[ledger]\nkind = "film"\n', "ledger")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_marks_and_encodings(tmp_path, encoding):
    assert load(tmp_path, (FILM + 'title = "Größe"\n').encode(encoding)).title == "Größe"


def test_braces_in_a_file_name_are_braces(tmp_path):
    write(tmp_path / "my{0.__class__}{area}.xyz", Atoms("Ta", [[0, 0, 0]]))
    sample = load(tmp_path, FILM + 'elements = ["Ta"]\nfiles.model = "my{0.__class__}{area}.xyz"\n')
    assert len(sample.model()) == 1
    assert len(load(tmp_path, FILM + 'short = "{x!r}"\n').short) == 5
    hot = load(
        tmp_path, FILM + 'short = "{0.real} {temperature:,}"\ntemperatures = [2000]\nfiles.model = "a.xyz"\n', "a2000"
    )
    assert hot.short == "{0.real} 2,000"


@pytest.mark.parametrize(
    ("stated", "there"), [("Gold.XYZ", "gold.xyz"), (" gold.xyz", "gold.xyz"), ("gold.xzy", "gold.xyz")]
)
def test_a_file_of_nearly_the_same_name_is_said(tmp_path, stated, there):
    (tmp_path / there).write_text("")
    with pytest.raises(FileNotFoundError, match=f"there is no such file; there is '{there}'"):
        load(tmp_path, FILM + f'files.model = "{stated}"\n').path("model")


def test_files_that_come_in_numbers(tmp_path):
    write(tmp_path / "part3.xyz", Atoms("Ta", [[0, 0, 0]]))
    sample = load(tmp_path, FILM + 'files.parts = { file = "part{area}.xyz", range = [1, 4] }\n')
    assert sample.path("parts", area=3).name == "part3.xyz"
    with pytest.raises(helpers.samples.UnknownName, match="parts of 'a' comes in numbers; pass area="):
        sample.path("parts")


def test_files_elsewhere_are_read_only_if_asked_for(tmp_path, monkeypatch):
    write(tmp_path / "secret.xyz", Atoms("Ta", [[0, 0, 0]]))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link.xyz").symlink_to(tmp_path / "secret.xyz")
    for file in ("../secret.xyz", str(tmp_path / "secret.xyz"), "link.xyz"):
        sample = load(tmp_path / "here", FILM + f'elements = ["Ta"]\nfiles.model = "{file}"\n')
        with pytest.raises(ValueError, match="model of sample 'a' lies outside .*AET_OUTSIDE_FILES=1"):
            sample.model()
        with monkeypatch.context() as asked:
            asked.setenv("AET_OUTSIDE_FILES", "1")
            assert len(sample.model()) == 1


def test_more_images_than_the_description_says(tmp_path):
    np.save(tmp_path / "s.npy", np.random.default_rng(0).random((5, 8, 8)))
    (tmp_path / "a.tlt").write_text("-60\n-30\n0\n30\n60\n")
    text = FILM + 'tilts = 7\npixel_size = 0.4\nfiles.tilt_series = "s.npy"\nfiles.angles = "a.tlt"\n'
    with pytest.raises(
        ValueError, match="s.npy holds 5 images but the sample states tilts = 7; correct the one or the"
    ):
        load(tmp_path, text).tilt_series()
    assert len(load(tmp_path, text.replace("7", "5", 1)).tilt_series()) == 5


def test_the_kind_decides_the_boundaries(tmp_path):
    write(tmp_path / "box.xyz", Atoms("Ta2", [[0, 0, 0], [3, 0, 0]], cell=[9, 9, 9], pbc=True))
    write(tmp_path / "none.xyz", Atoms("Ta2", [[0, 0, 0], [3, 0, 0]]))
    text = 'elements = ["Ta"]\nfiles.model = "box.xyz"\n'
    assert not load(tmp_path, FILM + text).model().pbc.any()
    assert load(tmp_path, '[a]\nkind = "bulk"\n' + text).model().pbc.all()
    with pytest.raises(ValueError, match="none.xyz has no periodic box but 'a' has kind = \"bulk\""):
        load(tmp_path, '[a]\nkind = "bulk"\n' + text.replace("box", "none")).model()


def test_a_model_that_contradicts_the_description(tmp_path):
    write(tmp_path / "m.xyz", Atoms("Pd2", [[0, 0, 0], [3, 0, 0]]))
    with pytest.raises(ValueError, match="m.xyz holds Pd but elements names Ta; correct elements"):
        load(tmp_path, FILM + 'elements = ["Ta"]\nfiles.model = "m.xyz"\n').model()


def test_options_of_an_entry_reach_the_readers(tmp_path):
    positions = np.random.default_rng(0).uniform(0, 9, (5, 3))
    savemat(tmp_path / "m.mat", {"first": positions, "second": positions + 1})
    text = FILM + 'elements = ["Ta"]\nfiles.model = { file = "m.mat", array = "second" }\n'
    np.testing.assert_allclose(load(tmp_path, text).model().positions, positions + 1)
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["raw"], file["aligned"] = np.random.default_rng(0).random((2, 3, 8, 8))
    (tmp_path / "a.tlt").write_text("-60\n0\n60\n")
    text = FILM + 'pixel_size = 0.4\nfiles.angles = "a.tlt"\nfiles.tilt_series = { file = "s.h5", array = "aligned" }\n'
    assert load(tmp_path, text).tilt_series().images.shape == (3, 8, 8)
    with pytest.raises(ValueError, match="s.h5 holds 2 arrays of rank 3 .*name one with array = in your samples file"):
        load(tmp_path, text.replace('{ file = "s.h5", array = "aligned" }', '"s.h5"')).tilt_series()


def test_what_was_read_is_not_changed_by_who_got_it(tmp_path):
    sample = load(tmp_path, FILM + 'files.model = "m.xyz"\n')
    sample.files["model"]["file"] = "other.xyz"
    assert helpers.load_sample("a", file=tmp_path / "own.toml").files["model"]["file"] == "m.xyz"


def test_the_project_s_own_file_is_no_other_s(tmp_path):
    assert helpers.load_sample("demo", file=samples._PROJECT).elements
