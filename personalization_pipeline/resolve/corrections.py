"""People's word as edges: `same`, which always joins, and `never`, which always parts.

Belongs here: what a line of corrections/links.csv is among the edges. Does not belong here: reading and refusing lines
(foundation.corrections), and following them (cluster).
"""

from __future__ import annotations

import json

import polars as pl

from personalization_pipeline.foundation.corrections import VERDICTS, told
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.resolve.link import EDGE_SCHEMA

SAME, NEVER = VERDICTS
SAID_WEIGHT = 25_000  # millibits, for readers of edges: as much as a pair may count; clusters follow the kind alone
LINKS = {
    "record_key_l": "VARCHAR",
    "record_key_r": "VARCHAR",
    "verdict": "VARCHAR",
    "evidence": "VARCHAR",
}


def links(project: Project) -> pl.DataFrame:
    """What people have said: record_key_l < record_key_r, verdict, evidence (JSON: level, millibits, who, when, why)."""
    rows = [
        (*link.pair, link.verdict, json.dumps({"people": {"level": link.verdict, "millibits": weight} | told(link)}))
        for link in project.links.values()
        for weight in [SAID_WEIGHT if link.verdict == SAME else -SAID_WEIGHT]
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(LINKS, pl.String), orient="row")


def said_edges(corrections: pl.DataFrame) -> pl.DataFrame:
    """Edges of kind `same` and `never` (schema of `score_pairs`), of the rows of `links` that can be followed."""
    weight = pl.when(pl.col("verdict") == SAME).then(SAID_WEIGHT).otherwise(-SAID_WEIGHT)
    edges = corrections.select("record_key_l", "record_key_r", kind="verdict", weight=weight, said="evidence")
    return edges.select(
        pl.col(name).cast(kind) if name in edges.columns else pl.lit(None, kind).alias(name)
        for name, kind in EDGE_SCHEMA.items()
    )
