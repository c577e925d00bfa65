"""Measures of groups against published and hand-counted examples; demo/test_truth.py counts every pair and record anew."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.foundation.group_score import GroupScore, score_groups


def score(true: str, found: str) -> GroupScore:
    """Of each record the one-letter names of its true and its found group."""
    return score_groups(pl.DataFrame({"true": list(true), "found": list(found)}))


def test_bcubed_gives_what_its_authors_published() -> None:
    """Bagga and Baldwin 1998: twelve mentions of three entities; two answers that join two entities each."""
    small_with_large = score("aaaaabbccccc", "xxxxxyyyyyyy")
    large_with_large = score("aaaaabbccccc", "xxxxxyyxxxxx")
    assert small_with_large.bcubed_precision == pytest.approx(16 / 21)
    assert large_with_large.bcubed_precision == pytest.approx(7 / 12)
    assert small_with_large.bcubed_recall == large_with_large.bcubed_recall == 1


def test_exact_entities_over_merged_records_and_the_largest_cluster_are_those_counted_by_hand() -> None:
    """True: aa, bbb, c, d. Found: aa right; two of bbb with c; the third alone; d right."""
    found = score("aabbbcd", "1122324")
    assert found.record_count == 7
    assert found.person_count == 4
    assert found.exact_entity_share == pytest.approx(2 / 4)  # aa and d
    assert found.exact_multi_record_entity_share == pytest.approx(1 / 2)  # aa of aa and bbb
    assert found.over_merged_record_share == pytest.approx(3 / 7)
    assert found.largest_cluster == 3
    assert found.pair_precision == pytest.approx(2 / 4)  # 11 and bb of 11, bb, bc, bc
    assert found.pair_recall == pytest.approx(2 / 4)  # 11 and bb of 11, bb, bb, bb


def test_nothing_is_scored_as_nothing_wrong() -> None:
    nothing = score_groups(pl.DataFrame(schema={"true": pl.String, "found": pl.String}))
    assert (nothing.pair_f1, nothing.bcubed_f1, nothing.exact_entity_share) == (1, 1, 1)
    assert (nothing.over_merged_record_share, nothing.largest_cluster) == (0, 0)


labels = st.lists(st.sampled_from("abcd"), min_size=1, max_size=20).map("".join)


@given(labels)
def test_the_truth_itself_scores_one(true: str) -> None:
    perfect = score(true, true.translate(str.maketrans("abcd", "wxyz")))
    assert (perfect.pair_f1, perfect.bcubed_f1, perfect.exact_entity_share) == (1, 1, 1)
    assert (perfect.exact_multi_record_entity_share, perfect.over_merged_record_share) == (1, 0)


@given(labels)
def test_records_left_alone_are_never_wrong_and_records_all_together_never_missed(true: str) -> None:
    alone = score_groups(pl.DataFrame({"true": list(true), "found": [str(n) for n in range(len(true))]}))
    together = score(true, "x" * len(true))
    assert alone.bcubed_precision == alone.pair_precision == 1
    assert together.bcubed_recall == together.pair_recall == 1
    assert alone.bcubed_recall == pytest.approx(len(set(true)) / len(true))
    assert together.largest_cluster == len(true)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("wxyz")), min_size=1, max_size=20))
def test_bcubed_lies_between_one_record_of_all_and_one_and_swaps_with_its_arguments(
    pairs: list[tuple[str, str]],
) -> None:
    true, found = ("".join(names) for names in zip(*pairs, strict=True))
    there, back = score(true, found), score(found, true)
    assert 1 / len(pairs) <= there.bcubed_precision <= 1 + 1e-9
    assert there.bcubed_precision == pytest.approx(back.bcubed_recall)
    assert there.pair_precision == pytest.approx(back.pair_recall)
