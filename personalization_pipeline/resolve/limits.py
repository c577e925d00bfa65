"""What limits.yaml says, as rows that a SELECT can read, and records without what it sets aside.

Belongs here: reading the file, and the tables that follow it over any records. Does not belong here: counting who shares a
value (the SELECT of shared_values), and values that nobody meant, whoever has them (bad_values.yaml).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from personalization_pipeline.foundation.tables import read_table
from personalization_pipeline.foundation.warehouse import frame, put_frame, scratch_connection

SHARING_LIMITS = {"kind": "VARCHAR", "people_limit": "BIGINT", "record_limit": "BIGINT"}
ROLE_MAILBOXES = {"email_local": "VARCHAR", "reason": "VARCHAR"}


@functools.cache
def limits() -> dict[str, Any]:
    """The content of limits.yaml."""
    content: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("limits.yaml").read_text(encoding="utf-8"))
    return content


def sharing_limits() -> pl.DataFrame:
    """One row per kind of value: with how many people and records it may be seen."""
    return pl.DataFrame([{"kind": kind, **limit} for kind, limit in limits()["shared_values"].items()])


def role_mailboxes() -> pl.DataFrame:
    """One row per mailbox of a function: the part before the @, and who reads it."""
    return pl.DataFrame(list(limits()["role_mailboxes"].items()), schema=list(ROLE_MAILBOXES), orient="row")


def compared(standardised: pl.DataFrame) -> pl.DataFrame:
    """Standardised records as a first night compares them: the SELECTs of shared_values and compared_records over them.

    Same rows, order and columns; a value that is set aside is null.
    """
    connection = scratch_connection()
    try:
        for catalog in ("computed", "yesterday"):
            connection.execute(f"ATTACH ':memory:' AS {catalog}")
        put_frame(connection, "computed.main.sharing_limits", sharing_limits(), SHARING_LIMITS)
        put_frame(connection, "computed.main.role_mailboxes", role_mailboxes(), ROLE_MAILBOXES)
        connection.execute("CREATE TABLE tonight AS SELECT CAST(NULL AS TIMESTAMP) AS as_of")
        connection.execute(
            "CREATE TABLE yesterday.main.shared_values (kind VARCHAR, value VARCHAR, since_at TIMESTAMP)"
        )
        nothing = {"contact_digest": pl.lit(0, pl.UInt64), "same_as_key": pl.lit(None, pl.String)}
        lacking = {name: value for name, value in nothing.items() if name not in standardised.columns}
        connection.register("standardised", standardised.with_columns(place=pl.int_range(pl.len()), **lacking))
        for name in ("shared_values", "compared_records"):
            table = read_table(Path(__file__).parent / "tables" / f"{name}.sql", "resolve")
            connection.execute(f"CREATE TABLE {name} AS {table.sql}")
        return frame(connection, "FROM compared_records ORDER BY place").select(standardised.columns)
    finally:
        connection.close()
