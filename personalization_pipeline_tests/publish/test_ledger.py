"""The ledger, against the landed files counted by other means: nothing is lost between a file and an audience."""

from __future__ import annotations

import contextlib
import csv
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import Connection, published_connection, query


@pytest.fixture(scope="module")
def night_files(demo_night: Path) -> Iterator[Connection]:
    with contextlib.closing(published_connection(demo_night / "store" / "current", private=True)) as connection:
        yield connection


def landed(project: Path, source: str, delimiter: str = ",") -> list[dict[str, str]]:
    """All rows of all CSV files of a source, read by Python."""
    rows = []
    for path in sorted((project / "landing" / source).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file, delimiter=delimiter))
    return rows


def landed_count(project: Path, source: str) -> int:
    """How many rows landed: CSV counted by Python, other lines by DuckDB."""
    (folder,) = (project / "landing" / source).parent.glob(source)
    if list(folder.glob("*.csv")):
        return len(landed(project, source))
    return len(duckdb.sql(f"SELECT 1 FROM read_json_objects('{folder}/*', format = 'newline_delimited')").fetchall())


def total(connection: Connection, flow: str, side: str) -> tuple[Any, ...]:
    sql = "SELECT sum(row_count), sum(amount) FROM ledger WHERE flow = ? AND side = ?"
    return query(connection, sql, [flow, side])[0]


def test_every_flow_goes_in_and_comes_out_whole(demo_night: Path, night_files: Connection) -> None:
    rests = query(night_files, "SELECT flow, rest_count, rest_amount FROM ledger_rests ORDER BY flow")
    sources = {f"rows of {source}" for source in load_project(demo_night).sources}
    assert len(sources) > 20
    assert {flow: rest for flow, *rest in rests} == {
        flow: [0, Decimal("0.00")]
        for flow in {
            "order value",
            "order value of people",
            "members of win_back to newsletter",
            "file of win_back to newsletter",
            "people",
            "browsers and apps",
            "records",
            "customers to google_ads",
            "win_back to google_ads",
            "win_back to newsletter",
        }
        | sources
    }


def test_as_many_rows_went_in_as_landed(demo_night: Path, night_files: Connection) -> None:
    counts = {source: landed_count(demo_night, source) for source in load_project(demo_night).sources}
    assert min(counts.values()) > 0
    for side in ("in", "out"):
        assert {source: total(night_files, f"rows of {source}", side)[0] for source in counts} == counts


def shopify_money(rows: list[dict[str, str]]) -> Decimal:
    """What remains of the orders: their lines, less those of cancelled ones, less refunds.

    A cart holds an article once; a line that stands there twice is one that the export repeated.
    """
    rows = list({tuple(row.items()): row for row in rows}.values())
    orders = {row["Name"]: row for row in rows if row["Id"]}
    sold: Counter[str] = Counter()
    for row in rows:
        sold[row["Name"]] += Decimal(row["Lineitem price"]) * int(row["Lineitem quantity"]) - Decimal(
            row["Lineitem discount"]
        )
    kept = {name for name, order in orders.items() if not order["Cancelled at"]}
    return sum((sold[name] - Decimal(orders[name]["Refunded Amount"]) for name in kept), Decimal(0))


def test_the_money_of_the_people_is_the_money_that_landed(demo_night: Path, night_files: Connection) -> None:
    receipts = [Decimal(row["amount"].replace(",", ".")) for row in landed(demo_night, "pos_lines", ";")]
    catalogue = [Decimal(row["amount"]) for row in landed(demo_night, "seven_points")]
    assert min(receipts) < 0 < max(receipts), "what was brought back is a line of its own"
    money = shopify_money(landed(demo_night, "shopify_orders")) + sum(receipts) + sum(catalogue)
    assert total(night_files, "order value", "in")[1] == money
    assert query(night_files, "SELECT sum(amount) FROM order_lines")[0][0] == money
    (shown,) = query(night_files, "SELECT sum(order_value_amount) FROM profiles")[0]
    assert shown == total(night_files, "order value of people", "in")[1]


def test_every_record_is_of_exactly_one_person(demo_night: Path, night_files: Connection) -> None:
    with (demo_night / "truth" / "records.csv").open(encoding="utf-8", newline="") as file:
        records = {row["record_key"] for row in csv.DictReader(file)}
    assert total(night_files, "records", "in")[0] == len(records)
    assert total(night_files, "records", "out")[0] == len(records)
    assert {key for (key,) in query(night_files, "SELECT record_key FROM records")} == records


def test_everybody_who_qualified_has_one_outcome(night_files: Connection) -> None:
    outcomes = "SELECT reason, row_count FROM ledger WHERE flow = 'win_back to newsletter' AND side = 'out'"
    counted = dict(query(night_files, outcomes))
    members = query(night_files, "SELECT count(*) FROM audience_members WHERE destination = 'newsletter'")[0][0]
    assert counted["delivered"] == members > 0
    assert sum(counted.values()) == total(night_files, "win_back to newsletter", "in")[0]
