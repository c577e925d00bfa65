"""The shape of the house: small files with names that say something, each opened by what belongs in it.

Belongs here: what can be seen of a file without knowing what it does. Does not belong here: who imports whom
(test_imports) and who writes (test_writes).
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from personalization_pipeline import PHASES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "personalization_pipeline"
TESTS = ROOT / "personalization_pipeline_tests"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 300
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "handler", "handlers", "base"}
# The package's rooms that are no phase, and the test folders that mirror no room.
ROOMS = {"foundation", "demo"}
TEST_ROOMS = {"conventions", "contracts", "pipeline"}


def described(path: Path) -> str:
    """A module's docstring; empty where there is none."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def within(root: Path, *endings: str) -> list[Path]:
    return sorted(path for ending in endings for path in root.rglob(f"*{ending}"))


def test_no_file_is_longer_than_300_lines() -> None:
    files = [*within(PACKAGE, ".py", ".sql"), *within(TESTS, ".py", ".sql"), *ROOT.glob("data/*/*.py")]
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert len(lines) > 100
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


def test_nothing_is_named_like_a_drawer() -> None:
    words = {path: set(re.split(r"[_.]", path.name)) for path in [*PACKAGE.rglob("*"), *TESTS.rglob("*.py")]}
    assert [str(path.relative_to(ROOT)) for path, parts in words.items() if parts & DRAWERS] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_opens_by_saying_what_belongs_in_it(path: Path) -> None:
    text, phase = described(path), path.parent.name
    if path.name == "__init__.py" and phase in PHASES:
        assert text.startswith(f"Phase {phase}:")
        assert re.findall(r"^(In|Out|Promise) {2,}\S", text, re.MULTILINE) == ["In", "Out", "Promise"]
    elif path.name == "steps.py":
        assert text.startswith(f"The Python steps of phase {phase}")
    elif path != PACKAGE / "__init__.py":
        assert re.search(r"\bbelongs?\s+here\b", text, re.IGNORECASE), "say what belongs here, and what does not"


def test_every_test_module_says_what_it_is_about() -> None:
    assert [path.name for path in TESTS.rglob("*.py") if path.name != "__init__.py" and not described(path)] == []


def test_the_package_has_one_folder_per_phase_and_no_other_room() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == {*PHASES, *ROOMS}


def test_every_room_of_the_package_has_a_folder_of_tests_of_its_name() -> None:
    assert {path.parent.name for path in TESTS.glob("*/test_*.py")} == {*PHASES, *ROOMS, *TEST_ROOMS}


@pytest.mark.parametrize("phase", PHASES)
def test_phases_have_equal_shape(phase: str) -> None:
    folder = PACKAGE / phase
    assert (folder / "steps.py").is_file()
    assert any(folder.glob("tables/*.sql"))
    assert sorted(path.name for path in folder.glob("*.sql")) == [], "SELECT files lie in tables/"


def test_a_test_is_named_as_a_sentence() -> None:
    names = [
        node.name
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert len(names) > 100
    assert [name for name in names if name.count("_") < 3] == []


def test_the_clock_is_read_in_one_module_only() -> None:
    wall = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|localtime|gmtime|strftime))\(")
    asking = {str(path.relative_to(PACKAGE)) for path in MODULES if wall.search(path.read_text(encoding="utf-8"))}
    assert asking == {"foundation/clock.py"}


def test_nothing_is_drawn() -> None:
    chance = re.compile(r"\b(import random|from random|uuid\.uuid|uuid4|np\.random\.(?!default_rng\()|default_rng\(\))")
    drawing = {str(path.relative_to(PACKAGE)) for path in MODULES if chance.search(path.read_text(encoding="utf-8"))}
    assert drawing == set(), "made-up people are functions of a seed and a number (demo.chance)"


def test_nothing_depends_on_the_hash_of_a_process() -> None:
    calls = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hash"
    }
    assert calls == set()
