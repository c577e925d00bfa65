"""The truth beside a demo world, and scores of found people against it and of the simplest rival: the exact e-mail address.

Belongs here: what is written into truth/, and measures of identity resolution. Does not belong here: what is true (see
world) and measures of anything else (evaluation).
Pairs are counted from the sizes of the groups and of their overlaps, never listed, so a cluster may be of any size.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from personalization_pipeline.foundation.errors import LookAtTheData
from personalization_pipeline.foundation.warehouse import Connection, put_csv, put_parquet
from personalization_pipeline.foundation.writes import Kind, make_folder, write_text


@dataclass(frozen=True)
class IdentityScore:
    """How well records were put together; all shares lie in 0..1, and 0 of 0 counts as 1 (nothing was done wrong).

    Pairs are unordered pairs of records of one person. B-cubed averages, over records, the share of right ones in the
    found cluster (precision) and of the person's records that are in it (recall): Bagga and Baldwin 1998. Over-merged
    is a record whose cluster holds records of two people or more; an exact entity is a true person whose records are
    one found cluster, no more and no less.
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


RECORDS = """
SELECT
    concat(records.source, ':', records.record_id) AS record_key,
    people.person_id AS true_person_id,
    people.household_id,
    records.mistakes,
    greatest(CAST(records.created_at AS DATE) + 1, CAST(closed_at() AS DATE)) AS landed_on
FROM records
JOIN people ON people.person_n = records.person_n
ORDER BY record_key
"""


def write_truth(connection: Connection, folder: Path, hardness: Mapping[str, Any]) -> None:
    """Write the truth of the world that the connection holds: whose each record is, what each person is like, the planted
    cases, and how hard the puzzle is (see demo.hardness).
    """
    make_folder(folder, Kind.PROJECT)
    put_csv(connection, RECORDS, folder / "records.csv")
    put_csv(connection, "SELECT DISTINCT * FROM cases ORDER BY ALL", folder / "cases.csv")
    put_parquet(connection, "SELECT * FROM people ORDER BY person_n", folder / "people.parquet")
    write_text(folder / "hardness.json", json.dumps(hardness, indent=2) + "\n", Kind.PROJECT)


def read_records(folder: Path, as_of: datetime) -> pl.DataFrame:
    """truth/records.csv of the records that had landed by a moment: record_key, true_person_id, household_id, mistakes,
    landed_on (the day of the night that first sees it)."""
    truth = pl.read_csv(folder / "truth" / "records.csv", infer_schema=False)
    return truth.filter(pl.col("landed_on") <= f"{as_of:%Y-%m-%d}")


def score_people(found: pl.DataFrame, truth: pl.DataFrame) -> IdentityScore:
    """Score `found` (record_key, person_id) against `truth` (record_key, true_person_id, ...).

    A record of the truth that was not found, or found without a person, counts as a person of its own. LookAtTheData
    if a record stands twice in either frame or `found` has a record that the truth does not know.
    """
    _refuse_twice(found, "found")
    _refuse_twice(truth, "truth")
    unknown = found.join(truth, on="record_key", how="anti").height
    if unknown:
        raise LookAtTheData(
            f"{unknown} found records are not in the truth", fix="score the landing and the truth of one world"
        )
    alone = pl.concat_str(pl.lit("alone:"), "record_key")
    named = pl.concat_str(pl.lit("person:"), pl.col("person_id").cast(pl.String))
    records = truth.select("record_key", true="true_person_id").join(
        found.select("record_key", found=named), on="record_key", how="left"
    )
    return _score(records.with_columns(found=pl.coalesce("found", alone)))


def email_baseline(records: pl.DataFrame, truth: pl.DataFrame) -> IdentityScore:
    """What exact e-mail matching reaches: records (record_key, email) of one address, trimmed, in small letters, are one.

    One row per record; a record without an address counts as a person of its own.
    """
    address = pl.col("email").str.strip_chars().str.to_lowercase()
    found = records.select("record_key", person_id=pl.when(address != "").then(address))
    return score_people(found, truth)


def _score(records: pl.DataFrame) -> IdentityScore:
    """Scores of rows (record_key, true, found), where both names are always there."""
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
    people = overlaps["true"].n_unique()
    over_merged = int(size.filter(overlaps["people_in_found"] > 1).sum())
    return IdentityScore(
        record_count=records.height,
        person_count=people,
        pair_precision=precision,
        pair_recall=recall,
        pair_f1=_harmonic(precision, recall),
        bcubed_precision=bcubed_precision,
        bcubed_recall=bcubed_recall,
        bcubed_f1=_harmonic(bcubed_precision, bcubed_recall),
        over_merged_record_share=over_merged / max(records.height, 1),
        exact_entity_share=_share(int(((size == true_size) & (size == found_size)).sum()), people),
    )


def _pairs(sizes: pl.Series) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _refuse_twice(frame: pl.DataFrame, name: str) -> None:
    repeated = frame.height - frame["record_key"].n_unique()
    if repeated:
        raise LookAtTheData(f"{repeated} rows of {name} repeat a record_key", fix="give one row per record")
