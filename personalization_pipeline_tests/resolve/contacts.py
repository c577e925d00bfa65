"""Contacts written down by a test, and how well clusters fit a known truth."""

from __future__ import annotations

from typing import Any

import polars as pl

SCHEMA = {
    "record_key": pl.String,
    "first_name": pl.String,
    "last_name": pl.String,
    "email": pl.String,
    "phone": pl.String,
    "birth_date": pl.Date,
    "street": pl.String,
    "postal_code": pl.String,
    "city": pl.String,
    "country": pl.String,
}


def contacts(*rows: dict[str, Any]) -> pl.DataFrame:
    """Contacts with the given values; what is not given is null, a record_key not given is a, b, c, ..."""
    keyed = [{"record_key": chr(ord("a") + number), **row} for number, row in enumerate(rows)]
    return pl.DataFrame(keyed, schema=SCHEMA)


def pair_precision_and_recall(clusters: pl.DataFrame, truth: pl.DataFrame, person: str) -> tuple[float, float]:
    """Of the pairs of records in one cluster the share that are one person, and of those that are the share found."""
    both = clusters.join(truth, on="record_key")

    def pairs(*columns: str) -> int:
        sizes = both.group_by(*columns).len()["len"].cast(pl.Int64)
        return int((sizes * (sizes - 1)).sum()) // 2

    right = pairs("cluster_key", person)
    return right / max(pairs("cluster_key"), 1), right / max(pairs(person), 1)
