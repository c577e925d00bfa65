"""Connections, what source mappings may call, and moving rows: the same everywhere, within limits, telling no values."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from personalization_pipeline.foundation.errors import TryAgain
from personalization_pipeline.foundation.exports import put_parquet
from personalization_pipeline.foundation.night import limits_of
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import (
    SCRATCH,
    Connection,
    EngineError,
    Limits,
    building_connection,
    columns_of,
    frame,
    literal,
    packing_nothing,
    put_frame,
    put_table,
    query,
    row,
    scratch_connection,
    without_values,
)
from personalization_pipeline.starting import start_project

SHOPIFY, GERMAN = "'%Y-%m-%dT%H:%M:%S%z'", "'%d.%m.%Y %H:%M'"
HERS = "eva.maier@mail.example"


@pytest.fixture(scope="module")
def engine() -> Iterator[Connection]:
    connection = scratch_connection(threads=2)
    yield connection
    connection.close()


def value(connection: Connection, expression: str) -> object:
    return query(connection, f"SELECT {expression}")[0][0]


@pytest.mark.parametrize(
    ("call", "moment"),
    [
        (f"utc('2026-07-01T00:30:00+02:00', {SHOPIFY})", datetime(2026, 6, 30, 22, 30)),
        (f"utc('2026-07-01T00:30:00-0500', {SHOPIFY})", datetime(2026, 7, 1, 5, 30)),
        (f"utc('2026-07-01T00:30:00+00:00', {SHOPIFY})", datetime(2026, 7, 1, 0, 30)),
        ("utc('2026-07-01 00:30:00 +0530', '%Y-%m-%d %H:%M:%S %z')", datetime(2026, 6, 30, 19, 0)),
        (f"utc('01.07.2026 00:30', {GERMAN})", datetime(2026, 7, 1, 0, 30)),
        (f"utc('01.07.2026 00:30', {GERMAN}, 'Europe/Berlin')", datetime(2026, 6, 30, 22, 30)),
        (f"utc('01.12.2026 00:30', {GERMAN}, 'Europe/Berlin')", datetime(2026, 11, 30, 23, 30)),
        (f"utc('  01.07.2026 00:30 ', {GERMAN})", datetime(2026, 7, 1, 0, 30)),
        # The hour that spring leaves out is read as the hour after it, the hour that autumn has twice as the second.
        (f"utc('29.03.2026 02:30', {GERMAN}, 'Europe/Berlin')", datetime(2026, 3, 29, 1, 30)),
        (f"utc('25.10.2026 02:30', {GERMAN}, 'Europe/Berlin')", datetime(2026, 10, 25, 1, 30)),
        (f"utc('31.02.2026 00:30', {GERMAN})", None),
        (f"utc('yesterday', {GERMAN})", None),
        (f"utc('', {GERMAN}, 'Europe/Berlin')", None),
        (f"utc(NULL, {GERMAN})", None),
    ],
)
def test_a_moment_as_text_becomes_naive_utc(engine: Connection, call: str, moment: datetime | None) -> None:
    assert value(engine, call) == moment
    assert value(engine, f"typeof({call})") == "TIMESTAMP"


@pytest.mark.parametrize(
    ("call", "day"),
    [
        ("day_of('31.12.1999', '%d.%m.%Y')", date(1999, 12, 31)),
        ("day_of('1999-12-31', '%d.%m.%Y', '%Y-%m-%d')", date(1999, 12, 31)),
        ("day_of('12/31/1999', '%d.%m.%Y', '%Y-%m-%d', '%m/%d/%Y')", date(1999, 12, 31)),
        ("day_of(' 1999-12-31 ', '%Y-%m-%d')", date(1999, 12, 31)),
        ("day_of('30.02.1999', '%d.%m.%Y')", None),
        ("day_of('unknown', '%d.%m.%Y', '%Y-%m-%d')", None),
        ("day_of(NULL, '%Y')", None),
    ],
)
def test_a_day_is_read_by_the_first_format_that_fits(engine: Connection, call: str, day: date | None) -> None:
    assert value(engine, call) == day
    assert value(engine, f"typeof({call})") == "DATE"


@pytest.mark.parametrize(
    ("call", "amount"),
    [
        ("money('12.50')", "12.50"),
        ("money(' -12.5 ')", "-12.50"),
        ("money('1,234.50')", "1234.50"),
        ("money('1,234,567')", "1234567.00"),
        ("money('12,34,567.00')", "1234567.00"),
        ("money('1.234,50', ',')", "1234.50"),
        ("money('1.234.567', ',')", "1234567.00"),
        ("money('12,5', ',')", "12.50"),
        ("money('1,234.50', '.')", "1234.50"),
        ("money('0.005')", "0.01"),
        ("money('-0.005')", "-0.01"),
        # Read with the wrong decimal mark it is nothing, rather than a hundredfold or a hundredth.
        ("money('12,50')", None),
        ("money('1.234,50')", None),
        ("money('12.50', ',')", None),
        ("money('1,234.50', ',')", None),
        ("money('EUR 5')", None),
        ("money('12.50 ' || chr(8364))", None),
        ("money('')", None),
        ("money(NULL)", None),
        ("money('99999999999999999.00')", None),
    ],
)
def test_money_as_text_becomes_an_exact_amount(engine: Connection, call: str, amount: str | None) -> None:
    assert value(engine, call) == (None if amount is None else Decimal(amount))
    assert value(engine, f"typeof({call})") == "DECIMAL(18,2)"


def test_a_session_lives_in_utc_and_takes_no_variable_of_python_for_a_table(engine: Connection) -> None:
    people = pl.DataFrame({"name": ["anna"]})
    assert value(engine, "current_setting('TimeZone')") == "UTC"
    with pytest.raises(EngineError, match="people"):
        query(engine, "SELECT name FROM people")
    assert people.height == 1


def test_a_connection_keeps_its_limits(tmp_path: Path) -> None:
    (tmp_path / SCRATCH).mkdir()
    connection = building_connection(tmp_path, None, Limits(1, "256MiB", tmp_path / "spill"))
    try:
        assert value(connection, "current_setting('memory_limit')") == "256.0 MiB"
        assert value(connection, "current_setting('threads')") == 1
        assert value(connection, "current_setting('temp_directory')") == str(tmp_path / "spill")
    finally:
        connection.close()


def test_threads_may_be_set_from_outside_but_not_for_a_job_that_names_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_project(tmp_path / "shop")
    monkeypatch.setenv("PERSONALIZATION_THREADS", "3")
    assert limits_of(load_project(tmp_path / "shop")).threads == 3
    assert Limits(threads=1).settings()["threads"] == "1"


def test_a_table_that_needs_more_memory_than_allowed_is_told_with_a_remedy() -> None:
    connection = scratch_connection(threads=1, memory_limit="48MiB")
    connection.execute("SET temp_directory = ''")
    with pytest.raises(TryAgain, match=r"memory that it may use\nFix: raise engine\.memory_limit in project\.yaml"):
        put_table(
            connection, "memory.main.much", "SELECT i, count(*) AS n FROM range(4000000) AS r(i) GROUP BY i", "", {}
        )
    connection.close()


def test_a_night_in_the_making_sees_its_rooms_and_last_nights_files_read_only(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name / SCRATCH).mkdir(parents=True)
    first = building_connection(tmp_path / "first", None, Limits(threads=1))
    put_table(first, "private.main.people", "SELECT 'p1' AS person_id", "One row per person.", {})
    first.close()
    second = building_connection(tmp_path / "second", tmp_path / "first", Limits(threads=1))
    put_table(second, "warehouse.main.orders", "SELECT 'o1' AS order_key", "One row per order.", {})
    put_table(second, "private.main.people", "SELECT 'p2' AS person_id", "One row per person.", {})
    assert query(second, "SELECT order_key, person_id FROM orders, people") == [("o1", "p2")]
    assert query(second, "SELECT person_id FROM last_private.main.people") == [("p1",)]
    with pytest.raises(EngineError, match="read-only"):
        second.execute("INSERT INTO last_private.main.people VALUES ('p3')")
    second.close()


def test_a_table_is_made_whole_with_its_comments_or_not_at_all(engine: Connection) -> None:
    comments = {"n": "it's one", "of another table": "?"}
    put_table(engine, "memory.main.visits", "SELECT 1 AS n, 2 AS m", "One row: a visit's.", comments)
    assert query(engine, "SELECT comment FROM duckdb_tables() WHERE table_name = 'visits'") == [
        ("One row: a visit's.",)
    ]
    commented = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'visits' AND comment IS NOT NULL"
    assert query(engine, commented) == [("n", "it's one")]
    with pytest.raises(EngineError):
        put_table(engine, "memory.main.visits", "SELECT CAST('x' AS INTEGER) AS n", "", {})
    assert query(engine, "SELECT n, m FROM visits") == [(1, 2)]


def test_a_view_of_last_night_shows_last_nights_rows(tmp_path: Path) -> None:
    """It names its tables bare; each file's view reads the tables of that file."""
    for name in ("first", "second"):
        (tmp_path / name / SCRATCH).mkdir(parents=True)
        before = tmp_path / "first" if name == "second" else None
        night = building_connection(tmp_path / name, before, Limits(threads=1))
        put_table(night, "private.main.people", f"SELECT '{name}' AS person_id", "", {})
        put_table(night, "private.main.known", "SELECT * FROM people", "A view.", {"person_id": "who"}, is_view=True)
        if before:
            assert query(night, "FROM known") == [("second",)]
            assert query(night, "FROM last_private.main.known") == [("first",)]
            comments = "SELECT comment FROM duckdb_columns() WHERE table_name = 'known' AND database_name = 'private'"
            assert query(night, comments) == [("who",)]
        night.close()


