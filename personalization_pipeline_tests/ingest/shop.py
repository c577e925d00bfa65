"""A shop of two sources and a handful of rows, for tests of what may be wrong with a landed file.

Belongs here: the project's text, landing files, and building phase ingest alone. The rows stand in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from personalization_pipeline.foundation.building import Building, build
from personalization_pipeline.foundation.clock import read_as_of
from personalization_pipeline.foundation.opening import open_night
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import put_frame, query
from personalization_pipeline.starting import start_project

AS_OF = "2026-07-01T02:00:00Z"

CUSTOMERS = """\
description: Customers, as they are changed
owner: team:crm
party: first
legal_basis: contract
files: customers/*
columns: {id: required, name: optional, email: optional, born: optional, newsletter: optional, changed: required}
rows_are: contacts
maps:
  contacts:
    record_id: id
    last_name: name
    email: email
    birth_date: day_of(born, '%d.%m.%Y')
    updated_at: utc(changed, '%Y-%m-%d')
  consents:
    record_id: id
    address_email: email
    purpose: "'marketing'"
    channel: "'email'"
    status: case newsletter when 'yes' then 'granted' when 'no' then 'refused' end
    decided_at: utc(changed, '%Y-%m-%d')
"""

ORDERS = """\
description: Order lines of the till
owner: team:shop
party: first
legal_basis: contract
files: orders/*
columns: {order: required, line: required, customer: required, sku: optional, amount: required, sold: required, kind: optional}
rows_are: order_lines
maps:
  order_lines:
    order_id: order
    line_id: line
    product_id: sku
    amount: money(amount)
    line_kind: kind
    occurred_at: utc(sold, '%Y-%m-%d')
  orders:
    order_id: order
    record_id: customer
    ordered_at: utc(sold, '%Y-%m-%d')
"""

CUSTOMERS_CSV = """\
id,name,email,born,newsletter,changed
1,Kelley,kelley@example.org,01.02.1990,yes,2026-06-01
2,Novak,novak@example.org,,no,2026-06-02
"""
ORDERS_CSV = """\
order,line,customer,sku,amount,sold,kind
A,1,1,tea,10.00,2026-06-03,sale
A,2,1,pot,25.50,2026-06-03,sale
B,1,2,tea,4.50,2026-06-04,sale
"""
GOOD = {"customers/june.csv": CUSTOMERS_CSV, "orders/june.csv": ORDERS_CSV}


def make_shop(folder: Path, landed: Mapping[str, str | bytes] = GOOD, **sources: str) -> Path:
    """A project with the sources `customers` and `orders`, unless `sources` says otherwise, and what has landed."""
    start_project(folder)
    audience = folder / "audiences" / "newsletter.yaml"
    # The holdout's salt differs from project to project.
    audience.write_text(audience.read_text(encoding="utf-8") + "use_holdout: false\n", encoding="utf-8")
    declare(folder, **{"customers": CUSTOMERS, "orders": ORDERS, **sources})
    land(folder, landed)
    return folder


def declare(project: Path, **sources: str) -> None:
    """Write source files."""
    for name, text in sources.items():
        (project / "sources" / f"{name}.yaml").write_text(text, encoding="utf-8")


def land(project: Path, files: Mapping[str, str | bytes]) -> None:
    """Put files below landing/."""
    for place, content in files.items():
        path = project / "landing" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def ingested(
    project: Path, as_of: str = AS_OF, yesterday: Mapping[str, pl.DataFrame] | None = None
) -> Iterator[Building]:
    """Phase ingest of one night, not committed: tables `files`, `set_aside` and `rejects` and the relations facts.<entity>.

    `yesterday` are rows that stand for last night's tables.
    """
    loaded = load_project(project)
    moment = read_as_of(as_of, loaded.zone, loaded.settings.schedule_hour)
    building = open_night(loaded, catalogue(loaded), moment)
    try:
        for name, remembered in (yesterday or {}).items():
            put_frame(building.connection, f"run.main.last_{name}", remembered)
            columns = building.catalogue.tables[name].memory
            given = ", ".join(
                f"CAST({c if c in remembered.columns else 'NULL'} AS {k}) AS {c}" for c, k in columns.items()
            )
            building.connection.execute(
                f"CREATE OR REPLACE VIEW yesterday.main.{name} AS SELECT {given} FROM run.main.last_{name}"
            )
        for table in ("files", "set_aside", "rejects"):
            build(building, table)
        yield building
    finally:
        building.connection.close()


def rows(building: Building, sql: str) -> list[tuple[Any, ...]]:
    """What a SELECT over the night says; `facts.orders` is written so."""
    return query(building.connection, sql.replace("facts.", "facts.main."))


def fates(building: Building) -> dict[str, tuple[int, ...]]:
    """Per landed file: rows, and of these kept, rejected, duplicate, superseded, not_yet."""
    counts = "row_count, kept_count, rejected_count, duplicate_count, superseded_count, not_yet_count"
    return {
        str(path): tuple(found) for path, *found in rows(building, f"SELECT path, {counts} FROM files ORDER BY path")
    }
