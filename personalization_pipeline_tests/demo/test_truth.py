"""Identity scores: published and hand-counted examples, and an independent count of every pair."""

from __future__ import annotations

from itertools import combinations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalization_pipeline.demo.truth import email_baseline, score_people
from personalization_pipeline.foundation.errors import LookAtTheData


def frames(found: dict[str, str | None], truth: dict[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    return (
        pl.DataFrame(
            {"record_key": list(found), "person_id": list(found.values())}, schema_overrides={"person_id": pl.String}
        ),
        pl.DataFrame({"record_key": list(truth), "true_person_id": list(truth.values())}),
    )


def test_a_perfect_answer_scores_one_everywhere() -> None:
    truth = {"a": "1", "b": "1", "c": "2"}
    score = score_people(*frames({"a": "x", "b": "x", "c": "y"}, truth))
    assert (score.pair_precision, score.pair_recall, score.bcubed_f1, score.exact_entity_share) == (1, 1, 1, 1)
    assert score.over_merged_record_share == 0
    assert (score.record_count, score.person_count) == (3, 2)


def test_the_shares_are_those_counted_by_hand() -> None:
    """True people: abc and de. Found: ab and cde. Pairs found 1+3=4, right ab and de = 2, true 3+1=4."""
    truth = {"a": "1", "b": "1", "c": "1", "d": "2", "e": "2"}
    score = score_people(*frames({"a": "x", "b": "x", "c": "y", "d": "y", "e": "y"}, truth))
    assert score.pair_precision == pytest.approx(2 / 4)
    assert score.pair_recall == pytest.approx(2 / 4)
    assert score.bcubed_precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)
    assert score.bcubed_recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert score.over_merged_record_share == pytest.approx(3 / 5)
    assert score.bcubed_f1 == pytest.approx(11 / 15)
    assert score.pair_f1 == pytest.approx(1 / 2)
    assert score.exact_entity_share == 0


def test_a_record_that_was_not_found_is_a_person_of_its_own() -> None:
    truth = {"a": "1", "b": "1", "c": "2"}
    missing = score_people(*frames({"a": "x"}, truth))
    unnamed = score_people(*frames({"a": "x", "b": None, "c": None}, truth))
    alone = score_people(*frames({"a": "x", "b": "y", "c": "z"}, truth))
    assert missing == unnamed == alone
    assert (missing.pair_precision, missing.pair_recall) == (1, 0)


def test_a_record_that_the_truth_does_not_know_is_refused() -> None:
    with pytest.raises(LookAtTheData, match="1 found records are not in the truth"):
        score_people(*frames({"a": "x", "z": "x"}, {"a": "1"}))


def test_a_record_that_stands_twice_is_refused() -> None:
    found, truth = frames({"a": "x"}, {"a": "1"})
    with pytest.raises(LookAtTheData, match="1 rows of found repeat"):
        score_people(pl.concat([found, found]), truth)


def test_a_million_records_in_one_cluster_are_scored_without_listing_pairs() -> None:
    keys = [f"r{number}" for number in range(1_000_000)]
    truth = pl.DataFrame({"record_key": keys, "true_person_id": [str(number // 2) for number in range(1_000_000)]})
    found = pl.DataFrame({"record_key": keys, "person_id": ["one"] * 1_000_000})
    score = score_people(found, truth)
    assert score.pair_recall == 1
    assert score.pair_precision == pytest.approx(500_000 / (1_000_000 * 999_999 / 2))
    assert score.bcubed_precision == pytest.approx(2 / 1_000_000)


names = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=14)


@settings(max_examples=150, deadline=None)
@given(names)
def test_every_share_equals_an_enumeration_of_all_pairs_and_records(labels: list[tuple[int, int]]) -> None:
    found = {f"r{number}": f"p{label}" for number, (label, _) in enumerate(labels)}
    truth = {f"r{number}": f"t{label}" for number, (_, label) in enumerate(labels)}
    score = score_people(*frames(dict(found), truth))
    pairs = list(combinations(found, 2))
    together = {pair for pair in pairs if found[pair[0]] == found[pair[1]]}
    belonging = {pair for pair in pairs if truth[pair[0]] == truth[pair[1]]}
    assert score.pair_precision == pytest.approx(len(together & belonging) / len(together) if together else 1)
    assert score.pair_recall == pytest.approx(len(together & belonging) / len(belonging) if belonging else 1)
    clusters = {key: {other for other in found if found[other] == found[key]} for key in found}
    people = {key: {other for other in truth if truth[other] == truth[key]} for key in truth}
    count = len(found)
    precisions = [len(clusters[key] & people[key]) / len(clusters[key]) for key in found]
    recalls = [len(clusters[key] & people[key]) / len(people[key]) for key in found]
    assert score.bcubed_precision == pytest.approx(sum(precisions) / count)
    assert score.bcubed_recall == pytest.approx(sum(recalls) / count)
    assert score.over_merged_record_share == pytest.approx(sum(share < 1 for share in precisions) / count)
    exact = {truth[key] for key in truth if clusters[key] == people[key]}
    assert score.exact_entity_share == pytest.approx(len(exact) / len(set(truth.values())))


def test_the_email_baseline_trims_and_ignores_case_and_leaves_blanks_alone() -> None:
    records = pl.DataFrame(
        {
            "record_key": ["a", "b", "c", "d", "e"],
            "email": ["X@mail.example", " x@mail.example ", "", None, "y@mail.example"],
        }
    )
    truth = pl.DataFrame({"record_key": ["a", "b", "c", "d", "e"], "true_person_id": ["1", "1", "2", "2", "1"]})
    score = email_baseline(records, truth)
    assert score.pair_precision == 1  # a and b only; the two blanks are not one address
    assert score.pair_recall == pytest.approx(1 / 4)  # of ab, ae, be, cd
