"""The files of shops, CRM and tills look like those of real systems: headers, blank cells, quotation marks, nights."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from personalization_pipeline.demo.landing import CLOSED_AT, DIALECTS, FILES, about
from personalization_pipeline.foundation.warehouse import Connection, query

SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,"
    "Total,Discount Code,Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,"
    "Lineitem compare at price,Lineitem sku,Lineitem requires shipping,Lineitem taxable,Lineitem fulfillment status,Billing Name"
)
CUSTOMERS = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Address1,"
    "Default Address Address2,Default Address City,Default Address Province Code,Default Address Country Code,"
    "Default Address Zip,Default Address Phone,Phone,Accepts SMS Marketing,Total Spent,Total Orders,Note,Tax Exempt,Tags"
)
SALESFORCE = "Id,IsDeleted,MasterRecordId,AccountId,LastName,FirstName,Salutation,RecordTypeId,OtherStreet"


def rows(files: list[Path], delimiter: str = ",") -> list[dict[str, str]]:
    found = []
    for path in sorted(files):
        with path.open(encoding="utf-8", newline="") as file:
            found += list(csv.DictReader(file, delimiter=delimiter))
    return found


@pytest.fixture(scope="module")
def orders(written_world: Path) -> list[dict[str, str]]:
    return rows(list((written_world / "landing" / "shopify_orders").glob("*.csv")))


@pytest.mark.parametrize(
    ("source", "header"),
    [("shopify_orders", SHOPIFY), ("shopify_customers", CUSTOMERS), ("salesforce_contacts", SALESFORCE)],
)
def test_headers_are_those_of_the_real_export_in_their_order(source: str, header: str, written_world: Path) -> None:
    for path in (written_world / "landing" / source).iterdir():
        with path.open(encoding="utf-8") as file:
            assert file.readline().replace('"', "").startswith(header)


def test_what_belongs_to_the_order_stands_on_its_first_line_only(orders: list[dict[str, str]]) -> None:
    seen: set[str] = set()
    for row in orders:
        is_first = bool(row["Id"])
        assert is_first == (row["Name"] not in seen) or is_first  # a first line may stand there twice
        assert all(bool(row[column]) == is_first for column in ("Total", "Financial Status", "Billing Name", "Source"))
        assert row["Name"]
        assert row["Created at"]
        seen.add(row["Name"])
    assert len(seen) < len(orders)


def test_some_lines_stand_there_twice_to_the_byte(written_world: Path) -> None:
    count = duckdb.sql(
        "SELECT count(*) - count(DISTINCT line) FROM read_csv("
        f"'{written_world}/landing/shopify_orders/*.csv', columns = {{'line': 'VARCHAR'}}, header = true, delim = '\x01', quote = '')"
    ).fetchall()
    assert 1 <= count[0][0] < 100


def test_telephones_postal_codes_and_ids_have_shopifys_quotation_mark(
    orders: list[dict[str, str]], written_world: Path
) -> None:
    assert all(row["Billing Zip"][:1] in ("", "'") and row["Phone"][:2] in ("", "'+") for row in orders)
    customers = rows(list((written_world / "landing" / "shopify_customers").glob("*.csv")))
    assert all(re.fullmatch(r"'\d{13}", row["Customer ID"]) for row in customers)


def test_totals_are_those_of_the_lines(orders: list[dict[str, str]]) -> None:
    lines: dict[str, dict[str, Decimal]] = {}
    for row in orders:
        amount = Decimal(row["Lineitem price"]) * int(row["Lineitem quantity"]) - Decimal(row["Lineitem discount"])
        lines.setdefault(row["Name"], {})[row["Lineitem sku"]] = amount
    for row in orders:
        if row["Total"]:
            assert Decimal(row["Subtotal"]) == sum(lines[row["Name"]].values())
            assert Decimal(row["Total"]) == Decimal(row["Subtotal"]) + Decimal(row["Shipping"])


def test_refunds_and_cancellations_show_as_shopify_shows_them(orders: list[dict[str, str]]) -> None:
    states = {row["Financial Status"] for row in orders} - {""}
    assert states == {"paid", "voided", "refunded", "partially_refunded"}
    for row in orders:
        if row["Id"]:
            assert bool(row["Cancelled at"]) == (row["Financial Status"] == "voided")
            assert (Decimal(row["Refunded Amount"]) > 0) == (row["Financial Status"] != "paid")


def test_guests_have_no_customer_id_and_others_one_that_the_customer_file_knows(
    orders: list[dict[str, str]], written_world: Path
) -> None:
    known = {row["Customer ID"][1:] for row in rows(list(written_world.glob("*/shopify_customers/*.csv")))}
    named = {row["Note Attributes"].removeprefix("customer_id: ") for row in orders if row["Note Attributes"]}
    assert named <= known
    assert any(row["Id"] and not row["Note Attributes"] for row in orders)


def test_salesforce_quotes_every_cell_and_tells_what_was_merged(written_world: Path) -> None:
    path = next((written_world / "landing" / "salesforce_contacts").iterdir())
    with path.open(encoding="utf-8") as file:
        assert all(line.startswith('"') and line.rstrip("\n").endswith('"') and ",," not in line for line in file)
    contacts = {row["Id"]: row for row in rows([path])}
    merged = [row for row in contacts.values() if row["MasterRecordId"]]
    assert merged
    assert all(row["IsDeleted"] == "1" and row["MasterRecordId"] in contacts for row in merged)
    assert any(row["IsDeleted"] == "1" and not row["MasterRecordId"] for row in contacts.values())
    assert {len(key) for key in contacts} == {18}


def test_tills_write_local_time_and_decimal_commas_and_often_know_no_card(written_world: Path) -> None:
    lines = rows(list((written_world / "landing" / "pos_lines").glob("*.csv")), ";")
    assert all(re.fullmatch(r"-?\d+,\d\d", row["amount"]) for row in lines)
    hours = {int(row["receipt_time"][11:13]) for row in lines if row["kind"] == "S"}
    assert len(hours) > 8
    assert {row["store"][:2] for row in lines} == {"LB", "PP"}
    assert {bool(row["loyalty_id"]) for row in lines} == {True, False}


def test_the_old_shop_tells_seven_things_of_five_years_and_no_name(written_world: Path) -> None:
    lines = rows(list((written_world / "landing" / "seven_points").glob("*.csv")))
    assert set(lines[0]) == {
        *("order_no", "ordered_on", "booked_on", "customer_no", "city", "sex", "line", "article"),
        *("quantity", "amount", "promotion", "paid_by", "status"),
    }
    assert {row["ordered_on"][:4] for row in lines} >= {"2021", "2022", "2023", "2024", "2025", "2026"}
    assert {row["status"] for row in lines} == {"sale", "return", "cancellation"}


def test_each_file_lies_in_the_night_of_its_rows(written_world: Path) -> None:
    for path in (written_world / "landing" / "shopify_orders").iterdir():
        assert {row["Created at"][:7] for row in rows([path])} <= {path.stem}
    nights = sorted(path.name for path in (written_world / "arrivals").iterdir())
    assert nights == ["2026-07-02", "2026-07-03"]
    for night in nights:
        (path,) = (written_world / "arrivals" / night / "shopify_orders").iterdir()
        created = {row["Created at"][:10] for row in rows([path])}
        assert path.stem in created
        assert max(created) == path.stem


def test_an_order_that_changes_later_is_exported_again_whole(made_world: Connection) -> None:
    """Ten days as one night: orders from before it come again with all their lines, because something was taken back."""
    about(made_world, CLOSED_AT, CLOSED_AT + timedelta(days=10))
    select = (FILES / "shopify_orders.sql").read_text(encoding="utf-8")
    again = query(
        made_world,
        'SELECT "Financial Status", count(*) OVER (PARTITION BY "Name") > 1 FROM '
        f'({select}) WHERE "Created at" < \'2026-07-01\' QUALIFY "Financial Status" IS NOT NULL',
    )
    assert again
    assert {state for state, _ in again} <= {"voided", "refunded", "partially_refunded"}
    assert any(has_more for _, has_more in again)


def test_every_source_has_a_landed_file(written_world: Path) -> None:
    assert all(any((written_world / "landing" / dialect.source).iterdir()) for dialect in DIALECTS)
