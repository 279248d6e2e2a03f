"""Running a notebook: parameters are checked, and the output is all or nothing."""

import errno
import re
from pathlib import Path

import nbformat
import pytest

from helpers import store
from helpers.book.pages.build import listed_notebooks, stage_pages
from helpers.book.pages.run import (
    NotebookError,
    check_parameters,
    main,
    parameters_of,
    read_cost,
    read_value,
    run_notebook,
)


def write(path, *cells):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title")])
    for source, tags in cells:
        notebook.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": tags}))
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)
    return path


PARAMETERS = (
    "samples: list[str] = ['demo']  # names\ndelta: float = 0.25  # -\nlimit: int | None = None  # atoms",
    ["parameters"],
)


@pytest.fixture
def good(tmp_path):
    return write(tmp_path / "10_good.ipynb", PARAMETERS, ("print(samples, delta)", []))


def printed(path):
    return "".join(
        output.text
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stdout"
    )


def test_parameters_are_read_with_their_types(good):
    assert parameters_of(good) == {"samples": "list[str]", "delta": "float", "limit": "int | None"}


def test_a_run_uses_the_given_values_and_leaves_nothing_else(good, tmp_path):
    target = run_notebook(good, tmp_path / "out" / "10_good.ipynb", samples=["Ta"], parameters={"delta": 0.3})
    assert printed(target) == "['Ta'] 0.3\n"
    assert [path.name for path in target.parent.iterdir()] == ["10_good.ipynb"]
    assert "papermill" not in nbformat.read(target, as_version=4).metadata


def test_folders_are_found_from_the_folder_of_the_notebook(tmp_path, monkeypatch):
    asks = write(tmp_path / "13_asks.ipynb", ("import os; print(os.environ['AET_SAMPLES'])", []))
    monkeypatch.setenv("AET_SAMPLES", "mine.toml")
    monkeypatch.chdir(tmp_path)
    assert printed(run_notebook(asks, tmp_path / "out" / "a.ipynb")).strip() == str(tmp_path / "mine.toml")


def test_a_failure_leaves_no_output_but_what_ran(tmp_path):
    bad = write(tmp_path / "11_bad.ipynb", ("print('before')", []), ("1 / 0", []))
    target = tmp_path / "out" / "11_bad.ipynb"
    with pytest.raises(NotebookError, match=r"11_bad failed in cell \d+ with ZeroDivisionError"):
        run_notebook(bad, target)
    assert [path.name for path in target.parent.iterdir()] == ["11_bad.failed.ipynb"]
    assert "before" in printed(target.with_name("11_bad.failed.ipynb"))


def test_a_full_disk_is_one_sentence(good, tmp_path, monkeypatch):
    import papermill

    def fill(source, part, **options):
        part.write_text("half a notebook")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(papermill, "execute_notebook", fill)
    with pytest.raises(
        store.NoSpace, match=r"^10_good\.ipynb cannot be written .*left in .*; make room or name another"
    ):
        run_notebook(good, tmp_path / "out" / "10_good.ipynb")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_process_that_dies_is_one_sentence(tmp_path, capsys):
    dies = write(tmp_path / "12_dies.ipynb", ("print('before')", []), ("import os; os.kill(os.getpid(), 9)", []))
    target = tmp_path / "out" / "12_dies.ipynb"
    assert main([str(dies), str(target)]) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("notebook 12_dies stopped, for the process that runs its cells died")
    assert list(target.parent.iterdir()) == []
    write(dies, ("print('now')", []))
    assert main([str(dies), str(target)]) == 0
    assert printed(target) == "now\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("3e7", 3e7), ("-2.5E+3", -2500.0), (".5", 0.5), ("4.", 4.0), ("7", 7), ("010", 10),
        ("0x10", "0x10"), ("1_000", "1_000"), ("[No, on, y, NO]", ["No", "on", "y", "NO"]),
        ("2024-01-31", "2024-01-31"), ("1:30", "1:30"), ("~", None), ("null", None), ("", None), ("true", True),
        ("'1'", "1"), ("[]", []),
        ("{a: 1.5}", {"a": 1.5}), ("[Pd, 1e3]", ["Pd", 1000.0]), ("e5", "e5"),
    ],
)  # fmt: skip
def test_values_of_the_command_line(text, value):
    read = read_value(text)
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("delta", ".nan", "holds nan; expected words, finite numbers, true or false"),
        ("delta", "1e999", "holds inf; expected"),
        ("samples", "[.inf]", "holds inf; expected"),
        ("samples", "!!set {a, b}", r"holds {'[ab]', '[ab]'}; expected"),
        ("samples", "[!!binary aGk=]", "holds b'hi'; expected"),
        ("samples", "[!!timestamp 2024-01-31]", r"holds datetime.date\(2024, 1, 31\); expected"),
        ("delta", "[0.3", "expected ',' or ']'"),
        ("delta", "!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("samples", "[1]", r"'samples' of notebook 10_good got \[1\]; expected names of samples"),
        ("samples", "Ta", r"got 'Ta'; expected list\[str\], such as \[Ta\]"),
        ("samples", "[Taa]", "no sample 'Taa'; did you mean 'Ta'"),
        ("limit", "no", "'limit' of notebook 10_good got 'no'; expected int"),
    ],
)
def test_odd_values_are_refused_before_anything_runs(good, tmp_path, capsys, name, text, words):
    assert main([str(good), str(tmp_path / "out.ipynb"), "-p", name, text]) == 1
    said = capsys.readouterr().err
    assert re.search(words, said), said
    assert "Traceback" not in said and not (tmp_path / "out.ipynb").exists()