def test_what_is_packed_by_nothing_is_larger_and_the_next_table_is_packed_again(tmp_path: Path) -> None:
    (tmp_path / SCRATCH).mkdir()
    night = building_connection(tmp_path, None, Limits(threads=1))

    def packing(name: str) -> set[str]:
        night.execute(f"CREATE TABLE computed.main.{name} AS SELECT 'a text' AS said FROM range(500000)")
        night.execute("CHECKPOINT computed")
        found = query(
            night,
            f"SELECT DISTINCT compression FROM pragma_storage_info('computed.main.{name}') WHERE segment_type = 'VARCHAR'",
        )
        return {kind for (kind,) in found}

    with packing_nothing(night):
        assert packing("plain") == {"Uncompressed"}
    assert "Uncompressed" not in packing("packed")
    night.close()


def test_a_column_without_values_gets_the_type_that_is_asked_for(engine: Connection) -> None:
    rows = pl.DataFrame({"a": [None, None], "b": ["1", "2"]})
    put_frame(engine, "memory.main.given", rows, {"a": "DATE", "b": "DECIMAL(18,2)"})
    assert columns_of(engine, "given") == {"a": "DATE", "b": "DECIMAL(18,2)"}
    assert frame(engine, "SELECT sum(b) AS total FROM given")["total"].to_list() == [Decimal("3.00")]


