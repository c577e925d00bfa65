"""Clusters: a partition of the records that depends on the evidence alone."""

from __future__ import annotations

from itertools import combinations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.resolve.cluster import cluster
from personalization_pipeline.resolve.components import CUT, components
from personalization_pipeline.resolve.link import EDGE_SCHEMA
from personalization_pipeline_tests.resolve.conftest import Learned
from personalization_pipeline_tests.resolve.contacts import pair_precision_and_recall

NO_MODEL = {"kind": "exact-keys-only"}


def edges(*rows: tuple[str, str, int], kind: str = "email") -> pl.DataFrame:
    return pl.DataFrame([(*row[:2], kind, row[2], None, None, None) for row in rows], schema=EDGE_SCHEMA, orient="row")


def records(keys: str) -> pl.DataFrame:
    return pl.DataFrame({"record_key": list(keys)}, schema={"record_key": pl.String})


def groups(clusters: pl.DataFrame) -> set[str]:
    """Clusters as words: {'abc', 'd'}."""
    return {"".join(sorted(keys)) for _, keys in clusters.group_by("cluster_key").agg("record_key").iter_rows()}


def test_every_record_is_in_exactly_one_cluster_named_after_its_smallest_key() -> None:
    found = cluster(edges(("b", "c", 10_000), ("c", "d", 10_000)), records("edcba"), NO_MODEL)
    assert found["record_key"].to_list() == list("abcde")
    assert found["cluster_key"].to_list() == ["a", "b", "b", "b", "e"]
    assert found["component_cut"].to_list() == [CUT] * 5


def test_an_edge_below_the_cut_joins_nobody() -> None:
    scored = edges(("a", "b", CUT), ("c", "d", CUT - 1), kind="splink")
    assert groups(cluster(scored, records("abcd"), NO_MODEL)) == {"ab", "c", "d"}
    assert groups(cluster(scored, records("abcd"), NO_MODEL, cut=CUT - 1)) == {"ab", "cd"}


def test_a_key_joins_whatever_weight_is_asked_of_evidence() -> None:
    both = pl.concat([edges(("a", "b", 10_000)), edges(("b", "c", 50_000), kind="splink")])
    assert groups(cluster(both, records("abc"), NO_MODEL, cut=60_000)) == {"ab", "c"}


def test_the_best_of_several_edges_of_a_pair_counts() -> None:
    both = pl.concat([edges(("a", "b", -4_000), kind="splink"), edges(("a", "b", 10_000), kind="phone")])
    assert groups(cluster(both, records("ab"), NO_MODEL)) == {"ab"}


def test_no_edges_are_as_many_clusters_as_records() -> None:
    assert groups(cluster(edges(), records("abc"), NO_MODEL)) == {"a", "b", "c"}
    assert cluster(edges(), records(""), NO_MODEL).height == 0


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"), st.integers(-5_000, 30_000)), max_size=14
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_edges_and_records_does_not_matter(drawn: list[tuple[str, str, int]], chance: object) -> None:
    rows = [(min(one, two), max(one, two), weight) for one, two, weight in drawn if one != two]
    expected = cluster(edges(*rows), records("abcdefgh"), NO_MODEL)
    assert expected["record_key"].to_list() == list("abcdefgh")
    keys = list("abcdefgh")
    chance.shuffle(rows)  # type: ignore[attr-defined]
    chance.shuffle(keys)  # type: ignore[attr-defined]
    assert cluster(edges(*rows), records("".join(keys)), NO_MODEL).equals(expected)


def test_a_component_that_is_too_large_is_held_together_by_its_stronger_edges_only() -> None:
    chain = edges(("a", "b", CUT + 5_000), ("b", "c", CUT + 500), ("c", "d", CUT + 5_000), ("e", "f", CUT + 500))
    found = components(chain, records("abcdef"), NO_MODEL, limit=3)
    parts = {"".join(sorted(keys)) for _, keys in found.group_by("component").agg("record_key").iter_rows()}
    assert parts == {"ab", "cd", "ef"}
    cuts = dict(found.select("record_key", "component_cut").iter_rows())
    assert cuts["e"] == cuts["f"] == CUT
    assert {cuts[key] for key in "abcd"} == {CUT + 2_000}


def test_records_that_even_the_strongest_edges_do_not_part_stay_alone() -> None:
    all_pairs = edges(*((one, two, 30_000) for one, two in combinations("abcd", 2)))
    found = components(all_pairs, records("abcd"), NO_MODEL, limit=3)
    assert found["component"].n_unique() == 4
    assert found["component_cut"].min() > 25_000  # type: ignore[operator]


def test_the_demo_world_is_resolved_with_hardly_a_wrong_merge(learned: Learned) -> None:
    found = cluster(learned.edges, learned.standardised, learned.artefact)
    precision, recall = pair_precision_and_recall(found, learned.truth, "true_person_id")
    assert precision >= 0.99
    assert recall >= 0.94


def test_clusters_do_not_depend_on_threads_or_order(learned: Learned) -> None:
    expected = cluster(learned.edges, learned.standardised, learned.artefact, threads=1)
    shuffled = learned.edges.sample(fraction=1, shuffle=True, seed=2)
    records_shuffled = learned.standardised.sample(fraction=1, shuffle=True, seed=2)
    assert cluster(shuffled, records_shuffled, learned.artefact, threads=2).equals(expected)


@pytest.mark.parametrize("key", ["cluster_key", "record_key"])
def test_a_cluster_key_is_the_smallest_of_its_records(learned: Learned, key: str) -> None:
    found = cluster(learned.edges, learned.standardised, learned.artefact)
    assert found.height == learned.standardised.height == found["record_key"].n_unique()
    smallest = found.group_by("cluster_key").agg(pl.col("record_key").min())
    assert smallest["cluster_key"].equals(smallest["record_key"], check_names=False)
    assert found[key].null_count() == 0
