"""Clusters: a partition of the records that depends on the evidence alone."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from personalization_pipeline.resolve.cluster import agglomerate, cluster, weight_between
from personalization_pipeline.resolve.components import CUT, components
from personalization_pipeline.resolve.link import EDGE_SCHEMA
from personalization_pipeline_tests.resolve.conftest import Learned
from personalization_pipeline_tests.resolve.contacts import pair_precision_and_recall

NO_MODEL = {"kind": "exact-keys-only"}


def edges(*rows: tuple[str, str, int], kind: str = "email") -> pl.DataFrame:
    return pl.DataFrame([(*row[:2], kind, row[2], "{}", None) for row in rows], schema=EDGE_SCHEMA, orient="row")


def records(keys: str) -> pl.DataFrame:
    return pl.DataFrame({"record_key": list(keys)}, schema={"record_key": pl.String})


def groups(clusters: pl.DataFrame) -> set[str]:
    """Clusters as words: {'abc', 'd'}."""
    return {"".join(sorted(keys)) for _, keys in clusters.group_by("cluster_key").agg("record_key").iter_rows()}


def weights(count: int, *pairs: tuple[int, int, int], other: int = 0) -> NDArray[np.int64]:
    matrix = np.full((count, count), other, dtype=np.int64)
    np.fill_diagonal(matrix, 0)
    for one, two, weight in pairs:
        matrix[one, two] = matrix[two, one] = weight
    return matrix


def test_two_records_that_a_third_ties_together_stay_apart_when_they_are_two_people() -> None:
    assert agglomerate(weights(3, (0, 1, 9_000), (1, 2, 8_000), (0, 2, -20_000)), 0) == [0, 0, 2]


def test_weak_evidence_joins_when_all_of_it_agrees() -> None:
    assert agglomerate(weights(3, (0, 1, 2_000), (1, 2, 2_000), (0, 2, 2_000)), 1_500) == [0, 0, 0]


def test_a_mean_that_just_reaches_the_cut_joins() -> None:
    matrix = weights(3, (0, 1, 9_000), (0, 2, 3_000), (1, 2, 1_000))
    assert agglomerate(matrix, 2_000) == [0, 0, 0]
    assert agglomerate(matrix, 2_001) == [0, 0, 2]


def test_a_tie_goes_to_the_smallest_records() -> None:
    # 1 is as close to 0 as to 2, and joins only one of them.
    assert agglomerate(weights(3, (0, 1, 5_000), (1, 2, 5_000), (0, 2, -9_000)), 0) == [0, 0, 2]
    # All are as close; the first two join, and then nothing is left that reaches the cut.
    assert agglomerate(weights(4, (0, 1, 5), (2, 3, 5), other=-5), 0) == [0, 0, 2, 2]


def facts(count: int, *told: tuple[int, int, int, int]) -> NDArray[np.int64]:
    """Of each fact what pairs of records say about it: rows (fact, one, other, millibits)."""
    cube = np.zeros((1 + max(fact for fact, *_ in told), count, count), dtype=np.int64)
    for fact, one, other, weight in told:
        cube[fact, one, other] = cube[fact, other, one] = weight
    return cube


def test_a_record_that_says_nothing_about_a_fact_does_not_outvote_one_that_does() -> None:
    # 0 and 1 are a person with a birth date and her thin copy; 2 has the same name and another birth date.
    name = [(0, 0, 1, 9_000), (0, 0, 2, 6_000), (0, 1, 2, 6_000)]
    assert agglomerate(weights(3, other=-1_000), 0, facts(3, *name)) == [0, 0, 0]
    assert agglomerate(weights(3, other=-1_000), 0, facts(3, *name, (1, 0, 2, -8_000))) == [0, 0, 2]


def test_the_best_pair_of_a_fact_counts_a_quarter_and_the_mean_the_rest() -> None:
    # Once 0 and 1 are one group, it weighs (3 * mean(-4,000, 8,000) + 8,000) / 4 = 3,500 with 2.
    told = facts(3, (0, 0, 1, 20_000), (0, 0, 2, -4_000), (0, 1, 2, 8_000))
    assert agglomerate(weights(3), 3_500, told) == [0, 0, 0]
    assert agglomerate(weights(3), 3_501, told) == [0, 0, 2]


def test_what_two_groups_weigh_can_be_told_pair_by_pair() -> None:
    pairs = [(-1_000 - 4_000 + 3_000, [-4_000, 3_000]), (-1_000 + 8_000, [8_000, 0])]
    assert weight_between(pairs, 2) == -1_000 + (3 * 2_000 + 8_000) // 4 + 3_000
    assert weight_between([(10_000, [])], 4) == 2_500
    assert weight_between([], 1) == 0


def test_two_facts_of_two_pairs_add_up_to_what_no_pair_has_alone() -> None:
    told = facts(3, (0, 0, 1, 9_000), (1, 0, 2, 3_000), (2, 1, 2, 3_000))
    assert agglomerate(weights(3, other=-4_000), 1_500, told) == [0, 0, 0]
    assert agglomerate(weights(3, other=-4_000), 2_001, told) == [0, 0, 2]


@given(st.integers(2, 9), st.integers(1, 3), st.randoms(use_true_random=False))
def test_groups_never_lie_further_apart_than_the_cut_by_a_plain_count(count: int, kinds: int, chance: object) -> None:
    """Stops only when no two groups weigh the cut, counted anew from the definition."""
    generator = np.random.default_rng(chance.randrange(2**32))  # type: ignore[attr-defined]
    upper = np.triu(
        generator.integers(-9_000, 9_000, (kinds, count, count)) * generator.integers(0, 2, (kinds, count, count)), 1
    )
    told = (upper + upper.transpose(0, 2, 1)).astype(np.int64)
    found = np.array(agglomerate(weights(count, other=-1_000), 500, told))
    for one, other in combinations(sorted(set(found.tolist())), 2):
        between = told[:, found == one][:, :, found == other].reshape(kinds, -1)
        said = [row[row != 0] for row in between]
        assert -1_000 + sum((3 * (row.sum() // len(row)) + row.max()) // 4 for row in said if len(row)) < 500


@given(st.integers(2, 12), st.randoms(use_true_random=False))
def test_groups_are_those_of_an_independent_average_linkage(count: int, chance: object) -> None:
    generator = np.random.default_rng(chance.randrange(2**32))  # type: ignore[attr-defined]
    # So many digits that no two means are alike: for ties the other linkage has a rule of its own.
    upper = np.triu(generator.integers(-25_000_000_000, 25_000_000_000, (count, count)), 1)
    matrix = (upper + upper.T).astype(np.int64)
    distances = squareform(2.5e10 - matrix - np.diag(np.diag(2.5e10 - matrix)), checks=False)
    expected = fcluster(linkage(distances, "average"), 25_000_000_000 - 1_500_000_000, "distance")
    found = agglomerate(matrix, 1_500_000_000)
    for one, two in combinations(range(count), 2):
        assert (found[one] == found[two]) == (expected[one] == expected[two])


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


def test_a_component_of_a_thousand_records_is_done_in_a_moment() -> None:
    generator = np.random.default_rng(1)
    upper = np.triu(generator.integers(-25_000, 25_000, (1_000, 1_000)), 1)
    found = agglomerate((upper + upper.T).astype(np.int64), 1_500)
    assert len(found) == 1_000


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
