"""Which record speaks for a person, as rows that the SELECT of people_fields reads.

Belongs here: survivorship.yaml, and which sources a project puts first. Does not belong here: choosing (people_fields).
"""

from __future__ import annotations

import functools
from pathlib import Path

import polars as pl
import yaml

from personalization_pipeline.foundation.building import Building

FIELD_RULES = {"field": "VARCHAR", "rule": "VARCHAR"}
SOURCE_RANKS = {"field": "VARCHAR", "source": "VARCHAR", "place": "BIGINT"}


@functools.cache
def rules() -> dict[str, str]:
    """Field of the golden record -> its rule."""
    content: dict[str, str] = yaml.safe_load(Path(__file__).with_name("survivorship.yaml").read_text(encoding="utf-8"))
    return content


def field_rules(_: Building) -> pl.DataFrame:
    """One row per field of the golden record, with its rule."""
    return pl.DataFrame(list(rules().items()), schema=list(FIELD_RULES), orient="row")


def source_ranks(building: Building) -> pl.DataFrame:
    """One row per field and source that the project puts before all others, with its place from 1."""
    rows = [
        (field, source, place)
        for field, sources in building.project.settings.survivorship.items()
        for place, source in enumerate(sources, start=1)
    ]
    return pl.DataFrame(rows, schema={"field": pl.String, "source": pl.String, "place": pl.Int64}, orient="row")
