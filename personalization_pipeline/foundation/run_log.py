"""Dagster's log of a run, written without waiting for the disk after every event.

Belongs here: how the SQLite files below DAGSTER_HOME are written by a run in this process. Does not belong here: what is
logged, and the night itself, which waits for the disk where it must (foundation.writes).

Dagster opens and closes a file for each of some hundred events, and SQLite flushes it to the disk each time: seconds of
every night. While one connection stays open nothing is flushed at a close, and in the journal mode that Dagster sets
`synchronous = NORMAL` keeps the file sound (sqlite.org/wal.html): a power cut may cost the last events, never the log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def unhurried() -> Iterator[None]:
    """Flush the log when the block is left, not after every event."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    kept: dict[str, Any] = {}

    def hold(connection: Any, _: object) -> None:
        if type(connection).__module__ != "sqlite3":
            return  # whoever keeps the log elsewhere said how it is written
        connection.execute("PRAGMA synchronous = NORMAL")
        ((_, _, path),) = connection.execute("PRAGMA database_list")
        if path not in kept:
            kept[path] = type(connection)(path, check_same_thread=False)
        # A connection counts from its first look on, and one that looked before the journal mode was set does not.
        list(kept[path].execute("SELECT count(*) FROM sqlite_master"))

    event.listen(Engine, "connect", hold)
    try:
        yield
    finally:
        event.remove(Engine, "connect", hold)
        for connection in kept.values():
            connection.close()
