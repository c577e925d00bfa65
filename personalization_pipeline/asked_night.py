"""A committed night, opened to be asked: its tables read-only, its project's text as it was, and what it cannot tell.

Belongs here: finding and opening, and what of a change only a night can show. Does not belong here: the asking (planning).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from personalization_pipeline.foundation.artefacts import changed_artefacts
from personalization_pipeline.foundation.building import Building, prepare
from personalization_pipeline.foundation.errors import MissingArgument
from personalization_pipeline.foundation.night import Store, is_whole, limits_of
from personalization_pipeline.foundation.opening import kept_text
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import Connection, EngineError, asking_connection, query
from personalization_pipeline.questions import current_night

# Settings that only a night can follow: they are read while files land and records meet.
READ_AT_LANDING = ("time_zone", "default_country", "stitching_days", "survivorship")
OTHER_CORRECTIONS = "corrections/ differ: who is one person shows only after a night, or before: personalize link A B."


@dataclass
class Asked:
    """A committed night to ask: its tables behind a building that builds nothing, and its project's text as it was."""

    building: Building
    known: Project | None
    is_whole: bool
    notes: list[str] = field(default_factory=list)
    features: set[str] = field(default_factory=set)


@contextlib.contextmanager
def asked_night(project: Project, against: Path | None) -> Iterator[Asked]:
    """The current night of the project's store, or an analysts' file that stands alone."""
    file, store = (against or current_night(project) / "warehouse.duckdb").resolve(), Store(project.store)
    folder = file.parent
    if not file.is_file():
        raise MissingArgument("there is no such file", fix="name the warehouse.duckdb of a night", where=file)
    record = store.record(folder) if folder.parent == store.nights.resolve() or not against else {}
    yesterday = store.nights / record["yesterday"] if record.get("yesterday") else None
    private = None if against else folder / "private.duckdb"
    if private and yesterday and not is_whole(yesterday):
        fix = "ask the analysts' file alone: --against FILE"
        raise MissingArgument("the night before that one is no longer whole", fix=fix, where=yesterday)
    connection = asking_connection(file, private, yesterday if private else None, limits_of(project))
    try:
        as_of = datetime.fromisoformat(record["as_of"]) if record else _moment(connection, file)
        building = Building(project, catalogue(project), as_of, connection, folder, yesterday)
        building.artefact_keys = dict(record.get("artefacts", {}))
        prepare(building)
        asked = Asked(building, _known(project, store, record), private is not None)
        _tell_what_needs_a_night(asked)
        asked.features = _askable(asked)
        yield asked
    finally:
        connection.close()


def _moment(connection: Connection, file: Path) -> datetime:
    try:
        ((as_of,),) = query(connection, "SELECT moment_at FROM nights")
    except EngineError:
        fix = "name one that a night of this version has written"
        raise MissingArgument("does not say which moment it is about", fix=fix, where=file) from None
    moment: datetime = as_of
    return moment


def _known(project: Project, store: Store, record: dict[str, Any]) -> Project | None:
    """The project's text as it was that night, where it is the same or the store has a copy that can still be read."""
    if record.get("project") == project.text_hash():
        return project
    return kept_text(store, record.get("project"))


def _tell_what_needs_a_night(asked: Asked) -> None:
    project, known = asked.building.project, asked.known
    if not asked.is_whole:
        asked.notes.append("Asked of the analysts' file alone: reach by flags, not who would be delivered.")
    if known is None:
        asked.notes.append(
            "The project's text of that night is not kept: all that follows features was asked anew, and a changed "
            "source would not show."
        )
        return
    names = sorted({*project.sources, *known.sources})
    asked.notes += [
        f"sources/{name}.yaml differs: what it maps shows only after a night."
        for name in names
        if project.sources.get(name) != known.sources.get(name)
    ]
    asked.notes += [
        f"project.yaml: {key} differs, and is read while files land: it shows only after a night."
        for key in READ_AT_LANDING
        if getattr(project.settings, key) != getattr(known.settings, key)
    ]
    if _corrections(project) != _corrections(known):
        asked.notes.append(OTHER_CORRECTIONS)
    if "identity" in changed_artefacts(asked.building) or project.settings.identity != known.settings.identity:
        asked.notes.append("The identity model differs: who is one person shows only after a night.")


def _corrections(project: Project) -> dict[str, bytes]:
    return {name: text for name, text in project.text().items() if name.startswith("corrections/")}


def _askable(asked: Asked) -> set[str]:
    """The project's features that differ from that night's, without those that only a night can make."""
    building, known, found = asked.building, asked.known, set()
    lie = {name for (name,) in query(building.connection, "SELECT table_name FROM information_schema.tables")}
    for name, table in building.project.features.items():
        if known and name in known.features and known.features[name].sql == table.sql:
            continue
        try:
            if not asked.is_whole:
                query(building.connection, f"DESCRIBE {table.sql}")
        except EngineError:
            is_askable = False
        else:
            is_askable = not table.reads("facts")
        if is_askable:
            found.add(name)
        elif name not in lie:
            raise MissingArgument(
                f"features/{name}.sql is not in that night, and reads what its files do not hold",
                fix="build a night with it, or leave --against: the private file may suffice",
            )
        else:
            asked.notes.append(f"features/{name}.sql reads what the files of a night do not hold: it is as it was.")
    return found
