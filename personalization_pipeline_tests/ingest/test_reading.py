"""One landed file: its rows typed, the refused ones with their reasons, and the counts of both."""

from __future__ import annotations

import re

from personalization_pipeline.foundation.declarations import Source
from personalization_pipeline.ingest.reading import FileSummary, summary_of
from personalization_pipeline_tests.ingest.conftest import HEADER, Read, source
from personalization_pipeline_tests.ingest.shop import CUSTOMERS, CUSTOMERS_CSV, ORDERS, ORDERS_CSV


def test_a_clean_file_gives_the_facts_of_every_entity_it_maps(read: Read) -> None:
    summary, facts = read(ORDERS_CSV)
    assert summary == FileSummary(row_count=3, landed_amount="40.00")
    assert facts.of("order_lines", "line_key, order_key, CAST(amount AS VARCHAR), row_number") == [
        ("till:A/1", "till:A", "10.00", 1),
        ("till:A/2", "till:A", "25.50", 2),
        ("till:B/1", "till:B", "4.50", 3),
    ]
    assert facts.of("orders", "order_key, record_key, row_number") == [("till:A", "till:1", 1), ("till:B", "till:2", 3)]
    assert facts.rejects == []
    assert summary_of(facts.folder) == summary


def test_the_facts_folder_holds_nothing_else(read: Read) -> None:
    _, facts = read(ORDERS_CSV)
    assert {path.name for path in facts.folder.parent.rglob("*")} == {
        "key",
        "file.json",
        "order_lines.parquet",
        "orders.parquet",
        "rejects.parquet",
    }


def test_a_required_value_is_missing_or_unreadable_and_both_are_said(read: Read) -> None:
    content = HEADER + "A,1,1,tea,,2026-06-03,sale\nA, ,1,tea,10 EUR,june,sale\n,,,,,,\n"
    summary, facts = read(content)
    assert facts.rejects == [
        (1, "amount missing"),
        (2, "line_key unreadable, amount unreadable, occurred_at unreadable"),
        (3, "order_key missing, line_key missing, amount missing, occurred_at missing"),
    ]
    assert summary.rejected_count == 3


def test_money_of_refused_rows_is_counted_where_it_can_be_read(read: Read) -> None:
    content = (
        HEADER
        + "A,1,1,tea,10.00,,sale\nA,2,1,tea,-2.50,june,refund\nA,3,1,tea,x,,sale\nA,4,1,tea,99.00,2026-06-03,sale\n"
    )
    assert read(content)[0].rejected_amount == "7.50"


def test_values_that_a_row_can_do_without_are_counted_when_they_cannot_be_read(read: Read) -> None:
    content = CUSTOMERS_CSV.replace("01.02.1990", "1990-02-01") + "3,Roe,roe@example.org,31.02.1990,yes,2026-06-03\n"
    summary, facts = read(content, source(CUSTOMERS))
    assert (summary.row_count, summary.rejected_count, summary.unread) == (3, 0, {"contacts.birth_date": 2})
    assert facts.of("contacts", "birth_date") == [(None,), (None,), (None,)]


def test_a_word_that_nobody_knows_refuses_the_row_and_not_the_night(read: Read) -> None:
    summary, facts = read(ORDERS_CSV.replace("4.50,2026-06-04,sale", "4.50,2026-06-04,gift"))
    assert facts.rejects == [(3, "line_kind unreadable")]
    assert summary.rejected_amount == "4.50"
    assert facts.of("orders", "order_key") == [("till:A",)]


def test_a_consent_that_comes_along_with_an_unknown_word_is_left_out_and_counted(read: Read) -> None:
    declared = source(re.sub("status: .*", "status: newsletter", CUSTOMERS))
    summary, facts = read(CUSTOMERS_CSV.replace("yes", "granted").replace("no,", "maybe,"), declared)
    assert (summary.rejected_count, summary.unread) == (0, {"consents.status": 1})
    assert facts.of("consents", "record_key, status") == [("till:1", "granted")]


DATES = HEADER + "A,1,1,tea,1.00,03.06.2026,sale\nA,2,1,tea,1.00,2026-06-04,sale\nA,3,1,tea,1.00,06/25/2026,sale\n"


def dated(moment: str) -> Source:
    return source(ORDERS.replace("utc(sold, '%Y-%m-%d')", moment))


def test_three_date_formats_in_one_column_are_read_where_they_are_declared(read: Read) -> None:
    summary, facts = read(DATES, dated("day_of(sold, '%d.%m.%Y', '%Y-%m-%d', '%m/%d/%Y')"))
    assert summary == FileSummary(row_count=3, landed_amount="3.00")
    days = facts.of("order_lines", "strftime(occurred_at, '%Y-%m-%d')")
    assert days == [("2026-06-03",), ("2026-06-04",), ("2026-06-25",)]


def test_of_three_date_formats_the_undeclared_two_are_refused_where_the_date_is_required(
    read: Read,
) -> None:
    summary, facts = read(DATES, dated("day_of(sold, '%Y-%m-%d')"))
    assert summary.reasons == {"occurred_at unreadable": 2}
    assert summary.unread == {}
    assert facts.rejects == [(1, "occurred_at unreadable"), (3, "occurred_at unreadable")]


def test_amounts_with_a_decimal_comma_are_read_as_declared_and_never_a_hundredfold(read: Read) -> None:
    content = HEADER.replace(",", ";") + "A;1;1;tea;1.234,50;2026-06-03;sale\nA;2;1;tea;-7,00;2026-06-03;sale\n"
    with_comma = source(ORDERS.replace("money(amount)", "money(amount, ',')"), format={"delimiter": ";"})
    _, facts = read(content, with_comma)
    assert facts.of("order_lines", "CAST(amount AS VARCHAR)") == [("1234.50",), ("-7.00",)]
    summary, _ = read(content, source(format={"delimiter": ";"}))
    assert summary.reasons == {"amount unreadable": 2}


def test_little_memory_makes_a_file_slower_and_not_other(read: Read) -> None:
    content = HEADER + "".join(f"A,{i},{i % 7},tea,{i}.00,2026-06-03,sale\n" for i in range(200_000))
    summary, facts = read(content, memory="60MB")
    assert summary == FileSummary(row_count=200_000, landed_amount="19999900000.00")
    assert facts.of("order_lines", "CAST(sum(amount) AS VARCHAR), min(row_number) AS row_number") == [
        ("19999900000.00", 1)
    ]
