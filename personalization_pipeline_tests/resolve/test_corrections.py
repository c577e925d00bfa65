"""People's word and sources that hold each person once: what clusters make of them, whatever the evidence says.

Belongs here: `same` and `never` inside components. Does not belong here: the file (foundation/test_corrections), nights
of a project (pipeline/test_links).
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from personalization_pipeline.resolve.cluster import cluster
from personalization_pipeline.resolve.components import CUT, components
from personalization_pipeline.resolve.link import EDGE_SCHEMA
from personalization_pipeline_tests.resolve.test_agglomeration import joined, weights
from personalization_pipeline_tests.resolve.test_cluster import NO_MODEL, edges, groups, records

Pairs = list[tuple[int, int]]
# Weights of so many digits that no two means are alike: for ties an independent linkage has a rule of its own.
MOST, LEAST = 25_000_000_000, 1_500_000_000
PAIR = st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] < pair[1])


def said(kind: str, *pairs: str) -> pl.DataFrame:
    """Words about pairs of one-letter records, as edges."""
    weight = 25_000 if kind == "same" else -25_000
    return pl.DataFrame([(*pair, kind, weight, None, None, "{}") for pair in pairs], schema=EDGE_SCHEMA, orient="row")


def united(labels: list[int], pairs: Pairs) -> list[int]:
    """The partition in which these pairs are together as well."""
    labels = list(labels)
    for one, other in pairs:
        labels = [labels[one] if label == labels[other] else label for label in labels]
    return labels


def matrix_of(seed: int, count: int = 8) -> Any:
    upper = np.triu(np.random.default_rng(seed).integers(-MOST, MOST, (count, count)), 1)
    return (upper + upper.T).astype(np.int64)


def barred(pairs: Pairs, count: int = 8) -> Any:
    never = np.zeros((count, count), dtype=np.bool_)
    for one, other in pairs:
        never[one, other] = never[other, one] = True
    return never


@given(st.integers(0, 2**32 - 1), st.lists(PAIR, max_size=4), st.lists(PAIR, max_size=6))
def test_same_is_always_together_and_never_never_whatever_the_evidence_says(
    seed: int, same: Pairs, never: Pairs
) -> None:
    together = united(list(range(8)), same)
    never = [(one, other) for one, other in never if together[one] != together[other]]
    found = joined(matrix_of(seed), LEAST, same=same, never=barred(never))
    assert all(found[one] == found[other] for one, other in same)
    assert all(found[one] != found[other] for one, other in never)
    assert all(found[first] == first <= place for place, first in enumerate(found))


@given(st.integers(0, 2**32 - 1), st.lists(PAIR, max_size=4))
def test_same_joins_the_groups_of_an_independent_average_linkage_and_parts_none(seed: int, same: Pairs) -> None:
    matrix = matrix_of(seed)
    distances = squareform(float(MOST) - matrix - np.diag(np.diag(float(MOST) - matrix)), checks=False)
    expected = united(fcluster(linkage(distances, "average"), MOST - LEAST, "distance").tolist(), same)
    found = joined(matrix, LEAST, same=same)
    for one, other in combinations(range(8), 2):
        assert (found[one] == found[other]) == (expected[one] == expected[other])


def test_who_is_same_answers_for_each_other_when_others_join() -> None:
    """0 and 1 are the same; 2 is close to 0 and 3 to 1, but 2 is never 3: the closer one joins, the other does not."""
    matrix = weights(4, (0, 2, 9_000), (1, 3, 8_000), other=-1_000)
    assert joined(matrix, CUT, same=[(0, 1)], never=barred([(2, 3)], 4)) == [0, 0, 0, 3]


def test_two_records_alone_are_told_apart_and_brought_together() -> None:
    close = edges(("a", "b", CUT), ("c", "d", CUT))
    assert groups(cluster(pl.concat([close, said("never", "ab")]), records("abcd"), NO_MODEL)) == {"a", "b", "cd"}
    far = edges(("a", "b", -4_000), kind="splink")
    assert groups(cluster(pl.concat([far, said("same", "ab")]), records("abcd"), NO_MODEL)) == {"ab", "c", "d"}


def test_same_joins_records_that_no_other_edge_connects_and_never_parts_those_that_a_third_ties() -> None:
    chain = edges(("a", "b", 10_000), ("b", "c", 10_000), ("e", "f", 10_000))
    assert groups(cluster(chain, records("abcdef"), NO_MODEL)) == {"abc", "d", "ef"}
    assert groups(cluster(pl.concat([chain, said("same", "ce")]), records("abcdef"), NO_MODEL)) == {"abcef", "d"}
    parted = groups(cluster(pl.concat([chain, said("never", "ac")]), records("abcdef"), NO_MODEL))
    assert parted == {"ab", "c", "d", "ef"}


def test_what_is_same_stays_together_in_a_component_that_is_too_large() -> None:
    strong = edges(*((one, two, 30_000) for one, two in combinations("abcd", 2)))
    found = components(pl.concat([strong, said("same", "bd")]), records("abcd"), NO_MODEL, limit=3)
    assert dict(found.select("record_key", "component").iter_rows()) == {"a": 0, "b": 1, "c": 2, "d": 1}


def keyed(*keys: str) -> pl.DataFrame:
    return pl.DataFrame({"record_key": list(keys)}, schema={"record_key": pl.String})


def of(found: pl.DataFrame) -> set[str]:
    return {" ".join(sorted(keys)) for _, keys in found.group_by("cluster_key").agg("record_key").iter_rows()}


def test_two_records_of_a_source_that_holds_each_person_once_are_two_people() -> None:
    """In a component of two, and in one where a third record ties them; the better one gets it."""
    pairs = edges(("crm:1", "crm:2", 20_000), ("crm:3", "shop:1", 9_000), ("crm:4", "shop:1", 8_000))
    everybody = keyed("crm:1", "crm:2", "crm:3", "crm:4", "shop:1")
    assert of(cluster(pairs, everybody, NO_MODEL)) >= {"crm:1 crm:2"}
    once = cluster(pairs, everybody, NO_MODEL, once=["crm"])
    assert of(once) == {"crm:1", "crm:2", "crm:3 shop:1", "crm:4"}


def test_people_may_say_that_such_a_source_holds_somebody_twice() -> None:
    pairs = pl.concat(
        [
            edges(("crm:1", "shop:1", 9_000), ("crm:2", "shop:1", 9_000), ("crm:3", "shop:1", 9_000)),
            pl.DataFrame([("crm:1", "crm:2", "same", 25_000, None, None, "{}")], schema=EDGE_SCHEMA, orient="row"),
        ]
    )
    found = of(cluster(pairs, keyed("crm:1", "crm:2", "crm:3", "shop:1"), NO_MODEL, once=["crm"]))
    assert found == {"crm:1 crm:2 shop:1", "crm:3"}


def test_a_source_whose_name_begins_like_another_is_another() -> None:
    pairs = edges(("crm:1", "crm_old:1", 9_000))
    assert of(cluster(pairs, keyed("crm:1", "crm_old:1"), NO_MODEL, once=["crm"])) == {"crm:1 crm_old:1"}
