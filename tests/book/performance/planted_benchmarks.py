"""A record of benchmarks whose ratios, gaps and growth are known."""

from __future__ import annotations

from pathlib import Path

from helpers import store

_WHEN = {"time": "2026-01-02T03:04:05+00:00", "load": 0.12, "cores": 2}


def case(task, program, cpu, *, size=None, seconds=None, peer=None, version=None, memory=50e6, error=None):
    """A case that took these CPU seconds in its turns."""
    found = {"task": task, "program": program, "size": size, "peer": peer, "version": version, "memory": memory}
    return {**found, "cpu": cpu, "seconds": seconds or [t / 1.6 for t in cpu], "error": error}


def structure():
    """Ours wins beside freud, loses to scipy, is even with OVITO; pyscal3 is missing and mdapy fails."""
    lost = {"task": "neighbours", "size": None}
    return [
        case("neighbours", "ours", [0.10, 0.20, 0.10]),
        case("neighbours", "freud", [0.30, 0.60, 0.31], peer="freud-analysis", version="3.4.0", memory=200e6),
        case("neighbours", "scipy", [0.05, 0.11, 0.049], peer="scipy", version="1.17.1", seconds=[0.05, 0.11, 0.049]),
        case("neighbours", "OVITO", [0.09, 0.21, 0.10], peer="ovito", version="3.17.2"),
        {**lost, "program": "pyscal3", "peer": "pyscal3", "version": None, "missing": "not installed (pyscal3)"},
        *(
            {
                "task": task,
                "size": 1_000_000,
                "program": "pyscal3",
                "peer": "pyscal3",
                "version": "4.1",
                "missing": "left out: 9 s at 76,238",
            }
            for task in ("neighbours", "list to motifs")
        ),
        {**lost, "program": "mdapy", "peer": "mdapy", "version": "1.0.9", "missing": "failed: E: no", "failed": True},
    ]


def scale():
    """List to motifs at four sizes: linear for ours, not for the other."""
    sizes = (10_000, 100_000, 1_000_000, 10_000_000)
    return [
        row
        for size in sizes
        for row in (
            case("list to motifs", "ours", [5e-6 * size * f for f in (1, 1.05)], size=size, memory=1200.0 * size),
            case("list to motifs", "Python", [1e-5 * size**1.1], size=size, memory=4000.0 * size, peer="python",
                 version="3.11.7"),
        )
    ]  # fmt: skip


def quality():
    """R against seconds, three programs at two objects."""
    return [
        {"object": thing, "program": program, "seconds": 0.1 * 2**k, "R": r / (k + 1)}
        for thing in ("demo", "Ta area 1")
        for program, r in (("ours", 0.3), ("ASTRA SIRT", 0.6), ("ASTRA CGLS", 0.5))
        for k in range(6)
    ]


def cold():
    return [
        {"stage": stage, "kernel": f"_{stage}_{k}", "CPU": 1.0 + k, "signatures": 1}
        for stage in ("imaging", "tomography", "structure")
        for k in range(3)
    ]


def table(title, rows, columns, **plot):
    return {"kind": "table", "title": title, "rows": rows, "columns": [[c, columns[c]] for c in columns], "plot": plot,
            "note": "", "begun": _WHEN, "ended": _WHEN}  # fmt: skip


def cases(title, rows, **errors):
    return {"kind": "cases", "title": title, "rows": rows, "errors": errors, "begun": _WHEN, "ended": _WHEN}


def plant(folder: Path) -> Path:
    """Write the record of four bench files."""
    denoising = [
        case("denoising", "cosine", [2.0, 2.1], error=1.02),
        case("denoising", "bm3d", [40.0, 41.0], error=1.0, peer="bm3d", version="4.0.3"),
        case("denoising", "scikit-image nlm", [1.0, 1.1], error=1.4, peer="scikit-image", version="0.26.0"),
    ]
    files = {
        "bench_structure": [cases("Neighbours of 76,238 atoms", structure())],
        "bench_scale": [cases("Glass in a periodic box", scale())],
        "bench_imaging": [cases("60 images of 128 × 128 px", denoising, denoising="r.m.s. error [counts]")],
        "bench_tomography": [
            table("R against time", quality(), {"object": "", "program": "", "seconds": "s", "R": ""},
                  kind="lines", x="seconds", y="R", series="program", panel="object", log="x"),
        ],
        "bench_cold": [
            table("Compiling the kernels", cold(), {"stage": "", "kernel": "", "CPU": "s", "signatures": ""},
                  kind="bars", x="CPU", y="stage", series="stage"),
        ],
        "took": [table("Building", [{"command": "make book", "seconds": 300.5, "load before": 1.7,
                                     "date": "2026-01-05"}], {"command": "", "seconds": "s"})],
        "run": [table("Bench files", [{"file": "structure", "seconds": 90.0}], {"file": "", "seconds": "s"})],
    }  # fmt: skip
    about = {
        "machine": {"cpu": "A processor", "cores": 2, "memory": 16.0, "system": "Linux x86_64"},
        "commit": "abcdef1", "quick": False, "versions": {"python": "3.11.7", "numpy": "2.4.6"},
    }  # fmt: skip
    for name, tables in files.items():
        store.save_numbers(folder / f"{name}.json", {**about, "tables": tables}, store.provenance())
    return folder
