"""The truth beside a demo world, and scores of found people against it and of the simplest rival: the exact e-mail address.

Belongs here: what is written into truth/, and whose groups are scored. Does not belong here: what is true (see world),
the measures (foundation.group_score) and those of anything else than identity (evaluation).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from personalization_pipeline.foundation.errors import LookAtTheData
from personalization_pipeline.foundation.exports import put_csv, put_parquet
from personalization_pipeline.foundation.group_score import GroupScore, score_groups
from personalization_pipeline.foundation.warehouse import Connection
from personalization_pipeline.foundation.writes import Kind, make_folder, write_text

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


def score_people(found: pl.DataFrame, truth: pl.DataFrame) -> GroupScore:
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
    return score_groups(records.with_columns(found=pl.coalesce("found", alone)))


def email_baseline(records: pl.DataFrame, truth: pl.DataFrame) -> GroupScore:
    """What exact e-mail matching reaches: records (record_key, email) of one address, trimmed, in small letters, are one.

    One row per record; a record without an address counts as a person of its own.
    """
    address = pl.col("email").str.strip_chars().str.to_lowercase()
    found = records.select("record_key", person_id=pl.when(address != "").then(address))
    return score_people(found, truth)


def _refuse_twice(frame: pl.DataFrame, name: str) -> None:
    repeated = frame.height - frame["record_key"].n_unique()
    if repeated:
        raise LookAtTheData(f"{repeated} rows of {name} repeat a record_key", fix="give one row per record")
