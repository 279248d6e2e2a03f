"""What is wrong with a sample, and which notebooks it can go through: found out by reading everything once."""

from __future__ import annotations

import csv
import difflib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._descriptions import ROLES, read_descriptions
from ..arrays import TiltSeries, as_positions
from ..checks import UnknownName
from ..data import DATA_FOLDER
from ..digits import counted
from ..imaging.verdicts import doubt_series
from ..memory import as_bytes, free_memory
from ..samples import Sample, load_sample
from .doubts import doubts_of_model, doubts_of_series

_COSTS = DATA_FOLDER / "notebook_costs.csv"
_ITERATIONS = 50  # of a reconstruction


@dataclass(frozen=True)
class Finding:
    """What came of reading one file of a sample, or its description.

    Attributes
    ----------
    sample, role : str
        Whose file, and what it is for.
    state : {"right", "doubt", "wrong"}
        Whether it can be used.
    text : str
        What it holds, or what is wrong with it and the way out.
    """

    sample: str
    role: str
    state: str
    text: str


@dataclass(frozen=True)
class Outlook:
    """Whether a notebook can run on a sample.

    Attributes
    ----------
    sample, notebook : str
        Which.
    lacks : str
        What it needs and the sample has not; empty if it can run.
    seconds, megabytes : float
        Rough estimates for two cores; NaN if it cannot run.
    """

    sample: str
    notebook: str
    lacks: str
    seconds: float = float("nan")
    megabytes: float = float("nan")


@dataclass(frozen=True)
class Report:
    """All findings about the samples of a file.

    Attributes
    ----------
    findings : list of Finding
        In the order of the file.
    outlooks : list of Outlook
        One for each sample and notebook.
    """

    findings: list[Finding] = field(default_factory=list)
    outlooks: list[Outlook] = field(default_factory=list)

    @property
    def wrong(self) -> list[Finding]:
        """What has to be mended before anything runs."""
        return [finding for finding in self.findings if finding.state == "wrong"]

    def __str__(self) -> str:
        """Lines for a terminal."""
        marks = {"right": "ok", "doubt": "??", "wrong": "!!"}
        lines = [f"{marks[f.state]} {f.sample} {f.role}: {f.text}" for f in self.findings]
        for sample in dict.fromkeys(o.sample for o in self.outlooks):
            those = [o for o in self.outlooks if o.sample == sample]
            able = [o for o in those if not o.lacks]
            lines += [
                "",
                f"{sample}: {len(able)} of {counted(len(those), 'notebook')} can run "
                "(times and memory on two cores, roughly)",
            ]
            width = max((len(o.notebook) for o in those), default=0)
            for o in (*able, *(o for o in those if o.lacks)):
                cost = f"{_time(o.seconds):>8}  {as_bytes(1e6 * o.megabytes):>8}"
                lines.append(f"   {o.notebook:<{width}}  {f'needs {o.lacks}' if o.lacks else cost}")
        return "\n".join(lines)


def check_samples(path: str | Path) -> Report:
    r"""Read everything that a samples file names and say what is wrong.

    Parameters
    ----------
    path : path
        A TOML file in the form of ``data/samples.toml``.

    Returns
    -------
    Report
        Findings about each file, and which notebooks can run. ``print`` shows it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from helpers.own import check_samples
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "own.toml")
    ...     _ = path.write_text('[mine]\nkind = "film"\nfiles.model = "none.xyz"\n')
    ...     print([finding.state for finding in check_samples(path).wrong])
    ['wrong']
    """
    path = Path(path)
    report = Report()
    try:
        names = list(read_descriptions(path))
        samples = [load_sample(name, file=path) for name in names]
    except (ValueError, FileNotFoundError, UnknownName) as error:
        report.findings.append(Finding(path.name, "description", "wrong", str(error)))
        return report
    if not samples:
        report.findings.append(
            Finding(path.name, "description", "wrong", "it describes no sample; begin with [my_sample]")
        )
    for sample in samples:
        found, held = _read_all(sample)
        report.findings.extend(found)
        report.outlooks.extend(_look_ahead(sample, held))
    return report


