"""People that tests and documentation call by name: each plants one case that the pipeline claims to handle.

Belongs here: reading planted.yaml and putting its people in the place of the first people of a world. Does not belong
here: what others plant in single events (facts/case_people.sql).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml


@cache
def planted() -> tuple[tuple[dict[str, Any], ...], ...]:
    """Households of planted people; each person is a row of values that are not left to chance."""
    content = yaml.safe_load(Path(__file__).with_name("planted.yaml").read_text(encoding="utf-8"))
    return tuple(tuple(household) for household in content)


PLANTED_COUNT = sum(map(len, planted()))
# What a planted person is, where planted.yaml says nothing else: a plain customer of the first brand, known to the CRM.
PLAIN: dict[str, Any] = {
    "kind": "planted",
    "script": "",
    "short_forms": "",
    "native_first_name": "",
    "first_spellings": "",
    "native_last_name": "",
    "last_spellings": "",
    "old_last_name": "",
    "signs_with_initial": False,
    "is_customer": True,
    "is_bot": False,
    "is_seven": False,
    "left_at": None,
    "random_orders": 4,
    "home_brand": "leaf_and_bean",
    "brand_b_share": 0.0,
    "store_share": 0.0,
    "app_share": 0.0,
    "cycle_sku": None,
    "cycle_days": None,
    "uplift": 0.0,
    "campaign_pull": 0.0,
    "campaign_push": 0.0,
    "arm": "none",
    "is_in_crm": True,
    "has_card": False,
    "is_guest_first": False,
    "has_second_account": False,
    "is_in_demographics": False,
    "is_premium_in_store": False,
}


def plant(found: pl.DataFrame) -> pl.DataFrame:
    """The first people of a world with the planted ones in their place, and `persona` = '' for all others.

    A unit that is cut by the last planted person keeps its members as a household of those who are left.
    """
    rows: list[dict[str, Any]] = []
    for household in planted():
        first = len(rows) + 1
        rows += [
            PLAIN | {"person_n": first + place, "unit_n": first, "household_n": first, "role": place} | dict(person)
            for place, person in enumerate(household)
        ]
    schema = found.schema
    given = pl.DataFrame(rows, schema_overrides={"joined_at": pl.Datetime("us")}, infer_schema_length=None)
    drawn = found.slice(0, len(rows)).select(pl.exclude(PLAIN).name.prefix("drawn_"))
    told = {
        name: pl.coalesce(*([name] if name in given.columns else []), *([f"drawn_{name}"] if name not in PLAIN else []))
        for name in schema
    }
    first_rows = pl.concat([given, drawn], how="horizontal").select(
        *(told[name].cast(kind).alias(name) for name, kind in schema.items()), "persona"
    )
    others = found.slice(len(rows)).with_columns(persona=pl.lit(""))
    cut = others["unit_n"] <= len(rows)
    own = pl.when(cut).then(pl.col("person_n")).otherwise
    others = others.with_columns(
        unit_n=own("unit_n"),
        household_n=own("household_n"),
        role=pl.when(cut).then(0).otherwise("role"),
        kind=pl.when(cut).then(pl.lit("single")).otherwise("kind"),
    )
    return pl.concat([first_rows, others])
