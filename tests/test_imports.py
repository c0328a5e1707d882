"""Imports point one way, and the command line starts without anything heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("action", "reviewer", "training", "evals", "runners", "simulation", "tests")
MAY_IMPORT = {
    "reviewer": frozenset(),
    "action": frozenset({"reviewer"}),
    "evals": frozenset({"reviewer"}),
    "runners": frozenset({"reviewer"}),
    "simulation": frozenset({"reviewer"}),
    "training": frozenset({"reviewer", "evals", "simulation"}),
}
LEARNERS = frozenset({"torch", "mlflow", "transformers", "peft", "trl", "datasets", "sklearn", "numpy", "pandas"})
ONLY_IN = {"unidiff": "reviewer.diff", "github": "reviewer.github_api", "xllamacpp": "reviewer.local_model"}
HEAVY = ("httpx", "github", "xllamacpp", "unidiff", "yaml", "msgspec", "requests")


@cache
def list_modules(package: str) -> dict[str, ast.Module]:
    """The modules of one of our packages by name, parsed."""
    files = sorted((ROOT / package).rglob("*.py"))
    return {name_module(file): ast.parse(file.read_text(encoding="utf-8")) for file in files}


def name_module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def find_imports(node: ast.AST, *, late: bool) -> Iterator[str]:
    """The names that a module imports: `a.b` for `import a.b`; `a` and `a.b` for `from a import b`.

    Without `late` only what is imported when the module is: nothing inside functions or for type checkers.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            assert child.module
            yield child.module
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif late or not (isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_types(child)):
            yield from find_imports(child, late=late)


@cache
def imports_of(package: str) -> tuple[tuple[str, str], ...]:
    modules = list_modules(package).items()
    return tuple((name, imported) for name, tree in modules for imported in find_imports(tree, late=True))


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """The names along some cycle, or none."""
    finished: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return path[path.index(name) :]
        found = (
            [] if name in finished else next(filter(None, (visit(n, [*path, name]) for n in sorted(graph[name]))), [])
        )
        finished.add(name)
        return found

    return next(filter(None, (visit(name, []) for name in graph)), [])


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_point_one_way(package: str) -> None:
    forbidden = set(OURS) - MAY_IMPORT[package] - {package}
    wrong = [(name, imported) for name, imported in imports_of(package) if imported.split(".")[0] in forbidden]
    assert wrong == []


@pytest.mark.parametrize("package", ["reviewer", "action", "runners"])
def test_what_runs_in_a_job_learns_nothing(package: str) -> None:
    assert [(name, it) for name, it in imports_of(package) if it.split(".")[0] in LEARNERS] == []


@pytest.mark.parametrize("library", ONLY_IN)
def test_one_module_alone_knows_a_library(library: str) -> None:
    users = {name for package in OURS[:-1] for name, it in imports_of(package) if it.split(".")[0] == library}
    assert users <= {ONLY_IN[library]}


def test_no_module_of_the_reviewer_needs_itself() -> None:
    modules = list_modules("reviewer")
    graph = {name: set(find_imports(tree, late=False)) & modules.keys() - {name} for name, tree in modules.items()}
    assert graph["reviewer.review"] >= {"reviewer.place", "reviewer.rank", "reviewer.reply", "reviewer.domain"}
    assert find_cycle(graph) == []


def test_the_command_line_starts_light() -> None:
    code = "import sys, reviewer.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "reviewer.cli" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert loaded.isdisjoint(["reviewer.review", "reviewer.github_api", "reviewer.local_model", "reviewer.endpoint"])


def test_these_tests_see_what_they_look_for() -> None:
    source = """
import a.b
from c import d
if TYPE_CHECKING:
    import typed
try:
    import tried
except ImportError:
    pass
def f():
    from late import it
"""
    tree = ast.parse(source)
    assert set(find_imports(tree, late=False)) == {"a.b", "c", "c.d", "tried"}
    assert set(find_imports(tree, late=True)) == {"a.b", "c", "c.d", "tried", "typed", "late", "late.it"}
    assert find_cycle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}) == ["b", "d"]
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    assert name_module(ROOT / "reviewer" / "__init__.py") == "reviewer"