def test_a_sample_that_nobody_knows_is_refused_before_anything_runs(good, tmp_path, capsys):
    for option in (["--sample", "Taa"], ["--samples", "Ta", "Taa"], ["--sample", ""]):
        assert main([str(good), str(tmp_path / "out.ipynb"), *option]) == 1
        assert "no sample" in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))


def test_text_is_taken_as_it_stands_and_files_from_the_folder_of_the_caller(tmp_path, monkeypatch):
    lines = "title: str = 'x'  # what\nsamples_file: str = ''  # own"
    notebook = write(tmp_path / "14_text.ipynb", (lines, ["parameters"]), ("print([title, samples_file])", []))
    (tmp_path / "my data").mkdir()
    monkeypatch.chdir(tmp_path / "my data")
    for title, file, whole in (
        ("", "", ""),
        ("on", "a b.toml", str(tmp_path / "my data" / "a b.toml")),
        ("1e5", "/x.toml", "/x.toml"),
    ):
        assert main([str(notebook), "out.ipynb", "-p", "title", title, "-p", "samples_file", file]) == 0
        assert printed(Path("out.ipynb")) == f"{[title, whole]}\n"


def test_markup_quotes_and_braces_reach_the_notebook_as_they_are(good, tmp_path):
    odd = ["<b>", "it's", '"', "{x}", "a\nb", "\\n", "é", "$(x)"]
    target = run_notebook(good, tmp_path / "o.ipynb", samples=odd, parameters={"delta": 1})
    assert printed(target) == f"{odd} 1\n"


def test_a_cut_notebook_is_named(good):
    good.write_text(good.read_text()[:200])
    with pytest.raises(ValueError, match=r"10_good\.ipynb is no whole notebook .*; remove it and run it again"):
        parameters_of(good)


def test_a_second_run_of_the_same_notebook_is_refused(good, tmp_path):
    target = tmp_path / "out" / "10_good.ipynb"
    target.parent.mkdir()
    with store.holding(target.with_name(".10_good.lock"), "another run"), pytest.raises(store.Busy, match="in use by"):
        run_notebook(good, target)


def test_a_run_of_the_same_notebook_for_the_same_results_is_refused(good, tmp_path):
    lock = store.results_folder() / ".running" / "10_good.Ta.lock"
    with store.holding(lock, "another run"), pytest.raises(store.Busy, match="notebook 10_good for Ta in .* is in use"):
        run_notebook(good, tmp_path / "elsewhere.ipynb", samples=["Ta"])


