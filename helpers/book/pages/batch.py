"""What a batch run does, checked before anything runs.

``config/config.yaml`` and the command line name samples, notebooks and parameters; the `Plan` made of them lists the
jobs. A name or parameter that is unknown or misspelt is refused with the nearest known one.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ...data import DATA_FOLDER
from ...samples import Sample, load_sample
from .run import check_parameters, parameters_of

#: A word that is safe as a folder, in a shell and in a page.
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_TAKEN = {"ledger", "quench", "recorded", "together"}  # folders of results that are no sample's
_KEYS = {"samples", "notebooks", "needs", "parameters", "samples_file", "together", "ledger", "areas"}


@dataclass(frozen=True)
class Plan:
    """Jobs of a batch.

    Attributes
    ----------
    jobs : tuple of (sample, notebook)
        One run of one notebook for one sample.
    together : tuple of str
        Notebooks that run once more with all samples.
    ledger : str or None
        The notebook that comes last and gathers the results.
    parameters : dict
        Values for the parameters of a notebook, by its name.
    areas : dict
        Numbers of the areas of a scanned film that are jobs of their own, by the film's name.
    files : dict
        Files of a user's own sample, by its name: where one changes, notebooks run again.
    """

    jobs: tuple[tuple[str, str], ...]
    together: tuple[str, ...]
    ledger: str | None
    parameters: dict[str, dict[str, Any]]
    areas: dict[str, list[int]]
    files: dict[str, list[str]]


def words(value: str | int | Sequence[Any] | None) -> list[str]:
    """Return names that are given as one text, with commas or spaces between them, or as a list.

    Examples
    --------
    >>> from helpers.book.pages.batch import words
    >>> words("Ta Pd1"), words("Ta,Pd1"), words(["Ta", "Pd1"]), words(None)
    (['Ta', 'Pd1'], ['Ta', 'Pd1'], ['Ta', 'Pd1'], [])
    >>> words(2)  # what the command line makes of 02
    ['02']
    """
    if value is None or value == "":
        return []
    if isinstance(value, int):
        return [f"{value:02d}"]
    return [word for word in re.split(r"[\s,]+", value) if word] if isinstance(value, str) else [str(v) for v in value]


def make_plan(config: Mapping[str, Any], notebooks: Mapping[str, Path], ledger: str | None = None) -> Plan:
    """Check the section ``batch`` of a configuration and list its jobs.

    Parameters
    ----------
    config : mapping
        ``samples``; ``notebooks``, a list of numbers or "all", which means those of ``needs`` whose files a sample
        has; ``needs``, the roles of files that a notebook reads, by its number; ``parameters`` by number;
        ``samples_file``; ``together``, whether notebooks that take several samples run with all of them as well;
        ``ledger``, whether it follows; ``areas`` of films.
    notebooks : mapping of str to path
        The notebooks by their name, which begins with the number.
    ledger : str, optional
        Name of the notebook of the ledger.

    Returns
    -------
    Plan
        What to run.

    Raises
    ------
    ValueError
        If a name, number, key or parameter is unknown, or nothing is left to run; the message says which is near.
    """
    _refuse_unknown("the section batch", config, _KEYS)
    numbers = {name[:2]: name for name in notebooks}
    _refuse_braces(config.get("samples_file") or "", "samples_file")
    names = list(dict.fromkeys(words(config.get("samples"))))
    if not names:
        msg = 'the batch has no samples; name some, as in make batch SAMPLES="Ta Pd1"'
        raise ValueError(msg)
    samples = {name: _find(name, config.get("samples_file")) for name in names}
    wanted = config.get("notebooks", "all")
    jobs: list[tuple[str, str]] = []
    for sample in samples.values():
        chosen = _fitting(sample, config.get("needs") or {}, numbers) if wanted == "all" else words(wanted)
        for number in chosen:
            name = _of_number(number, numbers)
            if not {"sample", "samples"} & set(parameters_of(notebooks[name])):
                msg = f"notebook {name} takes no sample; leave it out of the batch"
                raise ValueError(msg)
            _check_files(sample, name, words((config.get("needs") or {}).get(number)))
            jobs.append((sample.name, name))
    if not jobs:
        msg = (
            f"no notebook fits {', '.join(names)}: config/config.yaml says which files each one needs; one of your own "
            "samples goes from images to atoms with NOTEBOOKS=19"
        )
        raise ValueError(msg)
    used = {name for _, name in jobs}
    several = tuple(sorted(name for name in used if "samples" in parameters_of(notebooks[name])))
    return Plan(
        jobs=tuple(jobs),
        together=several if _is_on(config.get("together")) and len(names) > 1 else (),
        ledger=ledger if _is_on(config.get("ledger")) else None,
        parameters=_parameters(config.get("parameters") or {}, numbers, notebooks, used),
        areas=_areas(config.get("areas") or {}),
        files={sample.name: _own_files(sample) for sample in samples.values()},
    )


def _is_on(value: Any) -> bool:
    """Read a switch; on the command line all values are words."""
    return bool(yaml.safe_load(value)) if isinstance(value, str) else bool(value)


def _typed(value: Any, kind: str) -> Any:
    """Read a value that the command line has left a word, unless a word is meant."""
    return yaml.safe_load(value) if isinstance(value, str) and "str" not in kind.split("[")[0] else value


def _refuse_unknown(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    for name in given:
        if name not in set(known):
            near = difflib.get_close_matches(str(name), sorted(known), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(sorted(known))}"
            msg = f"{where} has no {str(name)!r}{hint}"
            raise ValueError(msg)


def _find(name: str, file: str | None) -> Sample:
    if not PLAIN.fullmatch(name) or name in _TAKEN:
        msg = (
            f"sample {name!r} cannot run in a batch: its name is a folder of results; use letters, digits, '_', '.', "
            f"'+', '-', but not {', '.join(sorted(_TAKEN))}"
        )
        raise ValueError(msg)
    try:
        return load_sample(name, file=file or None)
    except KeyError as error:
        raise ValueError(str(error)) from None


def _own_files(sample: Sample) -> list[str]:
    """List the files of a user's own sample that are there; those that are missing, its notebooks ask for."""
    if sample.folder == DATA_FOLDER:
        return []
    found = [sample.folder / entry["file"] for entry in sample.files.values() if "file" in entry]
    for path in found:
        _refuse_braces(str(path), f"a file of sample {sample.name!r}")
    return sorted({str(path) for path in found if path.exists()})


