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
import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nbformat
import yaml

from ... import store
from ...checks import UnknownName
from ...samples import load_sample
from .values import check_plain, read_value

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


@dataclass(frozen=True)
class Cost:
    """What a run took, kept beside the executed notebook as ``….cost.json``.

    Attributes
    ----------
    notebook : str
        Its name.
    seconds, cpu_seconds : float
        From start to end, and of work; more than once the former on several cores, less on a crowded computer.
    megabytes : float
        The most memory that a process of it held.
    cores : int
        Those that it might use.
    """

    notebook: str
    seconds: float
    cpu_seconds: float
    megabytes: float
    cores: int


def read_cost(notebook: str | Path) -> Cost | None:
    """Return what the run of an executed notebook took, or None if it was not measured."""
    path = _cost_file(Path(notebook))
    return Cost(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _cost_file(notebook: Path) -> Path:
    return notebook.with_name(f"{notebook.stem}.cost.json")


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
    content: Any = read_notebook(notebook) if isinstance(notebook, str | Path) else notebook
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
        check_plain(name, key, value)
        is_flag = isinstance(value, bool)
        if allowed and (not isinstance(value, allowed) or (is_flag and bool not in allowed)):
            hint = f", such as [{value}]" if allowed == (list,) and isinstance(value, str) and value.strip() else ""
            msg = f"parameter {key!r} of notebook {name} got {value!r}; expected {known[key]}{hint}"
            raise ValueError(msg)
        if key == "samples" and not all(isinstance(each, str) for each in value):
            msg = f"parameter 'samples' of notebook {name} got {value!r}; expected names of samples"
            raise ValueError(msg)


def run_notebook(
    source: str | Path,
    target: str | Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    samples: Sequence[str] | None = None,
    sample: str | None = None,
    progress: bool = False,
    wait: float = 0.0,
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
    wait : float
        How long to wait for another run that writes the same notebook or the same results [s].

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
    store.Busy
        If another run still writes the same notebook or results.
    """
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
    for name in ("AET_DATA", "AET_RESULTS", "AET_CACHE", "AET_SAMPLES"):
        if os.environ.get(name):  # cells run in another folder
            os.environ[name] = str(Path(os.environ[name]).absolute())
    with _alone(source, target, values.get("samples", values.get("sample", "")), wait):
        return _execute(source, target, values, progress)


@contextmanager
def _alone(source: Path, target: Path, samples: str | list[str], wait: float) -> Iterator[None]:
    """Keep out other runs that would write the same notebook, or the same results by the same notebook."""
    named = samples if isinstance(samples, str) else "+".join(samples)
    results = store.results_folder() / ".running"
    plain = named if named.replace("+", "").isalnum() and len(named) < 50 else store.fingerprint(named)[:16]
    what = f"notebook {source.stem}{f' for {named}' if named else ''}"
    with store.holding(target.with_name(f".{target.stem}.lock"), f"{target} ({what})", wait=wait):
        if not os.access(results.parent if results.parent.exists() else Path.cwd(), os.W_OK):
            yield
            return
        with store.holding(results / f"{source.stem}.{plain}.lock", f"{what} in {results.parent}", wait=wait):
            yield


def _execute(source: Path, target: Path, values: Mapping[str, Any], progress: bool) -> Path:
    """Run a notebook whose parameters are checked."""
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    failed = target.with_name(f"{target.stem}.failed.ipynb")
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # the kernel of this environment, not the user's
    with store.replacing(target) as part:
        try:
            papermill.execute_notebook(
                source, part, parameters=values, cwd=source.resolve().parent, progress_bar=progress,
                kernel_name="python3", request_save_on_cell_execute=True,
                start_timeout=600,  # seconds; ten jobs that start at once on a busy computer take a while
            )  # fmt: skip
        except PapermillExecutionError as error:
            part.replace(failed)
            msg = (
                f"notebook {source.stem} failed in cell {error.cell_index} with {error.ename}: {error.evalue}\n"
                f"what ran before it is in {failed}"
            )
            raise NotebookError(msg) from None
        except DeadKernelError:
            msg = (
                f"notebook {source.stem} stopped, for the process that runs its cells died, perhaps for want of "
                "memory; nothing was written: run it again with less at once"
            )
            raise NotebookError(msg) from None
        notebook = read_notebook(part)
        _drop_traces(notebook)
        part.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    failed.unlink(missing_ok=True)
    return target


def read_notebook(path: str | Path) -> nbformat.NotebookNode:
    """Read a notebook.

    Raises
    ------
    ValueError
        If it is cut short or no notebook; the message names it.
    """
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, AttributeError, KeyError, nbformat.ValidationError) as error:
        msg = f"{path} is no whole notebook ({type(error).__name__}); remove it and run it again"
        raise ValueError(msg) from error


def _drop_traces(notebook: nbformat.NotebookNode) -> None:
    """Remove what papermill and progress bars leave behind: timings and widgets without their state."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = cell.source.replace("# Parameters", "# given for this run", 1)
            cell.id = "given"  # papermill draws lots
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if "application/vnd.jupyter.widget-view+json" not in output.get("data", {})
            ]


def _given(name: str, text: str, kind: str) -> Any:
    """Value of a parameter as typed: what is to be text is taken as it stands, a file from the folder of the caller."""
    if kind != "str":
        return read_value(text)
    return str(Path(text).expanduser().absolute()) if name.endswith("_file") and text else text


def _check_names(names: Sequence[str], values: Mapping[str, Any]) -> None:
    """Refuse samples that nobody knows, before a notebook begins; one whose own file is given looks for itself."""
    more = values.get("samples")
    listed = [name for name in more if isinstance(name, str)] if isinstance(more, list) else []
    for name in [*names, *listed] if not values.get("samples_file") else ():
        load_sample(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 only if every cell has run."""
    parser = argparse.ArgumentParser(prog="python -m helpers.book.pages.run", description=__doc__.split("\n")[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument(
        "-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="a parameter of the notebook; the value is read as YAML, that of text as it stands",
    )  # fmt: skip
    parser.add_argument("--samples", nargs="*", metavar="NAME", help="for notebooks with a parameter 'samples'")
    parser.add_argument("--sample", metavar="NAME", help="one sample, for 'samples' or 'sample'")
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS", help="for another run that writes the same"
    )
    parser.add_argument("--progress", action="store_true", help="show a progress bar")
    options = parser.parse_args(arguments)
    begin = time.perf_counter()
    try:
        known = parameters_of(options.notebook) if options.notebook.is_file() else {}
        values = {name: _given(name, text, known.get(name, "")) for name, text in options.parameter}
        _check_names([*(options.samples or []), *([] if options.sample is None else [options.sample])], values)
        run_notebook(
            options.notebook, options.output, parameters=values, samples=options.samples,
            sample=options.sample, progress=options.progress, wait=options.wait,
        )  # fmt: skip
        cost = _measure(options.notebook.stem, time.perf_counter() - begin)
        with store.replacing(_cost_file(options.output)) as part:
            part.write_text(json.dumps(asdict(cost)) + "\n", encoding="utf-8")
    except (ValueError, OSError, NotebookError, UnknownName, store.Busy, yaml.YAMLError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{cost.notebook}: {cost.seconds:.1f} s, at most {cost.megabytes:.0f} MB", file=sys.stderr)
    return 0


def _measure(notebook: str, seconds: float) -> Cost:
    """Return what the run took that ended last in this process."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    given = os.environ.get("NUMBA_NUM_THREADS", "")
    cores = int(given) if given.isdigit() else os.cpu_count() or 1
    return Cost(notebook, round(seconds, 1), round(used.ru_utime + used.ru_stime, 1), round(peak, 1), cores)


if __name__ == "__main__":
    raise SystemExit(main())
