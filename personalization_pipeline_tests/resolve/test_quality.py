"""What is said about wrong links without a truth, beside the truth."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest

from personalization_pipeline.foundation.warehouse import Connection, put_frame, scratch_connection
from personalization_pipeline.resolve.cluster import cluster
from personalization_pipeline.resolve.quality import expected_false_share, links, quality
from personalization_pipeline_tests.resolve.conftest import Learned

EDGES = ["record_key_l", "record_key_r", "kind", "weight"]
Row = tuple[str, str, str, int]


def edges(*rows: Row) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=EDGES, orient="row")


def clusters(*people: str, cut: int = 1_500) -> pl.DataFrame:
    """Clusters as words of keys: `clusters("a:1 b:1", "b:2")`."""
    rows = [(key, min(keys), cut) for keys in map(str.split, people) for key in keys]
    return pl.DataFrame(rows, schema=["record_key", "cluster_key", "component_cut"], orient="row")


@pytest.fixture
def connection() -> Iterator[Connection]:
    made = scratch_connection()
    yield made
    made.close()


def figures(
    connection: Connection, given: pl.DataFrame, people: pl.DataFrame, once: list[str]
) -> dict[str, int | None]:
    put_frame(connection, "edges", given)
    put_frame(connection, "clusters", people)
    return {f"{figure} {subject}".strip(): value for figure, subject, value, _ in quality(connection, 1_500, once)}


def test_of_links_of_w_bits_one_in_one_plus_two_to_the_w_is_expected_to_be_wrong() -> None:
    assert expected_false_share(pl.Series([0])) == 500_000
    assert expected_false_share(pl.Series([1_000, 1_000])) == 333_333
    assert expected_false_share(pl.Series([0, 60_000])) == 250_000
    assert expected_false_share(pl.Series([], dtype=pl.Int64)) is None


def test_a_link_is_what_reaches_the_cut_inside_a_person_and_weighs_what_was_compared() -> None:
    given = edges(
        ("a:1", "b:1", "splink", 1_500),
        ("a:1", "c:1", "splink", 1_499),
        ("b:1", "c:1", "splink", -3_000),
        ("b:1", "c:1", "email", 10_000),
        ("d:1", "d:2", "phone", 10_000),
        ("a:1", "d:1", "splink", 9_000),
        ("e:1", "e:2", "same", 25_000),
        ("e:1", "e:2", "splink", -4_000),
    )
    found = links(given, clusters("a:1 b:1 c:1", "d:1 d:2", "e:1 e:2"))
    assert set(found.rows()) == {("a:1", "b:1", 1_500), ("b:1", "c:1", -3_000), ("d:1", "d:2", 10_000)}


def test_pairs_inside_a_source_that_holds_each_person_once_show_how_often_strangers_look_alike(
    connection: Connection,
) -> None:
    """Of 6 pairs inside `once` 1 reaches the cut; as large a share of the 9 others would be 1.5, and there are 3 links."""
    given = edges(
        ("once:3", "once:4", "splink", 5_000),
        ("once:1", "once:3", "splink", 1_000),
        ("once:1", "shop:1", "splink", 9_000),
        ("once:1", "shop:2", "splink", 9_000),
        ("shop:1", "shop:2", "splink", 9_000),
    )
    people = clusters("once:1 shop:1 shop:2", "once:2", "once:3", "once:4")
    told = figures(connection, given, people, ["once"])
    assert told["links wrong at most by sources that hold each person once"] == 500_000
    assert told["largest person records"] == 3_000_000
    others = figures(connection, given, people, [])
    assert "links wrong at most by sources that hold each person once" not in others


def test_nothing_is_told_about_links_that_there_are_not(connection: Connection) -> None:
    told = figures(connection, edges(("a:1", "b:1", "splink", 100)), clusters("a:1", "b:1"), ["a"])
    assert told["links expected to be wrong by their weights"] is None
    assert told["links wrong at most by sources that hold each person once"] is None


def test_records_of_components_that_had_to_be_cut_higher_are_counted(connection: Connection) -> None:
    people = pl.concat([clusters("a:1 a:2 a:3", "b:1"), clusters("c:1", cut=3_500)])
    told = figures(connection, edges(("a:1", "a:2", "splink", 9_000)), people, [])
    assert told["records of components too large to be weighed"] == 200_000


def test_what_is_expected_without_the_truth_is_near_the_truth(learned: Learned) -> None:
    """Within a factor of three on a world whose people are known (docs/identity.md has larger ones)."""
    people = cluster(learned.edges, learned.standardised, learned.artefact)
    found = links(learned.edges, people)
    expected = expected_false_share(found["weight"])
    truth = learned.truth
    for side in ("l", "r"):
        ends = truth.select(pl.col("record_key").alias(f"record_key_{side}"), pl.col("true_person_id").alias(side))
        found = found.join(ends, on=f"record_key_{side}")
    wrong = found.filter(pl.col("l") != pl.col("r")).height / found.height
    assert expected is not None
    assert wrong / 3 < expected / 1_000_000 < wrong * 3
