# Notebooks × samples as one graph. `make book` makes the pages; `make batch SAMPLES="Ta Pd1"`, or `snakemake --profile
# config/slurm --config samples="Ta Pd1" -- batch`, runs notebooks over samples. Only what has changed runs again.

import json
import shlex
import sys
from pathlib import Path

from helpers.book.pages.batch import PLAIN, make_plan
from helpers.book.pages.graph import free_stale_lock
from helpers.book.pages.report import write_report
from helpers.book.pages.run import parameters_of
from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.0")

configfile: "config/config.yaml"

for key in ("samples", "notebooks", "samples_file"):  # short for the command line
    if config.get(key):
        config["batch"][key] = config[key]

if workflow.exec_mode.name == "DEFAULT" and not workflow.dryrun:
    free_stale_lock()

SOURCES = {path.stem: str(path) for path in sorted(Path("book/notebooks").glob("[0-9][0-9]_*.ipynb"))}
NUMBERS = {name[:2]: name for name in SOURCES}
PAGES_ONLY = {
    f"helpers/book/pages/{name}.py"
    for name in (
        "address", "batch", "binder", "build", "curves", "extension", "facts", "front", "graph", "origin", "panels",
        "renderer", "report", "sheet", "stills",
    )
}
PAGES_ONLY |= set(map(str, Path("helpers/book/performance").glob("*.py")))
CODE = [p for p in sorted(map(str, Path("helpers").rglob("*.py"))) if p not in PAGES_ONLY]
DATA = sorted(str(p) for p in Path("data").rglob("*") if p.is_file() and "__pycache__" not in p.parts)
SHOWN = [p for p in DATA if p.startswith("data/recorded/") or p in ("data/panels.csv", "data/faults.csv", "data/speed.csv")]  # shown by pages, no input of a run
DATA = [p for p in DATA if p not in SHOWN]
TEXT = sorted(str(p) for p in Path("book").rglob("*") if p.suffix in {".md", ".yml", ".bib"})
RUN = f"{shlex.quote(sys.executable)} -m helpers.book.pages.run"


def earlier(name):
    """Notebooks whose results a notebook reads."""
    wanted = config["after"].get(name[:2], [])
    if wanted == "all":
        return [other for other in SOURCES if other < name]
    return [NUMBERS[number] for number in wanted if number in NUMBERS]


def samples_of(name):
    """Samples with which a notebook runs for the pages."""
    if "samples" not in parameters_of(SOURCES[name]):
        return ""
    wanted = config["book"]["except"].get(name[:2], config["book"]["samples"])
    if isinstance(wanted, str):
        from helpers import available

        wanted = available(wanted) or ["demo"]
    return "--samples " + " ".join(map(shlex.quote, wanted))


LEDGER = NUMBERS.get("18")
try:
    PLAN = make_plan(config["batch"], {name: Path(path) for name, path in SOURCES.items()}, LEDGER)
except (ValueError, FileNotFoundError) as error:
    raise WorkflowError(str(error)) from None
OWN = config["batch"].get("samples_file") or ""
TOGETHER = [f"results/together/notebooks/{name}.ipynb" for name in PLAN.together]
JOBS = [f"results/{sample}/notebooks/{name}.ipynb" for sample, name in PLAN.jobs]
AREAS = [f"results/{film}/tomography/areas/area_{n:02d}.h5" for film, numbers in PLAN.areas.items() for n in numbers]
LAST = [f"results/together/notebooks/{PLAN.ledger}.ipynb"] if PLAN.ledger else []


def batch_parameters(name):
    values = PLAN.parameters.get(name, {})
    return [part for key, value in values.items() for part in ("-p", key, json.dumps(value))]


def cost(key, quantity):
    """What a run may take, by the number of its notebook."""
    return {**config["costs"]["default"], **config["costs"].get(key, {})}[quantity]


def on(threads):
    """Cores of a run, as variables in front of its command; linear algebra on more than it has waits for itself."""
    return " ".join(f"{library}_NUM_THREADS={threads}" for library in ("NUMBA", "OMP", "OPENBLAS"))


def run_with(w):
    """Cores, results and own samples of a run, as variables in front of its command."""
    own = f" AET_SAMPLES={shlex.quote(OWN)}" if OWN else ""
    return f"{on(cost(w.name[:2], 'threads'))} AET_RESULTS=results{own}"


wildcard_constraints:
    name="[0-9][0-9]_[^/]+",
    sample="(?!together/)" + PLAIN.pattern,
    film=PLAIN.pattern,
    area="[0-9][0-9]",


localrules: book, batch


onerror: # a report of what there is, if anything of the batch began; what is refused before leaves none
    if workflow.exec_mode.name == "DEFAULT" and "batch" in workflow.dag_settings.targets:
        wanted = map(Path, JOBS + TOGETHER + LAST)
        tried = [path for each in wanted for path in (each, each.with_suffix(".failed.ipynb")) if path.is_file()]
        try:
            if tried:
                print(f"open {write_report('results/report-so-far.html', tried).resolve()}", file=sys.stderr)
        except (ValueError, OSError) as error: # such as a full disk, which may be why it stopped
            print(error, file=sys.stderr)


