"""Where nights lie and how one becomes the current one: folders, lock, as_of, commit.

Belongs here: everything that makes a night whole or not at all. Does not belong here: how one begins
(foundation.opening), what is in it.

A night is built in nights/<id>/ under the mark BUILDING and committed by one atomic replacement of the pointer
`current`. A folder that is marked, or has no record yet, is an orphan: the next whole run removes it.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from personalization_pipeline import __version__
from personalization_pipeline.foundation import clean_copy, clock, writes
from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.errors import MissingArgument, StoreLocked
from personalization_pipeline.foundation.mark import MARK
from personalization_pipeline.foundation.project import Project, nearest
from personalization_pipeline.foundation.warehouse import SCRATCH, Limits, engine_errors_told
from personalization_pipeline.foundation.writes import Kind

# What a night needs to be somebody's yesterday, and what goes when it is older than the retention.
DATABASES = ("warehouse.duckdb", "private.duckdb")


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
    def projects(self) -> Path:
        return self.root / "projects"

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

    def committed(self) -> list[Path]:
        """Folders of nights that were committed at some time, the oldest first: thinned out, rolled back or current."""
        orphans = self.orphans()
        return [folder for folder in self.all_nights() if folder not in orphans]

    def find(self, asked: str, zone: ZoneInfo) -> Path:
        """A committed night by its name, as `current`, or by its local day (the last of that day).

        Raises MissingArgument naming those that there are.
        """
        known = {folder.name: folder for folder in self.committed()}
        days = {clock.local_date(clock.moment_of(name), zone).isoformat(): folder for name, folder in known.items()}
        current = self.current()
        found = current if asked == "current" else known.get(asked) or days.get(asked)
        if found is None:
            raise MissingArgument(f"there is no night {asked!r}", fix=nearest(asked, known), where=self.nights)
        return found

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


def missed(project: Project, until: datetime) -> list[datetime]:
    """The scheduled moments since the current night, the oldest first; before the first night only the latest one.

    None where the project pins its as_of: such a project has one night.
    """
    if project.settings.as_of:
        return []
    store = Store(project.store)
    record = store.record(store.current())
    known = datetime.fromisoformat(record["as_of"]) if record else until - timedelta(days=2)
    moments = clock.scheduled_moments(known, until, project.zone, project.settings.schedule_hour)
    return moments if record else moments[-1:]


def limits_of(project: Project, folder: Path | None = None) -> Limits:
    """What a connection of this project may use; spills go below `folder`."""
    engine = project.settings.engine
    return Limits(engine.threads, engine.memory_limit, folder / SCRATCH / "spill" if folder else None)


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


def is_whole(folder: Path) -> bool:
    """Whether a night has its tables still, or has been thinned out."""
    return all((folder / name).exists() for name in DATABASES)


def close(building: Building) -> None:
    """End the building of a night: everything in its two files, nothing beside them."""
    c = building.connection
    c.execute("CHECKPOINT warehouse")
    c.execute("CHECKPOINT private")
    c.close()


@engine_errors_told()
def commit(building: Building, record: dict[str, Any]) -> Path:
    """Close the night and make it the current one. Readers see the old night or the new one, never something between."""
    folder = building.folder
    assert folder is not None, "a rehearsal is never committed"
    store = Store(building.project.store)
    clean_copy.export(building.connection, folder)
    close(building)
    clean_copy.replace(folder, limits_of(building.project))
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
