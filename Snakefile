# Notebooks × samples as one graph. `snakemake --cores 2 book` makes the pages; `snakemake --profile
# config/laptop batch` runs notebooks over the samples of config/config.yaml. Only what has changed runs again.

import shlex
import sys
from pathlib import Path

from helpers.book.pages.run import parameters_of
from snakemake.utils import min_version

min_version("9.0")

configfile: "config/config.yaml"

SOURCES = {path.stem: str(path) for path in sorted(Path("book/notebooks").glob("[0-9][0-9]_*.ipynb"))}
NUMBERS = {name[:2]: name for name in SOURCES}
PAGES_ONLY = {
    f"helpers/book/pages/{name}.py"
    for name in ("address", "build", "curves", "extension", "front", "origin", "panels", "renderer", "sheet", "stills")
}
CODE = [p for p in sorted(map(str, Path("helpers").rglob("*.py"))) if p not in PAGES_ONLY]
DATA = sorted(str(p) for p in Path("data").rglob("*") if p.is_file() and "__pycache__" not in p.parts)
SHOWN = [p for p in DATA if p.startswith("data/recorded/") or p == "data/panels.csv"]  # shown by pages, no input of a run
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


def batch_parameters(number):
    values = config["batch"]["parameters"].get(number, {})
    return " ".join(f"-p {shlex.quote(str(k))} {shlex.quote(str(v))}" for k, v in values.items())


wildcard_constraints:
    name="[0-9][0-9]_[^/]+",
    sample="[^/]+",


localrules: book, batch


rule book:
    input: "_build/html/index.html"


rule run_for_pages:
    input:
        notebook=lambda w: SOURCES[w.name],
        code=CODE,
        data=DATA,
        after=lambda w: [f"_build/notebooks/{other}.ipynb" for other in earlier(w.name)],
    output: "_build/notebooks/{name}.ipynb"
    params: samples=lambda w: samples_of(w.name)
    log: "_build/logs/{name}.log"
    shell: RUN + " {input.notebook} {output} {params.samples} > {log} 2>&1 || (cat {log} >&2; exit 1)"


rule pages:
    input:
        notebooks=expand("_build/notebooks/{name}.ipynb", name=SOURCES),
        text=TEXT,
        shown=SHOWN,
        config="_config.yml",
        code=CODE + sorted(PAGES_ONLY),
        static=sorted(map(str, Path("helpers/book/pages/static").iterdir())),
    output: "_build/html/index.html"
    log: "_build/logs/pages.log"
    shell:
        shlex.quote(sys.executable) + " -m helpers.book.pages.build --notebooks _build/notebooks --output ."
        " > {log} 2>&1 || (cat {log} >&2; exit 1)"


rule batch:
    input:
        expand(
            "results/{sample}/notebooks/{name}.ipynb",
            sample=config["batch"]["samples"],
            name=[NUMBERS[number] for number in config["batch"]["notebooks"] if number in NUMBERS],
        ),


rule run_for_sample:
    input:
        notebook=lambda w: SOURCES[w.name],
        code=CODE,
        data=DATA,
        samples=config["batch"]["samples_file"] or [],
        after=lambda w: [
            f"results/{w.sample}/notebooks/{other}.ipynb"
            for other in earlier(w.name)
            if other[:2] in config["batch"]["notebooks"]
        ],
    output: "results/{sample}/notebooks/{name}.ipynb"
    params:
        values=lambda w: batch_parameters(w.name[:2]),
        own=f"AET_SAMPLES={shlex.quote(config['batch']['samples_file'])} " if config["batch"]["samples_file"] else "",
    log: "results/{sample}/notebooks/{name}.log"
    shell:
        "{params.own}" + RUN + " {input.notebook} {output} --sample {wildcards.sample} {params.values}"
        " > {log} 2>&1 || (cat {log} >&2; exit 1)"
