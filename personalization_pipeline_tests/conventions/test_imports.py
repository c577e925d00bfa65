"""Who may import whom: data and imports run one way along PHASES, and heavy libraries are loaded where they are used.

Belongs here: rules over import statements, and what a process has loaded after a light command.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from personalization_pipeline import PHASES

PACKAGE = Path(__file__).parents[2] / "personalization_pipeline"
NAME = PACKAGE.name
FOUNDATION = "foundation"
# Not a phase, yet knows several: each starts or asks something that takes the whole house.
KNOWING = {
    "definitions",
    "cli",
    "cli_evaluate",
    "talking",
    "running",
    "replaying",
    "rolling_back",
    "checking",
    "questions",
    "starting",
    "schedules",
    "planning",
    "planning_words",
    "asked_night",
}
HEAVY = {
    "dagster",
    "dagster_duckdb",
    "pandas",
    "great_expectations",
    "splink",
    "sklearn",
    "scipy",
    "altair",
    "vl_convert",
}


@dataclass(frozen=True)
class Import:
    """One import: of `module`, by `importer`; `is_lazy` inside a function, or only for the type checker."""

    importer: Path
    module: str
    is_lazy: bool

    @property
    def library(self) -> str:
        return self.module.split(".")[0]

    def __str__(self) -> str:
        return f"{place(self.importer)} imports {self.module}"


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room(module: str) -> str:
    """`personalization_pipeline.resolve.link` -> `resolve`; the package itself is the empty room."""
    return [*module.split("."), ""][1]


def imports_of(path: Path, tree: ast.AST, *, is_lazy: bool = False) -> Iterator[Import]:
    """All imports of a module, relative ones made absolute; `from a import b` gives a.b, for b may be a module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(path, alias.name, is_lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = [NAME, *path.relative_to(PACKAGE).parts[:-1]]
            start = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (Import(path, f"{module}.{alias.name}", is_lazy) for alias in node.names)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or (
                isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
            )
            yield from imports_of(path, node, is_lazy=is_lazy or inside)


IMPORTS = [
    found
    for path in sorted(PACKAGE.rglob("*.py"))
    for found in imports_of(path, ast.parse(path.read_text(encoding="utf-8")))
]
OWN = [found for found in IMPORTS if found.library == NAME and room(found.module) not in ("PHASES", "__version__")]


def importers(*libraries: str) -> set[str]:
    return {place(found.importer) for found in IMPORTS if found.library in libraries}


def allowed_rooms(path: Path) -> set[str]:
    """The rooms from which a module may import."""
    folder = path.relative_to(PACKAGE).parts[0]
    if folder in PHASES:
        return {FOUNDATION, *PHASES[: PHASES.index(folder) + 1]}
    if folder == "demo":
        return {FOUNDATION, "demo", "questions"}
    return {FOUNDATION} if folder == FOUNDATION else {FOUNDATION, "demo", *PHASES, *KNOWING}


def test_the_rooms_are_read_from_import_statements() -> None:
    text = "from . import link\nfrom ..foundation.night import Store\nimport dagster as dg\ndef f():\n    import scipy.stats\n"
    found = list(imports_of(PACKAGE / "resolve" / "steps.py", ast.parse(text)))
    assert [imported.module for imported in found] == [
        f"{NAME}.resolve.link",
        f"{NAME}.foundation.night.Store",
        "dagster",
        "scipy.stats",
    ]
    assert [imported.is_lazy for imported in found] == [False, False, False, True]
    assert len(OWN) > 100


def test_imports_run_one_way_along_the_phases() -> None:
    assert [str(found) for found in OWN if room(found.module) not in allowed_rooms(found.importer)] == []


def test_only_the_known_few_import_several_phases() -> None:
    several = {
        path.stem
        for path in PACKAGE.glob("*.py")
        if {room(found.module) for found in OWN if found.importer == path} & set(PHASES)
    }
    assert several <= KNOWING


def test_phases_are_imported_by_name_in_one_place_only() -> None:
    dynamic = {
        place(path)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr) in ("import_module", "__import__")
    }
    assert dynamic == {"foundation/phases.py"}


def test_dagster_is_imported_by_wiring_only() -> None:
    wiring = {
        place(path) for path in PACKAGE.rglob("*.py") if path.name in ("assets.py", "definitions.py", "schedules.py")
    }
    # `personalize run` starts the very job that Dagster schedules, in its own process: it needs Dagster's instance for
    # that. It asks for it inside the function that runs the job, so that no other command pays for the import.
    starts_the_job = "running.py"
    assert importers("dagster", "dagster_duckdb") <= {*wiring, starts_the_job}
    assert all(
        found.is_lazy for found in IMPORTS if found.library == "dagster" and place(found.importer) == starts_the_job
    )


def test_only_the_warehouse_imports_duckdb() -> None:
    assert importers("duckdb") == {"foundation/warehouse.py"}


def test_pandas_is_used_for_the_verdicts_only() -> None:
    conversions = {"to_pandas", "from_pandas", "as_pandas_dataframe", "df", "fetchdf", "fetch_df"}
    converting = {
        place(path)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in conversions
    }
    assert importers("pandas") == {"foundation/judge.py"}
    assert converting == set()


def test_heavy_libraries_are_imported_inside_the_functions_that_use_them() -> None:
    assert importers(*HEAVY) > importers("dagster")
    at_once = [
        found for found in IMPORTS if found.library in HEAVY - {"dagster", "dagster_duckdb"} and not found.is_lazy
    ]
    assert [str(found) for found in at_once] == []


@pytest.mark.parametrize(
    ("command", "also_absent"),
    [
        ("import personalization_pipeline.cli, personalization_pipeline.questions", {"polars", "numpy"}),
        ("import personalization_pipeline.activate.certificate", {"polars", "numpy"}),
        ("import personalization_pipeline.checking", set()),
    ],
    ids=["ask and why", "verify", "check"],
)
def test_light_commands_start_without_heavy_libraries(command: str, also_absent: set[str]) -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", f"import sys, personalization_pipeline.cli\n{command}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert NAME in loaded
    assert {*HEAVY, *also_absent} & set(loaded) == set()
