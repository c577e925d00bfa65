"""One night after the other: what stays, what yesterday means, what a revision is, what retention leaves."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from personalization_pipeline.cli import app
from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.clock import read_as_of
from personalization_pipeline.foundation.errors import MissingArgument
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.opening import open_night
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline_tests.conftest import Night
from personalization_pipeline_tests.pipeline import child_nights
from personalization_pipeline_tests.pipeline.child_nights import FIRST, LATER, SECOND


def rows(project: Path, night: str, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(published_connection(project / "store" / "nights" / night, private=True)) as connection:
        return query(connection, sql)


@contextlib.contextmanager
def opened(project: Path, as_of: str) -> Iterator[Building]:
    """A night that is begun and never committed."""
    loaded = load_project(project)
    building = open_night(loaded, catalogue(loaded), read_as_of(as_of, loaded.zone, 2))
    try:
        yield building
    finally:
        building.connection.close()


def test_ids_and_arms_of_known_records_stay(second_night: Path) -> None:
    sql = "SELECT record_key, person_id, founded_at, arm FROM records JOIN holdout_arms USING (record_key)"
    known, now = ({key: rest for key, *rest in rows(second_night, night, sql)} for night in (FIRST, SECOND))
    assert len(known) > 300
    assert {key: now[key] for key in known} == known
    (new,) = now.keys() - known.keys()
    assert new == f"shopify_orders:{child_nights.NEW_ORDER}"
    assert now[new] in known.values(), "she is somebody known, and stays in her arm"


def test_a_file_is_first_seen_in_the_night_that_first_saw_it(second_night: Path) -> None:
    seen = rows(
        second_night, SECOND, "SELECT CAST(first_seen_at AS VARCHAR), list(path ORDER BY path) FROM files GROUP BY 1"
    )
    by_night = dict(seen)
    (receipt, july) = by_night["2026-07-15 02:00:00"]
    assert receipt.startswith("_receipts/newsletter__win_back__20260701T020000Z__"), "what the first night has sent"
    assert july == "shopify_orders/2026-07-7.csv"
    assert len(by_night["2026-07-01 02:00:00"]) > 20


def test_new_orders_go_to_known_people(second_night: Path) -> None:
    july = "SELECT count(*), count(DISTINCT person_id) FROM orders WHERE ordered_at >= TIMESTAMP '2026-07-01'"
    ((orders, people),) = rows(second_night, SECOND, july)
    assert orders >= people > 0
    assert rows(second_night, FIRST, july) == [(0, 0)]


def test_yesterday_is_the_night_before_typed_as_tonight(second_copy: Path) -> None:
    with opened(second_copy, "2026-08-01") as building:
        remembered = query(
            building.connection, "SELECT record_key, person_id, founded_at FROM yesterday.records ORDER BY 1"
        )
    assert remembered == rows(second_copy, SECOND, "SELECT record_key, person_id, founded_at FROM records ORDER BY 1")


def test_a_revision_is_built_on_the_same_yesterday(second_copy: Path, night: Night) -> None:
    child_nights.land_july(second_copy, numbers="8")
    code, said = night(second_copy, LATER)
    assert code == 0, said
    record = child_nights.record(second_copy)
    assert (record["night"], record["yesterday"]) == ("20260715T020000Z-r2", FIRST)
    key = "SELECT record_key, person_id FROM records ORDER BY 1"
    assert rows(second_copy, record["night"], key) == rows(second_copy, SECOND, key)
    count = "SELECT count(*) FROM orders WHERE ordered_at >= TIMESTAMP '2026-07-01'"
    assert rows(second_copy, record["night"], count)[0][0] == 2 * rows(second_copy, SECOND, count)[0][0]


def test_a_night_before_the_current_one_is_refused(second_copy: Path) -> None:
    before = child_nights.record(second_copy)
    done = CliRunner().invoke(app, ["run", "--project", str(second_copy), "--as-of", "2026-07-10"])
    assert done.exit_code == 2
    assert "as_of 2026-07-10T00:00:00Z lies before the current night (2026-07-15T02:00:00Z)\nFix: " in done.output
    assert child_nights.record(second_copy) == before


def test_a_revision_whose_yesterday_is_gone_is_refused(second_copy: Path) -> None:
    (second_copy / "store" / "nights" / FIRST / "private.duckdb").unlink()
    with (
        pytest.raises(MissingArgument, match="no longer whole\nFix: choose a later --as-of"),
        opened(second_copy, LATER),
    ):
        pass


def change(file: Path, *statements: str) -> None:
    """Change a committed database, as an older version of the package would have written it."""
    file.chmod(0o600)
    with contextlib.closing(duckdb.connect(str(file))) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(scope="module")
def third_night(second_night: Path, night: Night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third night that keeps one whole, after a second one whose records did not say yet when they were founded."""
    project = Path(shutil.copytree(second_night, tmp_path_factory.mktemp("third") / "shop", symlinks=True))
    settings = project / "project.yaml"
    settings.write_text(settings.read_text(encoding="utf-8") + "retention: {nights: 1}\n", encoding="utf-8")
    change(Store(project / "store").pointer / "private.duckdb", "ALTER TABLE records DROP COLUMN founded_at")
    code, said = night(project, "2026-08-01")
    assert code == 0, said
    return project


def test_a_memory_that_gained_a_column_reads_an_older_night(third_night: Path) -> None:
    third = child_nights.record(third_night)["night"]
    known, now = (
        dict(rows(third_night, night, "SELECT record_key, person_id FROM records")) for night in (SECOND, third)
    )
    assert len(known) > 300
    assert known.items() <= now.items()
    with pytest.raises(duckdb.BinderException):
        rows(third_night, SECOND, "SELECT founded_at FROM records")


def test_retention_leaves_what_is_needed_as_proof(third_night: Path) -> None:
    nights = third_night / "store" / "nights"
    left = child_nights.bytes_below(nights / FIRST).keys()
    assert left == {"night.json", "files/newsletter/win_back.csv.manifest.json"}
    # A revision of the current night is built on the night before it: that one stays whole.
    with opened(third_night, "2026-08-01") as building:
        assert building.yesterday == nights / SECOND
        remembered = (
            "SELECT typeof(founded_at), count(person_id) > 300, count(founded_at) FROM yesterday.records GROUP BY 1"
        )
        assert query(building.connection, remembered) == [("TIMESTAMP", True, 0)]


def test_a_memory_is_found_in_the_other_file_too(second_copy: Path) -> None:
    current = (second_copy / "store" / "current").resolve()
    arms = rows(second_copy, SECOND, "SELECT record_key, arm FROM holdout_arms ORDER BY 1")
    values = ", ".join(f"('{key}', '{arm}')" for key, arm in arms)
    change(current / "private.duckdb", "DROP TABLE holdout_arms")
    change(
        current / "warehouse.duckdb",
        f"CREATE TABLE holdout_arms AS SELECT * FROM (VALUES {values}) AS t (record_key, arm)",
    )
    with opened(second_copy, "2026-08-01") as building:
        assert query(building.connection, "SELECT record_key, arm FROM yesterday.holdout_arms ORDER BY 1") == arms
    change(current / "warehouse.duckdb", "DROP TABLE holdout_arms")
    with opened(second_copy, "2026-08-01") as building:
        assert query(building.connection, "SELECT * FROM yesterday.holdout_arms") == []