rule book:
    input: "_build/html/.whole"


rule run_for_pages:
    input:
        notebook=lambda w: SOURCES[w.name],
        code=CODE,
        data=DATA,
        after=lambda w: [f"_build/notebooks/{other}.ipynb" for other in earlier(w.name)],
    output: "_build/notebooks/{name}.ipynb"
    params: samples=lambda w: samples_of(w.name)
    log: "_build/logs/{name}.log"
    threads: 1 # two at a time are quicker than each on two
    resources:
        mem_mb=lambda w: cost(w.name[:2], "mem_mb"),
        runtime=lambda w: cost(w.name[:2], "runtime"),
    shell: on("{threads}") + " " + RUN + " {input.notebook:q} {output:q} {params.samples} > {log:q} 2>&1 || (cat {log:q} >&2; exit 1)"


rule pages:
    input:
        notebooks=expand("_build/notebooks/{name}.ipynb", name=SOURCES),
        text=TEXT,
        shown=SHOWN,
        config="_config.yml",
        code=CODE + sorted(PAGES_ONLY),
        static=sorted(map(str, Path("helpers/book/pages/static").iterdir())),
    output: "_build/html/.whole" # made last: pages of a build that was killed are not believed
    log: "_build/logs/pages.log"
    resources:
        mem_mb=cost("pages", "mem_mb"),
        runtime=cost("pages", "runtime"),
    shell:
        shlex.quote(sys.executable) + " -m helpers.book.pages.build --notebooks _build/notebooks --output ."
        " > {log:q} 2>&1 || (cat {log:q} >&2; exit 1); touch {output:q}"


rule batch:
    input: "results/report.html"


rule report:
    input: notebooks=JOBS + TOGETHER + LAST, areas=AREAS
    output: "results/report.html"
    shell: shlex.quote(sys.executable) + " -m helpers.book.pages.report {output:q} {input.notebooks:q}"


rule run_for_sample:
    input:
        notebook=lambda w: SOURCES[w.name],
        code=CODE,
        data=DATA,
        samples=OWN or [],
        files=lambda w: PLAN.files.get(w.sample, []),
        after=lambda w: [
            f"results/{w.sample}/notebooks/{other}.ipynb"
            for other in earlier(w.name)
            if (w.sample, other) in PLAN.jobs
        ],
    output: "results/{sample}/notebooks/{name}.ipynb"
    params:
        values=lambda w: batch_parameters(w.name),
        around=run_with,
    log: "results/{sample}/notebooks/{name}.log"
    threads: lambda w: cost(w.name[:2], "threads")
    resources:
        mem_mb=lambda w: cost(w.name[:2], "mem_mb"),
        runtime=lambda w: cost(w.name[:2], "runtime"),
    shell:
        "{params.around} " + RUN + " {input.notebook:q} {output:q} --wait 600 --sample {wildcards.sample:q}"
        " {params.values:q} > {log:q} 2>&1 || (cat {log:q} >&2; exit 1)"


rule run_together:
    input:
        notebook=lambda w: SOURCES[w.name],
        code=CODE,
        data=DATA,
        samples=OWN or [],
        files=sorted(set().union(*PLAN.files.values())),
        after=lambda w: JOBS + [path for path in TOGETHER if w.name == LEDGER],
    output: "results/together/notebooks/{name}.ipynb"
    params:
        samples=lambda w: list(dict.fromkeys(sample for sample, _ in PLAN.jobs)),
        values=lambda w: batch_parameters(w.name),
        around=run_with,
    log: "results/together/notebooks/{name}.log"
    threads: lambda w: cost(w.name[:2], "threads")
    resources:
        mem_mb=lambda w: cost(w.name[:2], "mem_mb"),
        runtime=lambda w: cost(w.name[:2], "runtime"),
    shell:
        "{params.around} " + RUN + " {input.notebook:q} {output:q} --wait 600 --samples {params.samples:q}"
        " {params.values:q} > {log:q} 2>&1 || (cat {log:q} >&2; exit 1)"


rule film_area:
    input: code=CODE
    output: "results/{film}/tomography/areas/area_{area}.h5"
    params: shape=lambda w: config["film"]["shape"][w.film], iterations=config["film"]["iterations"]
    log: "results/{film}/tomography/areas/area_{area}.log"
    threads: cost("area", "threads")
    resources:
        mem_mb=cost("area", "mem_mb"),
        runtime=cost("area", "runtime"),
    shell:
        on("{threads}") + " " + shlex.quote(sys.executable) + " -m helpers.area {wildcards.film:q} {wildcards.area}"
        " --shape {params.shape} --iterations {params.iterations} --output {output:q}"
        " > {log:q} 2>&1 || (cat {log:q} >&2; exit 1)"
