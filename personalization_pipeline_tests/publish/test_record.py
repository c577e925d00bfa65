"""night.json: it names every input by hash, and only what was read."""

from __future__ import annotations

import contextlib
import hashlib
from datetime import datetime
from pathlib import Path

import pytest

from personalization_pipeline import __version__
from personalization_pipeline.foundation.building import complete
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.opening import open_part
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.publish.record import inputs_of, is_unchanged, record_of
from personalization_pipeline_tests.pipeline import child_nights

AS_OF = datetime(2026, 7, 1, 2)


def test_the_record_names_every_input(demo_night: Path) -> None:
    store = Store(demo_night / "store")
    record = store.record(store.current())
    landed = {file["path"]: file["sha256"] for file in record["landed"]}
    files = sorted((demo_night / "landing").glob("[!_]*/*"))
    assert landed == {
        path.relative_to(demo_night / "landing").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    assert record["project"] == load_project(demo_night).text_hash()
    assert (record["as_of"], record["yesterday"], record["package"]) == ("2026-07-01T02:00:00", None, __version__)
    pinned = load_project(demo_night).settings.artefacts
    assert record["artefacts"].keys() == {"identity", "scores"} > pinned.keys()
    used = {f"{name}-{key}.json" for name, key in record["artefacts"].items()}
    assert {path.name for path in (demo_night / "store" / "artefacts").iterdir()} == used, "pinned ones too"
    assert [path.name for path in (demo_night / "store" / "projects").iterdir()] == [record["project"]]


def test_the_record_names_every_table_and_no_place_on_this_machine(demo_night: Path) -> None:
    store = Store(demo_night / "store")
    tables = catalogue(load_project(demo_night)).tables.values()
    assert store.record(store.current())["tables"].keys() == {table.name for table in tables if not table.is_view}
    text = (store.pointer / "night.json").read_text(encoding="utf-8")
    assert str(demo_night) not in text
    for source in load_project(demo_night).sources:
        text = text.replace(f"{source}/", "")
    assert "/" not in text


def test_a_night_is_unchanged_while_its_inputs_are(demo_night: Path) -> None:
    assert is_unchanged(load_project(demo_night), AS_OF)
    assert not is_unchanged(load_project(demo_night), datetime(2026, 7, 2, 2))


@pytest.mark.parametrize(
    "changed",
    ["landing/shopify_orders/2026-06.csv", "landing/shopify_orders/more.csv", "segments/regulars.yaml", "project.yaml"],
)
def test_any_changed_input_changes_the_night(changed: str, demo_copy: Path) -> None:
    with (demo_copy / changed).open("a", encoding="utf-8") as file:
        file.write("\n")
    assert not is_unchanged(load_project(demo_copy), AS_OF)


def test_what_lies_outside_the_text_and_the_sources_changes_nothing(demo_copy: Path) -> None:
    (demo_copy / "landing" / "shopify_orders" / ".2026-07.csv.partial").write_text("half a file", encoding="utf-8")
    (demo_copy / "landing" / "notes.txt").write_text("of no source", encoding="utf-8")
    (demo_copy / "README.md").write_text("words", encoding="utf-8")
    assert is_unchanged(load_project(demo_copy), AS_OF)


def test_a_file_that_lands_while_a_night_is_built_is_not_in_its_record(demo_copy: Path) -> None:
    project = load_project(demo_copy)
    before = inputs_of(project, AS_OF)
    building = open_part(project, catalogue(project), {"ledger_rests"})
    assert building is not None
    with contextlib.closing(building.connection):
        complete(building)
        (demo_copy / "landing" / "shopify_orders" / "late.csv").write_text("order_id\n", encoding="utf-8")
        record = record_of(building, [])
    assert {name: record[name] for name in before} == before
    assert inputs_of(project, AS_OF) != before, "so the next run does not take the night for complete"


def test_what_is_published_is_what_was_built(demo_night: Path) -> None:
    """The analysts' file is written anew at the commit: its tables, comments and all, are those that were judged."""
    built = child_nights.record(demo_night)["tables"]
    assert child_nights.contents(demo_night) == {name: table["content"] for name, table in built.items()}
    with contextlib.closing(published_connection(demo_night / "store" / "current")) as connection:
        silent = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'warehouse' AND comment IS NULL"
        assert query(connection, silent) == []
        column = "SELECT comment FROM duckdb_columns() WHERE table_name = 'profiles' AND column_name = 'discount_share'"
        assert query(connection, column) == [("discount as a share of the undiscounted price",)]
