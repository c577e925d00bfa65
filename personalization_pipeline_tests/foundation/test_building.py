"""Making one table: what it tells when it fails names the file and holds no value of any row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from personalization_pipeline.foundation.building import Building, build, prepare
from personalization_pipeline.foundation.errors import TableError
from personalization_pipeline.foundation.phases import Catalogue, Slots
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.tables import read_table
from personalization_pipeline.foundation.warehouse import query, scratch_connection

Of = Callable[..., Building]


@pytest.fixture
def building_of(starter: Path, tmp_path: Path) -> Iterator[Of]:
    """`building_of("SELECT ...", "-- check: ...")`: a night in the making with the one table `guests`."""
    connection = scratch_connection(threads=1)
    for catalog in ("warehouse", "run"):
        connection.execute(f"ATTACH ':memory:' AS {catalog}")
    connection.execute("SET search_path = 'warehouse.main,run.main'")
    connection.execute("CREATE TABLE warehouse.main.people AS SELECT 'eva.maier@mail.example' AS email")

    def of(select: str, *header: str, slots: dict[str, str] | None = None) -> Building:
        path = tmp_path / "guests.sql"
        path.write_text("\n".join(["-- One row per guest.", *header, select]), encoding="utf-8")
        fill = {"guests": Slots(lambda building: slots or {})}
        tables = Catalogue(tables={"guests": read_table(path, "segment")}, computed={}, slots=fill)
        night = Building(load_project(starter), tables, datetime(2026, 7, 1, 22, 30), connection)
        prepare(night)
        return night

    yield of
    connection.close()


@pytest.mark.parametrize(
    ("select", "check"),
    [
        ("SELECT CAST(email AS INTEGER) AS n FROM people", "count(*) >= 0"),
        ("SELECT error(email) AS n FROM people", "count(*) >= 0"),
        ("SELECT email FROM people", "max(CAST(email AS INTEGER)) >= 0"),
        ("SELECT email FROM people", "sum(strptime(email, '%Y') - DATE '2026-01-01') >= 0"),
        ("SELECT email FROM people", "max(email) >= 0"),
    ],
)
def test_a_table_or_check_that_fails_names_its_file_and_no_value(building_of: Of, select: str, check: str) -> None:
    with pytest.raises(
        TableError, match=r"guests\.sql: \w+Exception.*\nFix: correct the SELECT or its checks"
    ) as failed:
        build(building_of(select, f"-- check: {check}"), "guests")
    assert "eva" not in str(failed.value).lower()
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__, "a traceback would quote the cell"


def test_a_column_that_does_not_exist_is_told_by_name(building_of: Of) -> None:
    with pytest.raises(TableError, match='column "emial" not found'):
        build(building_of("SELECT emial FROM people"), "guests")


def test_a_built_table_tells_its_rows_and_columns_and_a_rehearsal_judges_nothing(building_of: Of) -> None:
    built = build(building_of("SELECT email, 1 AS n FROM people", "-- check: count(*) = 7"), "guests")
    assert (built.row_count, dict(built.columns), built.verdicts) == (1, {"email": "VARCHAR", "n": "INTEGER"}, ())


def test_tonight_is_the_moment_in_utc_and_the_day_in_the_zone_of_the_project(building_of: Of) -> None:
    night = building_of("SELECT as_of, today, time_zone, currency FROM tonight")
    build(night, "guests")
    assert query(night.connection, "SELECT CAST(as_of AS VARCHAR), CAST(today AS VARCHAR), time_zone FROM guests") == [
        ("2026-07-01 22:30:00", "2026-07-02", "Europe/Berlin")
    ]


def test_a_slot_is_filled_when_its_table_is_built(building_of: Of) -> None:
    night = building_of("SELECT slot.rule AS is_guest FROM people", slots={"rule": "email LIKE 'eva%' OR false"})
    build(night, "guests")
    assert query(night.connection, "SELECT is_guest FROM guests") == [(True,)]
