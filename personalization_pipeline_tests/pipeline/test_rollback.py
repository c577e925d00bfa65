"""`rollback`: an earlier whole night is current again. Nothing is deleted, and what was sent stays sent."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from personalization_pipeline.cli import app
from personalization_pipeline.foundation.errors import StoreLocked
from personalization_pipeline.foundation.mark import MARK
from personalization_pipeline.foundation.night import Store, locked
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.rolling_back import roll_back
from personalization_pipeline_tests.conftest import Night
from personalization_pipeline_tests.pipeline import child_nights
from personalization_pipeline_tests.pipeline.child_nights import FIRST, LATER, SECOND


def rolled_back(project: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["rollback", *arguments, "--project", str(project)])
    return done.exit_code, done.output


def receipts(project: Path) -> list[str]:
    return sorted(path.name for path in (project / "landing" / "_receipts").iterdir())


def test_the_night_before_is_current_again_and_every_folder_stays(second_copy: Path) -> None:
    sent, nights = receipts(second_copy), child_nights.bytes_below(second_copy / "store" / "nights")
    code, said = rolled_back(second_copy)
    assert code == 0, said
    assert child_nights.record(second_copy)["night"] == FIRST
    assert f"current is {FIRST} (as of 2026-07-01T02:00:00Z); it was {SECOND} (as of 2026-07-15T02:00:00Z)" in said
    assert f"what was sent stays sent: {len(sent)} receipts" in said
    assert receipts(second_copy) == sent
    assert child_nights.bytes_below(second_copy / "store" / "nights") == nights
    store = Store(second_copy / "store")
    assert (store.orphans(), [path.name for path in store.committed()]) == ([], [FIRST, SECOND])


@pytest.mark.slow
@pytest.mark.replay
def test_the_next_run_follows_it_and_is_a_revision_of_the_one_that_was_rolled_back(
    second_copy: Path, night: Night
) -> None:
    was, sent = child_nights.record(second_copy), receipts(second_copy)
    assert rolled_back(second_copy, "2026-07-01")[0] == 0
    code, said = night(second_copy, LATER)
    assert code == 0, said
    record = child_nights.record(second_copy)
    assert (record["night"], record["yesterday"]) == ("20260715T020000Z-r2", FIRST)
    unnamed = {name for name in was["tables"] if was["tables"][name] != record["tables"][name]}
    assert unnamed == set(), "the same inputs make the same tables"
    assert receipts(second_copy) == sent, "and what the world has seen is not sent again"
    assert (second_copy / "store" / "nights" / SECOND / "warehouse.duckdb").is_file()


@pytest.mark.slow
@pytest.mark.replay
def test_what_a_rolled_back_night_has_sent_is_known_to_the_nights_after_it(second_copy: Path, night: Night) -> None:
    assert rolled_back(second_copy)[0] == 0
    code, said = night(second_copy, "2026-07-16")
    assert code == 0, said
    assert child_nights.record(second_copy)["yesterday"] == FIRST
    with contextlib.closing(published_connection(second_copy / "store" / "current")) as connection:
        sent = query(connection, "SELECT night, audience, row_count > 0, occurred_at FROM deliveries ORDER BY night")
    moments = (datetime(2026, 7, 1, 2), datetime(2026, 7, 15, 2))
    assert sent == [(name, "win_back", True, at) for name, at in zip((FIRST, SECOND), moments, strict=True)]


def test_a_later_night_by_name_undoes_it(second_copy: Path) -> None:
    for asked, now in (("", FIRST), (SECOND, SECOND)):
        assert rolled_back(second_copy, *([asked] if asked else []))[0] == 0
        assert child_nights.record(second_copy)["night"] == now


def test_a_night_killed_right_after_its_commit_is_no_orphan_when_it_is_rolled_back(second_copy: Path) -> None:
    (second_copy / "store" / "current" / MARK).write_text("{}", encoding="utf-8")
    assert rolled_back(second_copy)[0] == 0
    assert Store(second_copy / "store").orphans() == []


def test_a_night_of_which_only_the_record_is_left_is_refused_with_those_that_are_whole(second_copy: Path) -> None:
    (second_copy / "store" / "nights" / FIRST / "private.duckdb").unlink()
    code, said = rolled_back(second_copy, FIRST)
    assert code == 2
    assert f"{FIRST}: of this night only its record and its certificates are left\nFix: whole are: none" in said
    code, said = rolled_back(second_copy)
    assert (code, f"{SECOND}: no whole night lies before" in said) == (2, True)
    assert child_nights.record(second_copy)["night"] == SECOND


def test_the_current_night_and_one_that_there_is_not_are_refused(second_night: Path) -> None:
    assert f"{SECOND}: is the current night already\nFix: whole are: {FIRST} " in rolled_back(second_night, SECOND)[1]
    assert "there is no night 'yesterday'\nFix: known are: " in rolled_back(second_night, "yesterday")[1]


def test_before_the_first_night_there_is_nothing_to_roll_back(starter: Path) -> None:
    assert rolled_back(starter) == (2, f"{starter / 'store'}: there is no night yet\nFix: run one: personalize run\n")


def test_a_store_that_a_run_holds_is_left_alone(second_copy: Path) -> None:
    project = load_project(second_copy)
    with locked(Store(project.store)), pytest.raises(StoreLocked):
        roll_back(project)
    assert child_nights.record(second_copy)["night"] == SECOND
