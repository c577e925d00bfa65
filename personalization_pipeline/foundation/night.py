"""Where nights lie and how one becomes the current one: folders, lock, as_of, commit.

Belongs here: everything that makes a night whole or not at all. Does not belong here: what is in it.

A night is built in nights/<id>/ under the mark BUILDING and committed by one atomic replacement of the pointer
`current`. A marked folder that `current` does not name is an orphan: the next run removes it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from personalization_pipeline.foundation import clock, writes
from personalization_pipeline.foundation.building import Building, prepare
from personalization_pipeline.foundation.errors import DiskFull, MissingArgument, StoreLocked
from personalization_pipeline.foundation.phases import Catalogue
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import Limits, building_connection
from personalization_pipeline.foundation.writes import Kind

MARK = "BUILDING"
LEAST_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class Store:
    """The folders of a store; see DESIGN section 2 for what each holds."""

    root: Path

    @property
    def nights(self) -> Path:
        return self.root / "nights"

    @property
    def facts(self) -> Path:
        return self.root / "facts"

    @property
    def artefacts(self) -> Path:
        return self.root / "artefacts"

    @property
    def pointer(self) -> Path:
        return self.root / "current"

    def current(self) -> Path | None:
        """The folder of the committed night, or None before the first."""
        return self.pointer.resolve() if self.pointer.exists() else None

    def record(self, folder: Path | None) -> dict[str, Any]:
        """night.json of a night."""
        if folder is None or not (folder / "night.json").is_file():
            return {}
        content: dict[str, Any] = json.loads((folder / "night.json").read_text(encoding="utf-8"))
        return content

    def orphans(self) -> list[Path]:
        """Folders of nights that were never committed."""
        current = self.current()
        return [
            f for f in sorted(self.nights.glob("*")) if f != current and ((f / MARK).exists() or f.name.startswith("."))
        ]


@contextlib.contextmanager
def locked(store: Store) -> Iterator[None]:
    """Hold the store for one run. Raises StoreLocked naming the process that holds it."""
    with writes.exclusive(store.root / "lock") as holder:
        if holder is not None:
            raise StoreLocked(
                f"another run (process {holder}) is building a night",
                fix="wait until it has ended, or stop it; a killed run frees the store by itself",
                where=store.root,
            )
        yield


def choose_as_of(project: Project, asked: str | None, tick: datetime | None = None) -> datetime:
    """As asked, else the demo's pin, else the schedule's tick, else now."""
    text = asked or project.settings.as_of
    if text:
        return clock.read_as_of(text, project.zone, project.settings.schedule_hour)
    return tick or clock.now()


def limits_of(project: Project, folder: Path | None = None) -> Limits:
    """What a connection of this project may use; spills go below `folder`."""
    engine = project.settings.engine
    return Limits(engine.threads, engine.memory_limit, folder / "spill" if folder else None)


def night_before(store: Store, as_of: datetime) -> Path | None:
    """The night that `yesterday` means: the current one, or for a revision the one that it was built on."""
    current = store.current()
    record = store.record(current)
    if not record:
        return None
    known = datetime.fromisoformat(record["as_of"])
    if known > as_of:
        raise MissingArgument(
            f"as_of {as_of.isoformat()}Z lies before the current night ({known.isoformat()}Z)",
            fix="choose a later --as-of: nights follow each other",
        )
    if known < as_of:
        return current
    before = record["yesterday"]
    return store.nights / before if before and (store.nights / before).is_dir() else None


def open_night(project: Project, tables: Catalogue, as_of: datetime, *, keep: set[str] | None = None) -> Building:
    """Start a night in a new folder (the caller holds the lock). `keep`: copy the current night and rebuild only these."""
    store = Store(project.store)
    yesterday = night_before(store, as_of)
    for orphan in store.orphans():
        writes.remove(orphan)
    if store.pointer.exists():
        writes.remove(store.pointer.resolve() / MARK)
    _check_space(store)
    folder = store.nights / _next_id(store, as_of)
    writes.make_folder(folder, Kind.FOLDER)
    writes.write_text(folder / MARK, f"{os.getpid()}\n", Kind.FOLDER)
    if keep is not None:
        _copy_current(store, folder)
    connection = building_connection(folder, yesterday, limits_of(project, folder))
    writes.seal(folder / "private.duckdb", 0o600)
    building = Building(project, tables, as_of, connection, folder, yesterday)
    prepare(building)
    return building


def _copy_current(store: Store, folder: Path) -> None:
    current = store.current()
    if current:
        for name in ("warehouse.duckdb", "private.duckdb"):
            writes.copy(current / name, folder / name, Kind.FOLDER)


def _next_id(store: Store, as_of: datetime) -> str:
    stem = as_of.strftime(clock.NIGHT_FORMAT)
    taken = [int(path.name.rsplit("-r", 1)[1]) for path in store.nights.glob(f"{stem}-r*")]
    return f"{stem}-r{max(taken, default=0) + 1}"


def _check_space(store: Store) -> None:
    """A night needs about what the last one took, and something to work with."""
    current = store.current()
    last = sum(f.stat().st_size for f in current.rglob("*") if f.is_file()) if current else 0
    writes.make_folder(store.nights)
    free = shutil.disk_usage(store.nights).free
    needed = LEAST_FREE_BYTES + 2 * last
    if free < needed:
        raise DiskFull(
            f"{free >> 20} MiB are free, a night needs about {needed >> 20} MiB",
            fix="free disk space, or lower retention.nights in project.yaml",
            where=store.root,
        )


def commit(building: Building, record: dict[str, Any]) -> Path:
    """Close the night and make it the current one. Readers see the old night or the new one, never something between."""
    folder = building.folder
    assert folder is not None, "a rehearsal is never committed"
    store = Store(building.project.store)
    c = building.connection
    c.execute("CHECKPOINT warehouse")
    c.execute("CHECKPOINT private")
    c.close()
    for leftover in ("scratch.duckdb", "scratch.duckdb.wal", "spill"):
        writes.remove(folder / leftover)
    writes.seal(folder / "warehouse.duckdb", 0o444)
    writes.seal(folder / "private.duckdb", 0o400)
    writes.write_text(folder / "night.json", json.dumps(record, indent=1, sort_keys=True) + "\n", Kind.NIGHT)
    writes.point(store.pointer, os.path.relpath(folder, store.root))
    writes.remove(folder / MARK)
    for old in _beyond_retention(store, building.project.settings.retention.nights):
        for name in ("warehouse.duckdb", "private.duckdb", "report.html"):
            writes.remove(old / name)
    return folder


def _beyond_retention(store: Store, nights: int) -> list[Path]:
    """Nights that keep only their record and manifests from now on: the oldest, never the current one."""
    whole = [folder for folder in sorted(store.nights.glob("*")) if (folder / "warehouse.duckdb").exists()]
    return [folder for folder in whole[:-nights] if folder != store.current()]