def test_what_a_run_takes_is_kept_beside_it(good, tmp_path):
    assert main([str(good), str(tmp_path / "o.ipynb")]) == 0
    cost = read_cost(tmp_path / "o.ipynb")
    assert cost.notebook == "10_good"
    assert 0 < cost.seconds < 600
    assert 20 < cost.megabytes < 2000  # a kernel with nothing in it


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sample": ["Ta"]}, r"no parameter 'sample'; did you mean 'samples'\? It has samples, delta, limit"),
        ({"colour": 1}, "no parameter 'colour'; it has samples, delta, limit"),
        ({"samples": "Ta"}, r"'samples' of notebook n got 'Ta'; expected list\[str\]"),
        ({"delta": "0.3"}, "'delta' of notebook n got '0.3'; expected float"),
        ({"limit": 2.5}, r"'limit' of notebook n got 2.5; expected int \| None"),
        ({"limit": True}, r"'limit' of notebook n got True"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(good, given, words):
    with pytest.raises(ValueError, match=words):
        check_parameters("n", parameters_of(good), given)


def test_right_parameters_pass(good):
    check_parameters("n", parameters_of(good), {"samples": ["Ta"], "delta": 1, "limit": None})


def test_one_sample_goes_to_the_parameter_that_the_notebook_has(tmp_path):
    single = write(
        tmp_path / "12_single.ipynb", ("sample: str = 'demo'  # name", ["parameters"]), ("print(sample)", [])
    )
    assert printed(run_notebook(single, tmp_path / "a.ipynb", sample="Pd1")) == "Pd1\n"
    none = write(tmp_path / "13_none.ipynb", ("print(1)", []))
    with pytest.raises(ValueError, match="13_none takes no sample"):
        run_notebook(none, tmp_path / "b.ipynb", sample="Pd1")


def test_samples_are_not_forced_on_a_notebook_without_them(tmp_path):
    none = write(tmp_path / "13_none.ipynb", ("print(1)", []))
    assert printed(run_notebook(none, tmp_path / "b.ipynb", samples=["Pd1"])) == "1\n"


@pytest.mark.parametrize(
    ("source", "words"),
    [("a = 1", "expected 'name: type = value"), ("a: int = 1 + b", "expected a literal value")],
)
def test_a_parameters_cell_holds_annotated_literals(tmp_path, source, words):
    with pytest.raises(ValueError, match=words):
        parameters_of(write(tmp_path / "a.ipynb", (source, ["parameters"])))


def test_two_parameters_cells_are_one_too_many(tmp_path):
    with pytest.raises(ValueError, match="2 cells are tagged"):
        parameters_of(write(tmp_path / "a.ipynb", PARAMETERS, PARAMETERS))


def test_the_command_line_says_what_is_wrong_and_fails(good, tmp_path, capsys):
    assert main([str(good), str(tmp_path / "o.ipynb"), "-p", "detla", "0.3"]) == 1
    assert "did you mean 'delta'?" in capsys.readouterr().err
    assert main([str(tmp_path / "99_none.ipynb"), str(tmp_path / "o.ipynb")]) == 1
    assert "there is no notebook" in capsys.readouterr().err
    assert not (tmp_path / "o.ipynb").exists()


def test_pages_are_staged_with_the_executed_notebooks(tmp_path, good):
    book = tmp_path / "book"
    (book / "notebooks").mkdir(parents=True)
    (book / "intro.md").write_text("# Hello")
    (book / "_toc.yml").write_text(
        "format: jb-book\nroot: intro\nparts:\n  - chapters:\n      - file: notebooks/10_good\n        sections:\n"
        "          - file: notebooks/11_more\n"
    )
    assert listed_notebooks(book / "_toc.yml") == ["10_good", "11_more"]
    with pytest.raises(FileNotFoundError, match="no executed notebook 11_more"):
        stage_pages(book, tmp_path, tmp_path / "pages")
    (tmp_path / "11_more.ipynb").write_bytes(good.read_bytes())
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "old.md").write_text("left over")
    stage_pages(book, tmp_path, tmp_path / "pages")
    found = {str(path.relative_to(tmp_path / "pages")) for path in (tmp_path / "pages").rglob("*") if path.is_file()}
    assert found == {"intro.md", "_toc.yml", "notebooks/10_good.ipynb", "notebooks/11_more.ipynb"}
