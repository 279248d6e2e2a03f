"""One page about a batch: what ran, in what time and memory, and every figure.

::

    python -m helpers.book.pages.report results/report.html results/*/notebooks/*.ipynb

The page holds all it needs, so it can be sent or kept by itself. What runs measured of themselves lies beside
the executed notebooks, see `run`.
"""

from __future__ import annotations

import argparse
import datetime
import html
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import store
from .renderer import PLOTLY_MIME
from .run import Cost, read_cost, read_notebook

_LARGEST = 2_000_000  # bytes of a figure that the page holds
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .2rem .8rem; text-align: left; border-bottom: 1px solid #ccc; }}
td.number {{ text-align: right; }} .figure {{ min-height: 380px; }} .failed {{ font-weight: bold; }}
</style><script>{plotly}</script></head><body>
<h1>{title}</h1>
<p>{told}</p>
{table}
{figures}
<script>
const draw = (entries) => entries.filter((e) => e.isIntersecting && !e.target.dataset.drawn).forEach((e) => {{
  e.target.dataset.drawn = "yes";
  const figure = JSON.parse(e.target.nextElementSibling.textContent);
  Plotly.newPlot(e.target, figure.data, {{...figure.layout, width: undefined}}, {{responsive: true}});
}});
const watcher = new IntersectionObserver(draw, {{rootMargin: "400px"}});
document.querySelectorAll(".figure").forEach((place) => watcher.observe(place));
</script></body></html>
"""


@dataclass(frozen=True)
class Run:
    """One executed notebook: where it lies, whether it ended, and what it took."""

    path: Path
    failed: bool
    cost: Cost | None

    @property
    def of(self) -> str:
        """The sample, which names the folder above the notebooks."""
        name = self.path.parent.parent.name if self.path.parent.name == "notebooks" else self.path.parent.name
        return "all samples" if name == "together" else name

    @property
    def name(self) -> str:
        """The notebook."""
        return self.path.stem.removesuffix(".failed")


def write_report(target: str | Path, notebooks: Sequence[str | Path]) -> Path:
    """Write one HTML page about executed notebooks.

    Parameters
    ----------
    target : path
        The page.
    notebooks : sequence of path
        Executed notebooks; ``….failed.ipynb`` of runs that stopped may be among them.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    ValueError
        If there is no notebook.
    """
    from plotly.offline import get_plotlyjs

    runs = [Run(Path(p), Path(p).stem.endswith(".failed"), read_cost(p)) for p in sorted(map(Path, notebooks))]
    if not runs:
        msg = "a report needs at least one executed notebook"
        raise ValueError(msg)
    target = Path(target)
    failed = sum(run.failed for run in runs)
    now = datetime.datetime.now().astimezone().strftime("%d %B %Y, %H:%M")
    spent = sum(run.cost.seconds for run in runs if run.cost)
    ended, minutes = len(runs) - failed, round(spent / 60)
    told = (
        f"{ended} {'notebook ran to its' if ended == 1 else 'notebooks ran to their'} end"
        f"{f', {failed} failed' if failed else ''}; {minutes} minute{'' if minutes == 1 else 's'} of runs in all. "
        f"Version {html.escape(store.version())}, {now}."
    )
    page = _PAGE.format(
        title="Report of a batch", plotly=get_plotlyjs(), told=told, table=_table(runs, target.parent),
        figures="\n".join(_figures(run, target.parent) for run in runs),
    )  # fmt: skip
    with store.replacing(target) as part:
        part.write_text(page, encoding="utf-8")
    return target


def _table(runs: Sequence[Run], folder: Path) -> str:
    rows = []
    for run in runs:
        known = run.cost
        numbers = (f"{known.seconds:.0f}", f"{known.megabytes:.0f}", str(known.cores)) if known else ("–", "–", "–")
        end = '<span class="failed">failed</span>' if run.failed else "ended"
        cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
        rows.append(f"<tr><td>{html.escape(run.of)}</td><td>{_link(run, folder)}</td><td>{end}</td>{cells}</tr>")
    head = "".join(
        f'<th scope="col">{h}</th>' for h in ("Sample", "Notebook", "Run", "Time [s]", "Memory [MB]", "Cores")
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _link(run: Run, folder: Path) -> str:
    path = Path(os.path.relpath(run.path, folder)).as_posix()
    return f'<a href="{html.escape(path, quote=True)}">{html.escape(run.name)}</a>'


def _figures(run: Run, folder: Path) -> str:
    parts = []
    for cell in read_notebook(run.path).cells:
        caption = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")
        for output in cell.get("outputs", []):
            if "ename" in output:
                parts.append(f"<pre>{html.escape(output['ename'])}: {html.escape(output['evalue'])}</pre>")
            figure = output.get("data", {}).get(PLOTLY_MIME)
            if figure:
                parts.append(_figure(figure, caption))
    return f"<h2>{html.escape(run.of)}: {_link(run, folder)}</h2>\n" + "\n".join(parts)


def _figure(figure: dict[str, Any], caption: str) -> str:
    """One figure with its caption, its data where no word of them can end the script."""
    told = re.sub(r"\{(?:\w|-)+\}`([^`<]*?)(?:\s*<[^`]*>)?`", r"\1", caption)
    text = json.dumps({"data": figure.get("data", []), "layout": figure.get("layout", {})})
    if len(text) > _LARGEST:
        return f"<p><em>{html.escape(told)}</em> (a figure of {len(text) / 1e6:.0f} MB; open the notebook)</p>"
    safe = text.replace("<", "\\u003c")
    data = f'<script type="application/json">{safe}</script>'
    return f'<div class="figure"></div>{data}<p><em>{html.escape(told)}</em></p>'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if a page was written."""
    parser = argparse.ArgumentParser(prog="python -m helpers.book.pages.report", description=__doc__.split("\n")[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("notebooks", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        print(write_report(options.page, options.notebooks), file=sys.stderr)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