def _read_all(sample: Sample) -> tuple[list[Finding], dict[str, Any]]:
    """Read every file of a sample; return what was found, and what could be read by its role."""
    findings: list[Finding] = []
    held: dict[str, Any] = {}
    if not set(sample.files) - {"angles"}:
        words = "names angles but no images" if sample.files else "names no files"
        findings.append(Finding(sample.name, "files", "wrong", f"it {words}; add files.model or files.tilt_series"))
    for role in sample.files:
        if role == "angles" and "tilt_series" in sample.files:
            continue  # read with the images
        if role not in ROLES:
            near = difflib.get_close_matches(role, ROLES, n=1, cutoff=0.7)
            hint = f"did you mean files.{near[0]}?" if near else f"they know {', '.join(ROLES)}"
            findings.append(Finding(sample.name, role, "doubt", f"no notebook knows files of this name; {hint}"))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                content, words = _read(sample, role)
            except (ValueError, FileNotFoundError, UnknownName, MemoryError, ImportError) as error:
                findings.append(Finding(sample.name, role, "wrong", str(error)))
                continue
        held[role] = content
        if role == "tilt_series":
            findings += _lacks(sample)
        doubts = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
        if role in ("model", "truth", "located"):
            doubts += doubts_of_model(content, sample.elements)
        if isinstance(content, TiltSeries):
            doubts += doubts_of_series(content)
        findings.append(Finding(sample.name, role, "right", words))
        findings += [Finding(sample.name, role, "doubt", doubt) for doubt in dict.fromkeys(doubts)]
    return findings, held


def _read(sample: Sample, role: str) -> tuple[Any, str]:
    """Read one file in the way that its role wants; return its content, and what it holds in words."""
    if role in ("model", "truth", "located", "model_unrefined"):
        atoms = sample.model({"model": "published", "model_unrefined": "unrefined"}.get(role, role))
        box = as_positions(atoms)[1]
        where = "without a box" if box is None else f"in a box of {' × '.join(f'{side:.2f}' for side in box)} Å"
        return (
            atoms,
            f"{counted(len(atoms), 'atom')} ({atoms.get_chemical_formula(mode='metal', empirical=False)}) {where}",
        )
    if role in ("tilt_series", "misaligned", "noisy"):
        series = sample.tilt_series(role)
        low, high = series.euler[:, 1].min(), series.euler[:, 1].max()
        wide = series.images.shape[1] + (sample.kind != "particle")  # what goes on beyond the field leaves no rim free
        doubt_series(series.images, (wide,))
        shape = f"{counted(len(series), 'image')} of {series.images.shape[1]}×{series.images.shape[2]} px"
        return series, f"{shape}, {series.pixel_size:.4g} Å a pixel, {low:.1f}° to {high:.1f}°"
    if role in ("angles", "true_angles"):
        angles = sample.angles(role)
        return angles, counted(len(angles), "angle")
    path = sample.path(role)
    return path, f"{path.name} is there; it was not read"


def _lacks(sample: Sample) -> Iterator[Finding]:
    """Say what images need beside them to become atoms."""
    if "model" not in sample.files and not sample.elements:
        text = 'atoms are located by their element; state it, as in elements = ["Pt"]'
        yield Finding(sample.name, "elements", "wrong", text)


def _look_ahead(sample: Sample, held: dict[str, Any]) -> Iterator[Outlook]:
    """Tell for each notebook whether it can run, by what was measured on models of other sizes."""
    free = free_memory() / 1e6
    with _COSTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    for row in rows:
        roles = row["needs"].split("|")
        role = next((role for role in roles if role in held), None)
        if role is None:
            yield Outlook(sample.name, row["notebook"], " or ".join(f"files.{role}" for role in roles))
            continue
        seconds, megabytes = float(row["seconds"]), float(row["megabytes"])
        if isinstance(held[role], TiltSeries):
            more_seconds, more_megabytes = _cost_of_series(held[role], float(row["seconds_per_gigastep"]))
            seconds, megabytes = seconds + more_seconds, megabytes + more_megabytes
        else:
            thousands = len(held[role]) / 1000
            seconds += thousands * float(row["seconds_per_1000_atoms"])
            megabytes += thousands * float(row["megabytes_per_1000_atoms"])
        lacks = (
            f"{as_bytes(1e6 * megabytes)} of memory, of which {as_bytes(1e6 * free)} are free"
            if megabytes > free
            else ""
        )
        yield Outlook(sample.name, row["notebook"], lacks, seconds, megabytes)


def _cost_of_series(series: TiltSeries, seconds_per_gigastep: float) -> tuple[float, float]:
    """Seconds and megabytes of aligning, reconstructing and locating: they grow with voxels times tilts."""
    tilts, x, y = series.images.shape
    steps = 1e-9 * _ITERATIONS * tilts * x * y * x
    return seconds_per_gigastep * steps, 4e-6 * (4 * x * y * x + 4 * tilts * (x + 2) * (y + 2))


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
