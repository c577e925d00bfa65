"""Where nights lie and how one becomes the current one: folders, lock, as_of, commit.

Belongs here: everything that makes a night whole or not at all. Does not belong here: what is in it.

A night is built in nights/<id>/ under the mark BUILDING and committed by one atomic replacement of the pointer
`current`. A folder that is marked, or has no record yet, is an orphan: the next whole run removes it. A run of a
selection goes on with it, or with a copy of the current night: what it leaves stale is not committed.
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

from personalization_pipeline import __version__
from personalization_pipeline.foundation import clock, writes
from personalization_pipeline.foundation.building import Building, prepare
from personalization_pipeline.foundation.errors import DiskFull, MissingArgument, StoreLocked
from personalization_pipeline.foundation.mark import MARK, Mark, read_mark
from personalization_pipeline.foundation.phases import FACTS_COME_FROM, Catalogue
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import (
    SCRATCH,
    Limits,
    building_connection,
    engine_errors_told,
    query,
)
from personalization_pipeline.foundation.writes import Kind

# What a night needs to be somebody's yesterday, and what goes when it is older than the retention.
DATABASES = ("warehouse.duckdb", "private.duckdb")
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

    def all_nights(self) -> list[Path]:
        """Folders of nights, the oldest first; r10 comes after r9."""
        return sorted(
            self.nights.glob("*"), key=lambda folder: (folder.name.partition("-")[0], len(folder.name), folder)
        )

    def orphans(self) -> list[Path]:
        """Folders of nights that were never committed."""
        current = self.current()
        return [
            folder
            for folder in self.all_nights()
            if folder != current and ((folder / MARK).exists() or not (folder / "night.json").exists())
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
    """What a connection of this project may use; spills go below `folder`. PERSONALIZATION_THREADS overrides the project."""
    engine = project.settings.engine
    threads = int(os.environ.get("PERSONALIZATION_THREADS") or 0) or engine.threads
    return Limits(threads, engine.memory_limit, folder / SCRATCH / "spill" if folder else None)


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
    return store.nights / record["yesterday"] if record["yesterday"] else None


def made_of(project: Project) -> dict[str, str | None]:
    """What a night is made of besides data: the project's text by hash, the version of the package."""
    return {"project": project.text_hash(), "package": __version__}


def open_night(project: Project, tables: Catalogue, as_of: datetime) -> Building:
    """Start a whole night in a new folder (the caller holds the lock). What another run left behind is removed."""
    store = Store(project.store)
    before = night_before(store, as_of)
    folder = _new_folder(store, as_of)
    mark = Mark(as_of, before.name if before else None, made_of(project), sorted(tables.tables), {}, [])
    return _open(project, tables, folder, mark)


def open_part(
    project: Project, tables: Catalogue, selected: set[str], as_of: datetime | None = None, *, resumes: bool = False
) -> Building | None:
    """Go on with the night in the making, else with a copy of the current one, to build `selected` (the caller holds the lock).

    A part belongs to the current night unless it `resumes` a run that failed, whatever night that one was building.
    None where nothing is selected and nothing is in the making. Raises MissingArgument where there is no such night, or
    where something selected reads landed facts, which a copy does not have.
    """
    store = Store(project.store)
    current = store.current()
    record = store.record(current)
    known = datetime.fromisoformat(record["as_of"]) if record else None
    wanted = as_of or (None if resumes else known)
    found = [(folder, mark) for folder in store.orphans() if (mark := read_mark(folder))]
    folder, mark = next(((f, m) for f, m in reversed(found) if wanted in (None, m.as_of)), (None, None))
    if folder is None or mark is None:
        if not selected:
            return None
        if current is None or known is None or as_of not in (None, known):
            raise MissingArgument(
                "only the current night can be rebuilt in part" + (f", that of {known.isoformat()}Z" if known else ""),
                fix="run the whole job" + ("" if current is None else ", or leave as_of blank"),
                where=store.root,
            )
        folder = _new_folder(store, known)
        for name in DATABASES:
            writes.copy(current / name, folder / name, Kind.FOLDER)
        if (current / "files").is_dir():
            writes.copy_folder(current / "files", folder / "files", Kind.FOLDER)
        texts = {name: record[name] for name in made_of(project)}
        mark = Mark(known, record["yesterday"], texts, [], record["artefacts"], record["notes"])
    stale = set(mark.stale) | selected | tables.downstream(selected)
    made = {name: text if text == mark.made_of[name] else None for name, text in made_of(project).items()}
    notes = [] if FACTS_COME_FROM in selected else mark.notes
    building = _open(
        project, tables, folder, Mark(mark.as_of, mark.yesterday, made, sorted(stale), mark.artefacts, notes)
    )
    _refuse_without_facts(building, selected)
    return building


