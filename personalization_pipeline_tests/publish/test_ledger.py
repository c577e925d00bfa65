"""The ledger, against the landed files counted by other means: nothing is lost between a file and an audience."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from personalization_pipeline.foundation.warehouse import Connection, published_connection, query


@pytest.fixture(scope="module")
def night_files(demo_night: Path) -> Iterator[Connection]:
    with contextlib.closing(published_connection(demo_night / "store" / "current", private=True)) as connection:
        yield connection


def landed(project: Path, source: str) -> list[dict[str, str]]:
    """All rows of all files of a source, read by Python."""
    rows = []
    for path in sorted((project / "landing" / source).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file))
    return rows


def total(connection: Connection, flow: str, side: str) -> tuple[Any, ...]:
    sql = "SELECT sum(row_count), sum(amount) FROM ledger WHERE flow = ? AND side = ?"
    return query(connection, sql, [flow, side])[0]


def test_every_flow_goes_in_and_comes_out_whole(night_files: Connection) -> None:
    rests = query(night_files, "SELECT flow, rest_count, rest_amount FROM ledger_rests ORDER BY flow")
    assert {flow: rest for flow, *rest in rests} == {
        flow: [0, Decimal("0.00")]
        for flow in (
            "order value",
            "order value of people",
            "people",
            "records",
            "rows of crm_customers",
            "rows of web_orders",
            "win_back to google_ads",
            "win_back to newsletter",
        )
    }


@pytest.mark.parametrize("source", ["crm_customers", "web_orders"])
def test_as_many_rows_went_in_as_landed(source: str, demo_night: Path, night_files: Connection) -> None:
    count = len(landed(demo_night, source))
    assert count > 100
    assert total(night_files, f"rows of {source}", "in")[0] == count
    assert total(night_files, f"rows of {source}", "out")[0] == count


def test_the_money_of_the_people_is_the_money_that_landed(demo_night: Path, night_files: Connection) -> None:
    lines = landed(demo_night, "web_orders")
    assert any(Decimal(line["line_total"]) < 0 for line in lines), "refunds are lines of their own"
    money = sum((Decimal(line["line_total"]) for line in lines), Decimal(0))
    assert total(night_files, "order value", "in") == (len(lines), money)
    assert query(night_files, "SELECT sum(amount) FROM order_lines")[0][0] == money
    assert (
        query(night_files, "SELECT sum(order_value_amount) FROM profiles")[0][0]
        == total(night_files, "order value of people", "in")[1]
    )


def test_every_record_is_of_exactly_one_person(demo_night: Path, night_files: Connection) -> None:
    accounts = {("crm_customers", row["id"]) for row in landed(demo_night, "crm_customers")}
    accounts |= {("web_orders", row["customer_id"]) for row in landed(demo_night, "web_orders")}
    assert total(night_files, "records", "in")[0] == len(accounts)
    assert total(night_files, "records", "out")[0] == len(accounts)


def test_everybody_who_qualified_has_one_outcome(night_files: Connection) -> None:
    outcomes = "SELECT reason, row_count FROM ledger WHERE flow = 'win_back to newsletter' AND side = 'out'"
    counted = dict(query(night_files, outcomes))
    members = query(night_files, "SELECT count(*) FROM audience_members WHERE destination = 'newsletter'")[0][0]
    assert counted["delivered"] == members > 0
    assert sum(counted.values()) == total(night_files, "win_back to newsletter", "in")[0]