def _refuse_braces(name: Any, what: str) -> None:
    """Refuse what YAML or Snakemake take for something else than the name of a file, and then pass over."""
    if not isinstance(name, str) or set("{}") & set(name):
        msg = f"{what} is {name!r}, which a batch does not take for a name; rename it without braces and ': '"
        raise ValueError(msg)


def _fitting(sample: Sample, needs: Mapping[str, Any], numbers: Iterable[str]) -> list[str]:
    """Return the numbers of the notebooks all of whose files the sample has."""
    chosen = {number: words(roles) for number, roles in sorted(needs.items()) if number in numbers}
    return [number for number, roles in chosen.items() if all(role in sample.files for role in roles)]


def _check_files(sample: Sample, notebook: str, roles: Iterable[str]) -> None:
    """Refuse a notebook that reads what the sample has no file for."""
    missing = [role for role in roles if role not in sample.files]
    if missing:
        msg = (
            f"notebook {notebook} reads files.{missing[0]}, which sample {sample.name!r} has not; it has "
            f"{', '.join(sample.files) or 'no files'}: leave the one or the other out"
        )
        raise ValueError(msg)


def _of_number(number: Any, numbers: Mapping[str, str]) -> str:
    if str(number) not in numbers:
        msg = f"there is no notebook {number!r}; expected two digits among {', '.join(sorted(numbers))}"
        raise ValueError(msg)
    return numbers[str(number)]


def _parameters(
    given: Mapping[str, Any], numbers: Mapping[str, str], notebooks: Mapping[str, Path], used: set[str]
) -> dict[str, dict[str, Any]]:
    found = {}
    for number, values in given.items():
        name = _of_number(number, numbers)
        if name not in used:
            msg = f"parameters are given for notebook {number!r}, which is not in the batch"
            raise ValueError(msg)
        if not isinstance(values, Mapping):
            msg = f"parameters of notebook {number!r} are {values!r}; expected names and values"
            raise ValueError(msg)
        known = parameters_of(notebooks[name])
        found[name] = {key: _typed(value, known.get(key, "str")) for key, value in values.items()}
        check_parameters(name, known, found[name])
    return found


def _areas(given: Mapping[str, Any]) -> dict[str, list[int]]:
    found = {}
    for name, numbers in given.items():
        known = _find(name, None).areas
        chosen = known if numbers == "all" else [int(number) for number in numbers]
        missing = [number for number in chosen if number not in known]
        if missing:
            there = f"{known[0]} to {known[-1]}" if known else "none"
            msg = f"sample {name!r} has no areas {missing}; it has {there}"
            raise ValueError(msg)
        found[name] = chosen
    return found
