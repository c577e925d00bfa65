"""Known truth about real records, met without looking at it."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from personalization_pipeline.resolve.cluster import cluster
from personalization_pipeline.resolve.identity_model import train
from personalization_pipeline.resolve.link import exact_key_edges, score_pairs
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline_tests.resolve.contacts import SCHEMA, pair_precision_and_recall


def test_fake_1000_is_resolved_without_tuning_to_its_labels(shared_data: Path) -> None:
    raw = pl.read_parquet(shared_data / "identity" / "fake_1000.parquet").rename(
        {"record_id": "record_key", "surname": "last_name"}
    )
    day = pl.col("dob").str.to_date("%Y-%m-%d", strict=False).alias("birth_date")
    known = raw.with_columns(day).select(pl.col(column) for column in SCHEMA if column in {*raw.columns, "birth_date"})
    records = standardise(pl.concat([pl.DataFrame(schema=SCHEMA), known], how="diagonal"))
    artefact = train(records, seed=1)
    edges = pl.concat([exact_key_edges(records), score_pairs(records, None, artefact)])
    found = cluster(edges, records, artefact)
    precision, recall = pair_precision_and_recall(found, raw.select("record_key", "true_id"), "true_id")
    assert precision >= 0.98
    assert 2 * precision * recall / (precision + recall) >= 0.88
