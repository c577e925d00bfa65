"""How well found groups of things fit the true ones: people found among records, households found among people.

Belongs here: measures over two namings of the same things. Does not belong here: whose groups they are.
Pairs are counted from the sizes of the groups and of their overlaps, never listed, so a group may be of any size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class GroupScore:
    """How well records were put together; all shares lie in 0..1, and 0 of 0 counts as 1 (nothing was done wrong).

    Pairs are unordered pairs of records of one person. B-cubed averages, over records, the share of right ones in the
    found cluster (precision) and of the person's records that are in it (recall): Bagga and Baldwin 1998. Over-merged
    is a record whose cluster holds records of two people or more; an exact entity is a true person whose records are
    one found cluster, no more and no less; a multi-record entity is a true person with two records or more.
    """

    record_count: int
    person_count: int  # true
    pair_precision: float
    pair_recall: float
    pair_f1: float
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    over_merged_record_share: float
    exact_entity_share: float
    exact_multi_record_entity_share: float
    largest_cluster: int  # records


def score_groups(records: pl.DataFrame) -> GroupScore:
    """The score of rows (true, found): of each record the name of its true and of its found group, never null."""
    overlaps = (
        records.group_by("true", "found")
        .agg(size=pl.len().cast(pl.Int64))
        .with_columns(
            true_size=pl.col("size").sum().over("true"),
            found_size=pl.col("size").sum().over("found"),
            people_in_found=pl.len().over("found"),
        )
    )
    size, true_size, found_size = overlaps["size"], overlaps["true_size"], overlaps["found_size"]
    shared_pairs = _pairs(size)
    precision = _share(shared_pairs, _pairs(overlaps.unique("found")["found_size"]))
    recall = _share(shared_pairs, _pairs(overlaps.unique("true")["true_size"]))
    # fsum is exact, so the order in which the groups come does not matter
    bcubed_precision = _share(math.fsum(size * size / found_size), records.height)
    bcubed_recall = _share(math.fsum(size * size / true_size), records.height)
    people, several = overlaps["true"].n_unique(), overlaps.filter(true_size > 1)["true"].n_unique()
    is_exact = (size == true_size) & (size == found_size)
    return GroupScore(
        record_count=records.height,
        person_count=people,
        pair_precision=precision,
        pair_recall=recall,
        pair_f1=_harmonic(precision, recall),
        bcubed_precision=bcubed_precision,
        bcubed_recall=bcubed_recall,
        bcubed_f1=_harmonic(bcubed_precision, bcubed_recall),
        over_merged_record_share=int(size.filter(overlaps["people_in_found"] > 1).sum()) / max(records.height, 1),
        exact_entity_share=_share(int(is_exact.sum()), people),
        exact_multi_record_entity_share=_share(int((is_exact & (true_size > 1)).sum()), several),
        largest_cluster=int(found_size.max() or 0),  # type: ignore[arg-type]
    )


def _pairs(sizes: pl.Series) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
