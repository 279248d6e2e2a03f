"""Run one notebook with other parameters, all or nothing.

papermill only warns of a misspelt parameter and leaves half a notebook where a cell fails. Here an unknown
parameter is refused before anything runs, and the output appears under its name only when every cell has
run; what was left by a failure is kept beside it as ``….failed.ipynb``. From the command line::

    python -m helpers.book.pages.run book/notebooks/10_models.ipynb out.ipynb -p samples "[Ta, Pd1]"
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml

_TYPES: dict[str, tuple[type, ...]] = {
    "list": (list,),
    "dict": (dict,),
    "tuple": (list, tuple),
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
}


class NotebookError(RuntimeError):
    """A cell of a notebook raised an error."""


def parameters_of(notebook: str | Path | nbformat.NotebookNode) -> dict[str, str]:
    """List the parameters of a notebook and their annotated types.

    Parameters
    ----------
    notebook : path or NotebookNode
        A notebook; its cell tagged ``parameters`` holds one annotated assignment a line.

    Returns
    -------
    dict of str to str
        Name and type as written, for instance ``{"samples": "list[str]"}``; empty without such a cell.

    Raises
    ------
    ValueError
        If more than one cell is tagged, or a line is not an annotated assignment of a literal value.
    """
    content: Any = nbformat.read(notebook, as_version=4) if isinstance(notebook, str | Path) else notebook
    cells = [cell for cell in content.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) > 1:
        msg = f"{len(cells)} cells are tagged 'parameters'; expected one"
        raise ValueError(msg)
    found: dict[str, str] = {}
    for cell in cells:
        for line in ast.parse(cell.source).body:
            text = ast.unparse(line)
            if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value):
                msg = f"the parameters cell holds {text!r}; expected 'name: type = value  # meaning'"
                raise ValueError(msg)
            try:
                ast.literal_eval(line.value)
            except ValueError:
                msg = f"the parameters cell holds {text!r}; expected a literal value"
                raise ValueError(msg) from None
            found[line.target.id] = ast.unparse(line.annotation)
    return found


def check_parameters(name: str, known: Mapping[str, str], given: Mapping[str, Any]) -> None:
    """Refuse parameters that a notebook does not have, or values of another type than annotated.

    Raises
    ------
    ValueError
        With the nearest known name or the expected type.
    """
    for key, value in given.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}? It has " if near else "it has "
            msg = f"notebook {name} has no parameter {key!r}; {hint}{', '.join(known) or 'none'}"
            raise ValueError(msg)
        kinds = [part.split("[")[0].strip() for part in known[key].split("|")]
        allowed = tuple(kind for name_ in kinds for kind in _TYPES.get(name_, ()))
        if value is None and "None" in kinds:
            continue
        is_flag = isinstance(value, bool)
        if allowed and (not isinstance(value, allowed) or (is_flag and bool not in allowed)):
            msg = f"parameter {key!r} of notebook {name} got {value!r}; expected {known[key]}"
            raise ValueError(msg)


def run_notebook(
    source: str | Path,
    target: str | Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    samples: Sequence[str] | None = None,
    sample: str | None = None,
    progress: bool = False,
) -> Path:
    """Run a notebook and write it, with all its outputs, under another name.

    Parameters
    ----------
    source, target : path
        The notebook and where the executed copy goes. Cells run in the folder of ``source``.
    parameters : dict, optional
        Values for the cell tagged ``parameters``.
    samples : list of str, optional
        Handed to the parameter ``samples`` if the notebook has one; others run as they are.
    sample : str, optional
        One sample, handed to ``samples`` as a list of one, else to ``sample``.
    progress : bool
        Whether a progress bar is shown.

    Returns
    -------
    pathlib.Path
        The executed notebook.

    Raises
    ------
    FileNotFoundError
        If there is no such notebook.
    ValueError
        If a parameter is unknown or has another type, or ``sample`` is given and the notebook takes none.
    NotebookError
        If a cell fails: with its number and error. The part that ran is kept as ``….failed.ipynb``.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    source, target = Path(source), Path(target)
    if not source.is_file():
        msg = f"there is no notebook {source}"
        raise FileNotFoundError(msg)
    known = parameters_of(source)
    values = dict(parameters or {})
    if samples is not None and "samples" in known:
        values.setdefault("samples", list(samples))
    if sample is not None:
        if "samples" in known:
            values.setdefault("samples", [sample])
        elif "sample" in known:
            values.setdefault("sample", sample)
        else:
            msg = f"notebook {source.stem} takes no sample; leave it out of the batch"
            raise ValueError(msg)
    check_parameters(source.stem, known, values)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.stem}.{os.getpid()}.part.ipynb")
    failed = target.with_name(f"{target.stem}.failed.ipynb")
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # the kernel of this environment, not the user's
    for name in ("AET_DATA", "AET_RESULTS", "AET_CACHE", "AET_SAMPLES"):
        if os.environ.get(name):  # cells run in another folder
            os.environ[name] = str(Path(os.environ[name]).absolute())
    try:
        papermill.execute_notebook(
            source, part, parameters=values, cwd=source.resolve().parent, progress_bar=progress,
            kernel_name="python3", request_save_on_cell_execute=True,
        )  # fmt: skip
    except PapermillExecutionError as error:
        part.replace(failed)
        msg = (
            f"notebook {source.stem} failed in cell {error.cell_index} with {error.ename}: {error.evalue}\n"
            f"what ran before it is in {failed}"
        )
        raise NotebookError(msg) from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    notebook = nbformat.read(part, as_version=4)
    _drop_traces(notebook)
    nbformat.write(notebook, part)
    part.replace(target)
    failed.unlink(missing_ok=True)
    return target


def _drop_traces(notebook: nbformat.NotebookNode) -> None:
    """Remove what papermill and progress bars leave behind: timings and widgets without their state."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace("# Parameters", "# given for this run", 1)
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
            ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 only if every cell has run."""
    parser = argparse.ArgumentParser(prog="python -m helpers.book.pages.run", description=__doc__.split("\n")[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument(
        "-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="a parameter of the notebook; the value is read as YAML",
    )  # fmt: skip
    parser.add_argument("--samples", nargs="*", metavar="NAME", help="for notebooks with a parameter 'samples'")
    parser.add_argument("--sample", metavar="NAME", help="one sample, for 'samples' or 'sample'")
    parser.add_argument("--progress", action="store_true", help="show a progress bar")
    options = parser.parse_args(arguments)
    begin = time.perf_counter()
    try:
        values = {name: yaml.safe_load(text) for name, text in options.parameter}
        run_notebook(
            options.notebook, options.output, parameters=values, samples=options.samples,
            sample=options.sample, progress=options.progress,
        )  # fmt: skip
    except (ValueError, FileNotFoundError, NotebookError, yaml.YAMLError) as error:
        print(error, file=sys.stderr)
        return 1
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
    print(f"{options.notebook.stem}: {time.perf_counter() - begin:.1f} s, at most {peak:.0f} MiB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
