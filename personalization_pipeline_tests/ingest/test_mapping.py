"""What a source's file may say about its columns, and how a mistake in it is told; the functions that a mapping may call."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.foundation.errors import FixTheFile
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import Connection, literal, query, scratch_connection
from personalization_pipeline.ingest.mapping import check_sources, mapped_columns
from personalization_pipeline_tests.ingest.conftest import HEADER, Read, source
from personalization_pipeline_tests.ingest.shop import CUSTOMERS, ORDERS, make_shop


@pytest.fixture(scope="module")
def engine() -> Iterator[Connection]:
    connection = scratch_connection(threads=1)
    yield connection
    connection.close()


def value(engine: Connection, expression: str) -> object:
    return query(engine, f"SELECT {expression}")[0][0]


def refusal(folder: Path, **sources: str) -> FixTheFile:
    """What checking a shop with these sources says."""
    with pytest.raises(FixTheFile) as raised:
        check_sources(load_project(make_shop(folder / "shop", {}, **sources)))
    return raised.value


def test_the_sources_of_the_shop_are_good(tmp_path: Path) -> None:
    check_sources(load_project(make_shop(tmp_path / "shop", {})))


def test_a_mapping_that_reads_an_unknown_column_names_the_file_the_word_and_the_nearest_name(tmp_path: Path) -> None:
    said = refusal(tmp_path, orders=ORDERS.replace("money(amount)", "money(amuont)"))
    assert said.where == str(tmp_path / "shop" / "sources" / "orders.yaml")
    assert said.problem == "the expression 'money(amuont)' reads 'amuont', which `columns` does not declare"
    assert said.fix == "did you mean amount?"


@pytest.mark.parametrize(
    ("written", "instead", "problem", "fix"),
    [
        ("line_kind: kind", "line_knd: kind", "order_lines has no column 'line_knd'", "did you mean line_kind"),
        ("  orders:\n", "  order:\n", "unknown entity 'order'", "did you mean orders"),
        ("rows_are: order_lines", "rows_are: order_line", "rows_are names 'order_line'", "did you mean order_lines"),
        ("rows_are: order_lines", "rows_are: orders", "maps order_lines, but its rows are", "`rows_are: order_lines`"),
        ("    amount: money(amount)\n", "", "order_lines is mapped without amount", "it is required"),
        (
            "line_kind: kind",
            "line_kind: \"'sold'\"",
            "unknown line_kind 'sold'",
            "did you mean sale?",
        ),
        ("money(amount)", "mony(amount)", "uses 'mony'", "money"),
        ("money(amount)", "money()", "order_lines.amount: Binder Error: Macro money()", "always text"),
        ("money(amount)", "amount * 2", "order_lines.amount: Binder Error: No function matches", "always text"),
        ("money(amount)", "money(amount", "cannot read the expression 'money(amount'", "one SQL expression"),
        ("money(amount)", "amount; kind", "cannot read the expression 'amount; kind'", "one SQL expression"),
        (
            "'%Y-%m-%d')\n  orders",
            "'%Y-%Q')\n  orders",
            "order_lines.occurred_at: Invalid Input Error: Failed to parse format",
            "",
        ),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_before_any_file_is_read(
    tmp_path: Path, written: str, instead: str, problem: str, fix: str
) -> None:
    assert written in ORDERS
    said = refusal(tmp_path, orders=ORDERS.replace(written, instead, 1))
    assert str(said.where).endswith("sources/orders.yaml")
    assert problem in said.problem
    assert fix in said.fix


@pytest.mark.parametrize(
    "expression",
    [
        "(SELECT max(sku) FROM facts.orders)",
        "sku IN (SELECT 1)",
        "read_text('/etc/passwd')",
        "getenv('HOME')",
        "sum(amount)",
        "row_number() OVER ()",
        "*",
        "COLUMNS(*)",
        "now()",
        "current_date",
        "random()",
        "uuid()",
        "hash(sku)",
    ],
)
def test_a_mapping_sees_one_row_of_one_file_and_nothing_else(tmp_path: Path, expression: str) -> None:
    said = refusal(tmp_path, orders=ORDERS.replace("product_id: sku", f'product_id: "{expression}"'))
    assert str(said.where).endswith("sources/orders.yaml")


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("format", "{encoding: klingon}", "no encoding is named 'klingon'"),
        ("format", "{encoding: base64}", "no encoding is named 'base64'"),
        ("format", "{delimiter: '||'}", "write one character in quotes"),
        ("format", "{quote: '\u201e'}", "write one character in quotes"),
        ("files", "../elsewhere/*.csv", "name files below the landing folder"),
        ("files", "/tmp/*.csv", "name files below the landing folder"),
        ("files", "''", "name files below the landing folder"),
        ("columns", "{}", "at least 1 item"),
        ("columns", "{id: needed}", "'required' or 'optional'"),
        ("delivers", "everything", "'changes' or 'full'"),
        ("delivrs", "full", "unknown key 'delivrs'"),
    ],
)
def test_a_source_file_with_an_impossible_value_is_refused_by_name(
    tmp_path: Path, key: str, text: str, words: str
) -> None:
    lines = [line for line in CUSTOMERS.splitlines() if not line.startswith(f"{key}:")]
    said = refusal(tmp_path, customers="\n".join([*lines, f"{key}: {text}"]))
    assert str(said.where).endswith("sources/customers.yaml")
    assert words in said.problem
    assert key in said.problem


def test_what_fails_on_a_cell_makes_no_value_and_never_an_error(read: Read) -> None:
    declared = source(ORDERS.replace("product_id: sku", "product_id: strptime(sku, '%Y')::DATE"))
    summary, facts = read(HEADER + "A,1,1,2026,1,2026-06-03,\nA,2,1,tea,1,2026-06-03,\n", declared)
    assert summary.rejected_count == 0
    assert facts.of("order_lines", "product_id") == [("2026-01-01",), (None,)]


def test_a_dotted_name_is_one_column(tmp_path: Path) -> None:
    columns = mapped_columns(
        "app",
        source(
            CUSTOMERS,
            columns={"user.mail.work": "optional", "id": "required"},
            maps={"contacts": {"record_id": "id", "email": "lower(user.mail.work)"}},
        ),
        tmp_path / "app.yaml",
    )
    assert {column.name: column.reads for column in columns} == {"record_key": ("id",), "email": ("user.mail.work",)}


def test_a_consent_is_about_the_address_that_its_mapping_names(tmp_path: Path) -> None:
    word = {
        "record_id": "id",
        "purpose": "'marketing'",
        "channel": "'email'",
        "status": "'granted'",
        "decided_at": "changed",
    }
    by = {
        "email": {**word, "address_email": "email"},
        "phone": {**word, "address_phone": "name"},
        "record": word,
    }
    for kind, mapping in by.items():
        declared = source(CUSTOMERS, rows_are="consents", maps={"consents": mapping})
        columns = {column.name: column for column in mapped_columns("app", declared, tmp_path)}
        assert f"'{kind}'" in columns["address_kind"].sql
        assert columns["address"].reads == {"email": ("email",), "phone": ("name",), "record": ("id",)}[kind]


def test_three_formats_of_one_day_are_one_day(engine: Connection) -> None:
    formats = "'%d.%m.%Y', '%Y-%m-%d', '%m/%d/%Y'"
    for text in ("03.06.2026", "2026-06-03", "06/03/2026", " 2026-06-03 "):
        assert value(engine, f"day_of('{text}', {formats})") == datetime.date(2026, 6, 3)
    for text in ("31.02.2026", "2026-13-01", "3 June", ""):
        assert value(engine, f"day_of('{text}', {formats})") is None


def test_a_local_time_is_read_in_its_zone_and_kept_in_utc(engine: Connection) -> None:
    read_as = "'%Y-%m-%d %H:%M', 'Europe/Berlin'"
    assert value(engine, f"utc('2026-06-03 08:00', {read_as})") == datetime.datetime(2026, 6, 3, 6)
    assert value(engine, f"utc('2026-12-03 08:00', {read_as})") == datetime.datetime(2026, 12, 3, 7)
    assert value(engine, "utc('2026-06-03 08:00 +0530', '%Y-%m-%d %H:%M %z')") == datetime.datetime(2026, 6, 3, 2, 30)


@pytest.mark.parametrize(
    ("text", "with_point", "with_comma"),
    [
        ("12.50", "12.50", None),
        ("12,50", None, "12.50"),
        ("1,234.50", "1234.50", None),
        ("1.234,50", None, "1234.50"),
        (" -7 ", "-7.00", "-7.00"),
        ("1,234", "1234.00", "1.23"),
        ("12 EUR", None, None),
        ("", None, None),
        ("1,23,4", None, None),
        ("99999999999999999", None, None),
    ],
)
def test_money_is_read_by_its_decimal_mark_or_not_at_all(
    engine: Connection, text: str, with_point: str | None, with_comma: str | None
) -> None:
    as_decimal = [None if found is None else Decimal(found) for found in (with_point, with_comma)]
    assert [value(engine, f"money('{text}')"), value(engine, f"money('{text}', ',')")] == as_decimal


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2))
def test_every_amount_comes_back_as_it_was_written(engine: Connection, amount: Decimal) -> None:
    swapped = f"{amount:,.2f}".translate(str.maketrans(".,", ",."))
    assert value(engine, f"money({literal(f'{amount:,.2f}')})") == amount
    assert value(engine, f"money({literal(swapped)}, ',')") == amount