@engine_errors_told()
def _open(project: Project, tables: Catalogue, folder: Path, mark: Mark) -> Building:
    yesterday = folder.parent / mark.yesterday if mark.yesterday else None
    if yesterday and not all((yesterday / name).exists() for name in DATABASES):
        raise MissingArgument(
            "the night that this one follows is no longer whole",
            fix="choose a later --as-of: then it follows the current night",
            where=yesterday,
        )
    writes.make_folder(folder / SCRATCH)
    connection = building_connection(folder, yesterday, limits_of(project, folder))
    writes.seal(folder / "private.duckdb", 0o600)
    building = Building(project, tables, mark.as_of, connection, folder, yesterday)
    building.made_of, building.stale = mark.made_of, set(mark.stale)
    building.artefact_keys, building.notes = dict(mark.artefacts), list(mark.notes)
    building.remember()
    prepare(building)
    return building


def _refuse_without_facts(building: Building, selected: set[str]) -> None:
    """A copy of a night has its tables, not the facts that they were made of; reading what has landed makes those."""
    has_facts = query(building.connection, "SELECT 1 FROM duckdb_views() WHERE database_name = 'facts' LIMIT 1")
    if FACTS_COME_FROM in selected or (has_facts and FACTS_COME_FROM not in building.stale):
        return
    needing = sorted(name for name in selected if building.catalogue.reads_facts(name))
    if needing:
        building.connection.close()
        raise MissingArgument(
            f"{', '.join(needing)}: made of landed facts, which are not in this selection",
            fix=f"select {FACTS_COME_FROM} as well, with what lies downstream of it: key:{FACTS_COME_FROM}+",
        )


def _new_folder(store: Store, as_of: datetime) -> Path:
    """A new folder of the next free name, closed to others until the commit; orphans are removed."""
    for orphan in store.orphans():
        writes.remove(orphan)
    for unfinished in sorted(store.facts.glob(".*")):
        writes.remove(unfinished)
    if store.pointer.exists():
        writes.remove(store.pointer.resolve() / MARK)
    _check_space(store)
    folder = store.nights / _next_id(store, as_of)
    writes.make_folder(folder, Kind.FOLDER, 0o700)
    return folder


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


@engine_errors_told()
def commit(building: Building, record: dict[str, Any]) -> Path:
    """Close the night and make it the current one. Readers see the old night or the new one, never something between."""
    folder = building.folder
    assert folder is not None, "a rehearsal is never committed"
    store = Store(building.project.store)
    c = building.connection
    c.execute("CHECKPOINT warehouse")
    c.execute("CHECKPOINT private")
    c.close()
    writes.remove(folder / SCRATCH)
    writes.seal(folder / "warehouse.duckdb", 0o444)
    writes.seal(folder / "private.duckdb", 0o400)
    writes.seal(folder, 0o755)
    writes.write_text(folder / "night.json", json.dumps(record, indent=1, sort_keys=True) + "\n", Kind.NIGHT)
    writes.point(store.pointer, os.path.relpath(folder, store.root))
    writes.remove(folder / MARK)
    for old in _beyond_retention(store, folder, building.yesterday, building.project.settings.retention.nights):
        _thin_out(old)
    return folder


def _beyond_retention(store: Store, current: Path, yesterday: Path | None, nights: int) -> list[Path]:
    """The oldest nights; never the current one, nor the one that a revision of it would be built on."""
    whole = [folder for folder in store.all_nights() if any((folder / name).exists() for name in DATABASES)]
    return [folder for folder in whole[:-nights] if folder not in (current, yesterday)]


def _thin_out(night: Path) -> None:
    """Leave of a night its record and the certificates of its files."""
    for name in (*DATABASES, "report.html"):
        writes.remove(night / name)
    for file in sorted((night / "files").rglob("*")):
        if file.is_file() and not file.name.endswith(".manifest.json"):
            writes.remove(file)
