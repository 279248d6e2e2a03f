"""Curves of a full run on the published data, kept for copies without them and drawn there in grey.

::

    python -m helpers.book.pages.curves     keep the curves of the notebooks that were run last

Only plane curves and bars of measured samples are kept: distributions, histograms, populations. Scenes, maps and
images, which could hold coordinates, are not.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from ... import store
from ...data import DATA_FOLDER
from ...samples import load_sample, sample_names
from ..palette import palette
from .origin import samples_of
from .renderer import PLOTLY_MIME

FOLDER = DATA_FOLDER / "recorded" / "curves"
MOST_POINTS = 1200
_DASHES = ("solid", "dash", "dot", "dashdot")


def gather(notebooks: Path, folder: Path = FOLDER) -> list[Path]:
    """Keep the curves of measured samples in the figures of executed notebooks.

    Parameters
    ----------
    notebooks : path
        Folder of executed notebooks; those that ran on no measured sample are passed over.
    folder : path
        Where one file a figure goes.

    Returns
    -------
    list of path
        The files.
    """
    made = []
    for path in sorted(notebooks.glob("[0-9][0-9]_*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if all(load_sample(name).simulated for name in samples_of(notebook)):
            continue
        for old in folder.glob(f"fig-{path.name[:2]}-*.json"):  # of a figure that is no more
            old.unlink()
        for cell in notebook.cells:
            name = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
            for output in cell.get("outputs", []) if name else []:
                figure = output.get("data", {}).get(PLOTLY_MIME)
                kept = curves_of(figure) if figure else []
                if kept:
                    target = folder / f"{name}.json"
                    with store.replacing(target) as part:
                        lines = ",\n".join(json.dumps(curve, ensure_ascii=False) for curve in kept)
                        part.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
                    made.append(target)
    return made


def curves_of(figure: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the plane curves and bars of measured samples in a figure, with numbers of four digits."""
    measured = {load_sample(name).short for name in sample_names() if not load_sample(name).simulated}
    kept = []
    for trace in figure.get("data", []):
        if trace.get("type") not in ("scatter", "bar") or trace.get("name") not in measured:
            continue
        x, y = _plain(trace.get("x")), _plain(trace.get("y"))
        if not x or len(x) != len(y) or len(x) > MOST_POINTS or "lines" not in trace.get("mode", "lines"):
            continue
        fields = {"name": trace["name"], "type": trace["type"], "x": x, "y": y}
        fields |= {key: trace[key] for key in ("xaxis", "yaxis") if key in trace}
        if trace.get("line", {}).get("shape"):
            fields["shape"] = trace["line"]["shape"]
        kept.append(fields)
    return kept


def add_recorded(figure: dict[str, Any], name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Return a figure with the recorded curves in grey, or as it is where none are kept."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return figure
    layout, grey = figure.get("layout", {}), palette()["neutral"]["recorded"]
    there = {trace.get("name") for trace in figure.get("data", [])}
    added: list[dict[str, Any]] = []
    dashes: dict[str, str] = {}
    for curve in json.loads(path.read_text(encoding="utf-8")):
        words = f"{curve['name']}, recorded"
        if words in there:  # the notebook has drawn it
            continue
        dash = dashes.setdefault(words, _DASHES[len(dashes) % len(_DASHES)])
        first = all(words != trace["name"] for trace in added)
        trace = {
            **{key: curve[key] for key in ("type", "x", "y")},
            "name": words, "legendgroup": words, "showlegend": first,
        }  # fmt: skip
        for axis in ("xaxis", "yaxis"):
            known = curve.get(axis, axis[0])
            trace[axis] = known if f"{axis}{known[1:]}" in layout else axis[0]
        if curve["type"] == "bar":
            trace["marker"] = {
                "color": grey,
                "pattern": {"shape": {"solid": "", "dash": "/", "dot": "."}.get(dash, "x")},
            }
        else:
            trace["mode"] = "lines"
            trace["line"] = {"color": grey, "width": 1.5, "dash": dash, "shape": curve.get("shape", "linear")}
        added.append(trace)
    drawn = {**figure, "data": [*figure.get("data", []), *added]}
    return {**drawn, "layout": {**layout, "showlegend": True}} if added else drawn


def _plain(values: Any) -> list[Any]:
    """Numbers with four digits, or words, of a stored array."""
    if isinstance(values, dict):
        values = np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"]).tolist()
    return [value if isinstance(value, str | None) else float(f"{value:.4g}") for value in values or []]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if there was anything to keep."""
    parser = argparse.ArgumentParser(prog="python -m helpers.book.pages.curves", description=__doc__.split("\n")[0])
    parser.add_argument("--notebooks", type=Path, default=DATA_FOLDER.parent / "_build" / "notebooks")
    made = gather(parser.parse_args(arguments).notebooks)
    print(
        "\n".join(f"{path.name}: {path.stat().st_size / 1e3:.1f} kB" for path in made) or "no curves", file=sys.stderr
    )
    return 0 if made else 1


if __name__ == "__main__":
    raise SystemExit(main())
