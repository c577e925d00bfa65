"""Every planted case has a test, and every such test a case: truth/cases.csv and the marks of the tests name the same."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from personalization_pipeline.foundation.warehouse import Connection, query
from personalization_pipeline_tests.pipeline.beside_truth import TESTS

NUMBER = re.compile(r"\b[RPN]\d+\b")


@pytest.fixture(scope="module", autouse=True)
def all_tests_of_cases() -> None:
    """Also those of modules that this run of pytest did not collect."""
    for path in sorted(Path(__file__).parent.glob("test_planted_*.py")):
        importlib.import_module(f"{__package__}.{path.stem}")


def test_planted_cases_and_cases_with_a_test_are_the_same(world: Connection) -> None:
    planted = {name for (name,) in query(world, "SELECT DISTINCT case_name FROM cases")}
    assert planted
    assert TESTS.keys() == planted


def test_a_test_of_a_case_names_its_requirement(world: Connection) -> None:
    required = query(world, "SELECT DISTINCT case_name, requirement FROM cases ORDER BY ALL")
    told = {name: {n for test in tests for n in NUMBER.findall(test.__doc__ or "")} for name, tests in TESTS.items()}
    assert [(name, number) for name, number in required if number not in told[name]] == []


def test_only_tests_are_marked_with_a_case() -> None:
    assert [test.__name__ for tests in TESTS.values() for test in tests if not test.__name__.startswith("test_")] == []


def test_no_record_of_a_true_person_is_lost(world: Connection) -> None:
    lost = query(world, "SELECT record_key FROM true_records WHERE record_key NOT IN (SELECT record_key FROM records)")
    assert lost == []
    assert len(query(world, "SELECT record_key FROM true_records")) > 500


def test_every_planted_person_but_the_bot_is_known_by_a_record(world: Connection) -> None:
    known = query(world, "SELECT DISTINCT case_name FROM players")
    people = query(world, "SELECT DISTINCT case_name FROM cases WHERE kind = 'person'")
    assert set(people) - set(known) == {("bot",)}
