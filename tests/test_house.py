"""The house stands: who may import whom, and where the names of samples may stand, read from the syntax trees."""

from __future__ import annotations

import ast
import builtins
import doctest
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ase.data import chemical_symbols

import helpers

ROOT = Path(__file__).parents[1]
STAGES = ("imaging", "tomography", "atoms", "structure", "simulation")
GROUPS = ("figures", "ledger", "pages")
#: Parts of the package, and what each may import of the others.
MAY_IMPORT = {
    "ground": {"ground"},
    **{stage: {"ground", *STAGES[: place + 1]} for place, stage in enumerate(STAGES)},
    **{f"book.{group}": {"ground", "book", f"book.{group}"} for group in GROUPS},
    "book": {"ground", "book"},
    "book.performance": {"ground", "book", "book.figures", "book.pages", "book.performance"},
    "own": {"ground", "own", *STAGES},  # the checks of a reader's samples
    "tools": {"ground", *STAGES},
}
TOOLS = {"helpers.area", "helpers.warm"}  # run from outside; no other module imports them

#: What still breaks a rule, by module; the list may only shrink.
KNOWN_IMPORTS: set[tuple[str, str]] = set()
KNOWN_NAMES: set[tuple[str, str]] = set()

FILES = {
    ".".join(("helpers", *path.relative_to(ROOT / "helpers").with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted((ROOT / "helpers").rglob("*.py"))
}


@functools.cache
def trees() -> dict[str, ast.Module]:
    """Syntax of each module; read when a test asks, for every process that collects tests loads this file."""
    return {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in FILES.items()}


def part_of(module: str) -> str:
    """Part of the house that a module belongs to."""
    names = module.split(".")
    if module in TOOLS:
        return "tools"
    if len(names) > 1 and names[1] in STAGES:
        return names[1]
    if names[1:2] == ["own"]:
        return "own"
    if names[1:2] == ["book"]:
        return ".".join(names[1:3]) if names[2:3] and f"book.{names[2]}" in MAY_IMPORT else "book"
    return "ground"


def imports_of(module: str, tree: ast.Module, is_package: bool) -> Iterator[str]:
    """Modules of the package that a module imports, at its top, within functions, or for type checkers only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".") if is_package else module.split(".")[:-1]
            above = base[: len(base) - node.level + 1] if node.level else []
            start = ".".join([*above, *filter(None, [node.module])])
            within = [f"{start}.{alias.name}" for alias in node.names]
            found = [name if name in FILES else start for name in within]
        elif isinstance(node, ast.Constant) and re.fullmatch(r"helpers(\.\w+)+(:\w+)?", str(node.value)):
            found = [node.value.split(":")[0]]  # for importlib
        else:
            continue
        yield from (name for name in found if name.split(".")[0] == "helpers")


@functools.cache
def all_imports() -> set[tuple[str, str]]:
    """Every module with each one that it imports."""
    return {
        (module, name)
        for module, tree in trees().items()
        for name in imports_of(module, tree, FILES[module].name == "__init__.py")
    }


def refused(module: str, name: str) -> bool:
    return part_of(name) not in MAY_IMPORT[part_of(module)] or name in TOOLS


def test_arrows_point_downward_only():
    found = {(module, name) for module, name in all_imports() if refused(module, name)}
    assert found - KNOWN_IMPORTS == set(), "a module imports what lies above it"
    assert KNOWN_IMPORTS - found == set(), "mended: take it from KNOWN_IMPORTS"


@pytest.mark.parametrize(
    ("module", "code", "name"),
    [
        ("helpers.curves", "def f():\n    from .structure import voronoi", "helpers.structure.voronoi"),
        ("helpers.curves", "from . import structure", "helpers.structure"),
        ("helpers.geometry.boxes", "from ..atoms.images import f", "helpers.atoms.images"),
        ("helpers.imaging.align", "import helpers.tomography.projection", "helpers.tomography.projection"),
        ("helpers.imaging.align", "if TYPE_CHECKING:\n    from helpers import tomography", "helpers.tomography"),
        ("helpers.samples", "import_module('helpers.simulation.specimen')", "helpers.simulation.specimen"),
        ("helpers.structure.motifs", "from ..book import figures", "helpers.book.figures"),
        ("helpers.book.figures.marks", "from ...structure import voronoi", "helpers.structure.voronoi"),
        ("helpers.book.pages.run", "from ..ledger import claims", "helpers.book.ledger"),
        ("helpers.curves", "from . import warm", "helpers.warm"),
    ],
)
def test_an_arrow_upward_is_seen(module, code, name):
    (found,) = imports_of(module, ast.parse(code), is_package=False)
    assert found == name
    assert refused(module, found)


def test_every_part_is_known():
    assert {part_of(module) for module in FILES} == set(MAY_IMPORT)


def documentation(tree: ast.Module) -> set[int]:
    """Identities of the constants that are docstrings, texts below attributes included, or names for export."""
    found: set[int] = set()
    for node in ast.walk(tree):
        for line in getattr(node, "body", []) if isinstance(getattr(node, "body", None), list) else []:
            if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant):
                found.add(id(line.value))
            if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "__all__":
                found |= {id(part) for part in ast.walk(line.value)}
    return found


def names_in(tree: ast.Module, names: set[str]) -> Iterator[str]:
    """Names of samples that stand in a module's code, as a whole string or in quotes within one."""
    apart = documentation(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
            yield from names & {node.value, *re.findall(r"['\"](\w+)['\"]", node.value)}


def test_no_sample_is_named_in_code():
    samples = set(helpers.sample_names())
    symbols = set(chemical_symbols)  # a stage may speak of an element; the ground and the book need not
    found = {
        (module, name)
        for module, tree in trees().items()
        for name in names_in(tree, samples - symbols if part_of(module) in STAGES else samples)
    }
    assert found - KNOWN_NAMES == set(), "a sample is named in code; let data/samples.toml say what it is"
    assert KNOWN_NAMES - found == set(), "mended: take it from KNOWN_NAMES"


def test_a_name_is_seen_in_code_and_not_in_a_docstring():
    code = '''"""Say Pd1."""\n__all__ = ["MD300"]\ndef f(x="demo"):\n    "Of Ta."\n    return {"Pd2": f"no 'Ta' {x}"}'''
    assert set(names_in(ast.parse(code), {"Pd1", "Pd2", "Ta", "demo", "MD300"})) == {"demo", "Pd2", "Ta"}


def untyped(tree: ast.Module) -> list[str]:
    """Functions that do not state their types; kernels, whose types numba infers, apart."""
    found = []
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    # what stands within a function that overloads another is compiled in its place
    overloading = [set(ast.walk(node)) - {node} for node in functions if "overload(" in ast.unparse(node)]
    for node in functions:
        if not any(node in within for within in overloading) and not any(
            any(word in m for word in ("kernel", "jit", "overload")) for m in map(ast.unparse, node.decorator_list)
        ):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            arguments += [a for a in (node.args.vararg, node.args.kwarg) if a is not None]
            bare = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
            if bare or (node.returns is None and node.name != "__init__"):
                found.append(node.name)
    return found


def test_every_function_but_kernels_states_its_types():
    assert {module: names for module, tree in trees().items() if (names := untyped(tree))} == {}


def test_a_function_without_types_is_seen():
    code = (
        "@njit(cache=True)\ndef _k(a):\n    pass\ndef f(a: int, *, b=1) -> int:\n    pass\ndef g(a: int):\n    pass\n"
    )
    assert untyped(ast.parse(code)) == ["f", "g"]


def compares_arrays(node: ast.ClassDef) -> bool:
    """Whether a dataclass has arrays among its fields but compares them field by field."""
    frames = [d for d in node.decorator_list if ast.unparse(d).startswith("dataclass")]
    fields = [ast.unparse(line.annotation) for line in node.body if isinstance(line, ast.AnnAssign)]
    return any("eq=False" not in ast.unparse(d) for d in frames) and any("NDArray" in kind for kind in fields)


def test_results_that_hold_arrays_are_compared_by_identity():
    found = {
        (module, node.name)
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and compares_arrays(node)
    }
    assert found == set(), "an array has no truth value, so == would fail: add eq=False"


def test_a_result_that_compares_arrays_is_seen():
    code = "@dataclass(frozen=True)\nclass Found:\n    positions: NDArray[np.float64]"
    assert compares_arrays(ast.parse(code).body[0])


def unknown_names(source: str) -> list[str]:
    """Names that a piece of code uses before it has made or imported them."""
    known, unknown = set(dir(builtins)), []
    for statement in ast.parse(source).body:
        parts = list(ast.walk(statement))
        names = [part for part in parts if isinstance(part, ast.Name)]
        made = {name.id for name in names if isinstance(name.ctx, ast.Store)}
        made |= {part.arg for part in parts if isinstance(part, ast.arg)}
        made |= {part.name for part in parts if isinstance(part, ast.FunctionDef | ast.ClassDef)}
        made |= {(part.asname or part.name).split(".")[0] for part in parts if isinstance(part, ast.alias)}
        unknown += [name.id for name in names if name.id not in known | made]
        known |= made
    return unknown


def test_examples_can_be_pasted():
    found = {}
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                examples = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
                missing = unknown_names("".join(example.source for example in examples))
                if missing:
                    found[module, getattr(node, "name", "")] = missing
    assert found == {}, "an example leans on its module: let it import what it uses"


def test_an_example_that_leans_on_its_module_is_seen():
    assert unknown_names("x = [n for n in range(3)]\nprint(np.array(x))") == ["np"]


def test_no_two_files_of_tests_share_a_name():
    """Pytest collects the folders of tests as one."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))