def test_rows_are_written_to_parquet_in_their_order(engine: Connection, tmp_path: Path) -> None:
    path = tmp_path / "it's.parquet"
    put_parquet(engine, "SELECT i FROM range(50000) AS r(i) ORDER BY md5(CAST(i AS VARCHAR))", path)
    written = pl.read_parquet(path)["i"].to_list()
    assert written == [
        i for (i,) in query(engine, "SELECT i FROM range(50000) AS r(i) ORDER BY md5(CAST(i AS VARCHAR))")
    ]


def test_a_text_stays_a_text_in_sql(engine: Connection) -> None:
    text = "it's; DROP TABLE x --\n\\'\""
    assert row(engine, f"SELECT {literal(text)} AS told") == {"told": text}


@pytest.mark.parametrize(
    "expression",
    [
        "CAST(email AS INTEGER)",
        "CAST(email AS DATE)",
        "strptime(email, '%Y')",
        "error(email)",
        "json_extract('{' || email, '$.a')",
        "regexp_matches('a', email || '(')",
        f"CAST('{HERS}' AS INTEGER)",
    ],
)
def test_the_words_about_a_failure_hold_no_value(engine: Connection, expression: str) -> None:
    engine.execute(f"CREATE OR REPLACE TABLE people AS SELECT {literal(HERS)} AS email")
    with pytest.raises(EngineError) as failed:
        put_table(engine, "memory.main.broken", f"SELECT {expression} AS n FROM people", "", {})
    assert HERS in str(failed.value), "the engine itself quotes the cell"
    assert "eva" not in without_values(failed.value).lower()


def test_a_name_that_does_not_exist_is_told(engine: Connection) -> None:
    with pytest.raises(EngineError) as failed:
        put_table(engine, "memory.main.broken", "SELECT emial FROM range(1) AS people(email)", "", {})
    assert 'column "emial" not found' in without_values(failed.value)
