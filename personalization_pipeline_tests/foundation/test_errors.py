"""Refusals: the tree that is drawn is the tree that is, every leaf is used, and nothing else is raised on purpose."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from personalization_pipeline.foundation import errors
from personalization_pipeline.foundation.errors import PipelineError, ProjectError, SourceRefused

ROOT = Path(__file__).parents[2]
SOURCES = [*(ROOT / "personalization_pipeline").rglob("*.py"), *ROOT.glob("data/*/*.py")]
BRANCH = re.compile(r"^    (?P<indent>[│ ├└─]*)(?P<name>[A-Z]\w+)(?: +(?P<words>\S.*))?$")


def drawn() -> dict[str, tuple[str | None, str]]:
    """The tree in the module's docstring: name -> (name of the branch that it hangs from, its words)."""
    found: dict[str, tuple[str | None, str]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := BRANCH.match(line):
            depth = len(match["indent"]) // 4
            path = [*path[:depth], match["name"]]
            found[match["name"]] = (path[depth - 1] if depth else None, match["words"] or "")
    return found


def classes() -> dict[str, type[PipelineError]]:
    return {
        name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, PipelineError)
    }


def test_the_tree_that_is_drawn_is_the_tree_of_the_classes() -> None:
    hanging = {name: kind.__base__.__name__ if kind.__base__ else None for name, kind in classes().items()}
    assert {name: parent for name, (parent, _) in drawn().items()} == {**hanging, "PipelineError": None}


@pytest.mark.parametrize("name", sorted(classes()))
def test_a_class_says_what_the_tree_says(name: str) -> None:
    words = drawn()[name][1].split(" (")[0]
    assert words.lower().rstrip(".") in (classes()[name].__doc__ or "").lower()


@pytest.mark.parametrize("name", sorted(name for name, kind in classes().items() if not kind.__subclasses__()))
def test_every_leaf_is_used_somewhere(name: str) -> None:
    assert any(re.search(rf"\b{name}\(", path.read_text(encoding="utf-8")) for path in SOURCES if path.stem != "errors")


def test_nothing_else_is_raised_on_purpose() -> None:
    """But what a library waits for: ValueError in pydantic, a ConstructorError in YAML, OSError where a full disk is played."""
    others = []
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        known = {*classes(), "typer.Exit", *(["ValueError"] if "from pydantic import" in text else [])}
        known |= {"OSError"} if path.name == "writes.py" else set()
        known |= {"yaml.constructor.ConstructorError"} if "yaml.SafeLoader" in text else set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                raised = ast.unparse(node.exc.func)
                if raised not in known and not raised.startswith(
                    "_"
                ):  # a function of the module, which puts it in words
                    others.append(f"{path.relative_to(ROOT)}:{node.lineno} {raised}")
    assert others == []


def test_an_error_says_where_what_and_what_would_be_right() -> None:
    error = ProjectError("unknown key 'kpis'", fix="did you mean kpi?", where=Path("audiences/vip.yaml"))
    assert str(error) == "audiences/vip.yaml: unknown key 'kpis'\nFix: did you mean kpi?"
    assert (error.problem, error.fix, error.where) == ("unknown key 'kpis'", "did you mean kpi?", "audiences/vip.yaml")


def test_an_error_without_a_place_begins_with_the_problem() -> None:
    assert str(PipelineError("nothing landed", fix="land a file")) == "nothing landed\nFix: land a file"


def test_an_error_cannot_be_made_without_a_remedy() -> None:
    with pytest.raises(TypeError, match="fix"):
        PipelineError("nothing landed")  # type: ignore[call-arg]


def test_only_a_refused_source_lets_the_run_go_on() -> None:
    codes = {name: kind.exit_code for name, kind in classes().items()}
    assert codes.pop("SourceRefused") == SourceRefused.exit_code == 3
    assert set(codes.values()) == {2}
