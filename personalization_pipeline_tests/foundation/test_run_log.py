"""A run does not wait for the disk after each event that Dagster logs, and loses none of them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from personalization_pipeline.foundation.run_log import unhurried


def log(file: Path, event: int) -> None:
    """One event, written as Dagster does: a connection of its own, and the journal mode set anew."""
    with create_engine(f"sqlite:///{file}", poolclass=NullPool).connect() as connection:
        connection.execute(text("PRAGMA journal_mode = WAL"))
        connection.execute(text("CREATE TABLE IF NOT EXISTS events (event INTEGER)"))
        connection.execute(text(f"INSERT INTO events VALUES ({event})"))
        connection.commit()


def events(file: Path, *, flushed: bool = False) -> list[int]:
    """What the log holds; or what of it has reached the file itself."""
    connection = sqlite3.connect(f"file:{file}?immutable={int(flushed)}", uri=True)
    try:
        return [event for (event,) in connection.execute("SELECT event FROM events ORDER BY event")]
    finally:
        connection.close()


def test_a_closed_connection_leaves_its_event_in_the_journal_until_the_run_ends(tmp_path: Path) -> None:
    file = tmp_path / "run.db"
    with unhurried():
        for event in (1, 2, 3):
            log(file, event)
        assert events(file) == [1, 2, 3], "whoever looks meanwhile sees what is in the journal"
        assert 3 not in events(file, flushed=True)
    assert events(file, flushed=True) == [1, 2, 3]


def test_after_a_run_every_event_is_flushed_again(tmp_path: Path) -> None:
    with unhurried():
        pass
    log(tmp_path / "run.db", 1)
    assert events(tmp_path / "run.db", flushed=True) == [1]
