"""Traps of Splink and DuckDB that nothing else would notice: docs/identity.md names for each the test that holds it.

Belongs here: what those tests miss, and that the table names tests that there are.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.questions import current_night
from personalization_pipeline.resolve.identity_model import train
from personalization_pipeline.resolve.link import score_pairs, score_within
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline_tests.resolve.conftest import Learned
from personalization_pipeline_tests.resolve.contacts import SCHEMA

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "personalization_pipeline"


def calls(name: str) -> Iterator[str]:
    """`file:function` of every call of a function or method of that name in the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                        yield f"{path.name}:{function.name}"


def test_the_table_of_traps_names_tests_that_there_are() -> None:
    page = (ROOT / "docs" / "identity.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page.split("## Traps")[1]))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    assert len(named) >= 10
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_every_linker_has_a_database_of_its_own_which_is_closed_after_it() -> None:
    assert list(calls("DuckDBAPI")) == list(calls("Linker")) == ["identity_model.py:open_linker"]


def test_data_scored_after_other_data_are_scored_with_their_own_frequencies(learned: Learned) -> None:
    """Two sets through two artefacts, one after the other and the other way round."""
    one = learned.standardised.head(400)
    other = one.with_columns(pl.lit("kim").alias("first_name_std"), pl.lit(["kim"]).alias("first_name_roots"))
    artefacts = [train(records, seed=1) for records in (one, other)]
    there = [score_pairs(records, None, made) for records, made in zip((one, other), artefacts, strict=True)]
    back = [score_pairs(records, None, made) for records, made in zip((other, one), reversed(artefacts), strict=True)]
    assert_frame_equal(there[0], back[1])
    assert_frame_equal(there[1], back[0])
    assert not there[0].equals(there[1])


def test_nothing_is_clustered_by_single_best_links_nor_fetched_one_by_one_from_a_relation() -> None:
    assert [*calls("cluster_using_single_best_links"), *calls("fetchone")] == []


def test_no_table_of_splink_is_left_in_a_night(demo_night: Path) -> None:
    connection = published_connection(current_night(load_project(demo_night)), private=True)
    try:
        names = [name for (name,) in query(connection, "SELECT table_name FROM duckdb_tables()")]
    finally:
        connection.close()
    assert len(names) > 20
    assert [name for name in names if "splink" in name.lower()] == []


def test_weights_tell_apart_what_probabilities_no_longer_can(learned: Learned) -> None:
    sure = learned.edges.filter((pl.col("kind") == "splink") & (pl.col("weight") > 20_000))["weight"]
    probability = 1 - 2.0 ** -(sure / 1000)
    assert probability.min() > 0.999999  # type: ignore[operator]
    assert sure.n_unique() > 20


def test_inside_a_component_every_pair_is_weighed_however_unlikely(learned: Learned) -> None:
    keys = learned.standardised["record_key"].head(30)
    component = pl.DataFrame({"record_key": keys}).with_columns(component=0, component_before=pl.lit(None, pl.UInt64))
    weighed = score_within(learned.standardised, component, learned.artefact)
    assert weighed.height == 30 * 29 // 2
    assert weighed["weight"].min() < -10_000  # type: ignore[operator]


def test_a_placeholder_is_gone_before_names_are_counted() -> None:
    people = [("Unknown" if n % 2 else f"Ann{n % 7}", f"Berg{n % 40}", f"{n // 2}@mail.example") for n in range(240)]
    records = pl.DataFrame(
        [{"record_key": str(n), "first_name": a, "last_name": b, "email": c} for n, (a, b, c) in enumerate(people)],
        schema=SCHEMA,
    )
    counted = train(standardise(records), seed=1)["term_frequencies"]["first_name_std"]
    assert counted["filled"] == 120
    assert "unknown" not in counted["counts"]
