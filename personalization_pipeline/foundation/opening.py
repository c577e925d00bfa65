"""How a night begins: whole, in a new folder, or in part, going on with another folder or a copy of the current night.

A part builds what a run selects. What lies downstream of that is stale until it is built too; the mark remembers it, and
the gate refuses it.

Belongs here: which folder, which yesterday, what is stale. Does not belong here: the store and the commit
(foundation.night), the making of tables (foundation.building).
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from personalization_pipeline.foundation import clock, writes
from personalization_pipeline.foundation.building import Again, Building, prepare
from personalization_pipeline.foundation.errors import DiskFull, MissingArgument, PipelineError
from personalization_pipeline.foundation.mark import MARK, Mark, read_mark
from personalization_pipeline.foundation.night import DATABASES, Store, is_whole, limits_of, made_of, night_before
from personalization_pipeline.foundation.phases import FACTS_COME_FROM, Catalogue
from personalization_pipeline.foundation.project import Project, hash_of, load_project
from personalization_pipeline.foundation.warehouse import SCRATCH, building_connection, engine_errors_told, query
from personalization_pipeline.foundation.writes import Kind

LEAST_FREE_BYTES = 200 * 1024 * 1024


def open_night(project: Project, tables: Catalogue, as_of: datetime) -> Building:
    """Start a whole night in a new folder (the caller holds the lock). What another run left behind is removed."""
    store = Store(project.store)
    before = night_before(store, as_of)
    folder = _new_folder(store, as_of)
    made = made_of(project)
    keep_text(store, project)
    mark = Mark(as_of, before.name if before else None, made, sorted(tables.tables), {}, [])
    return _open(project, tables, folder, mark)


def open_again(project: Project, tables: Catalogue, again: Again) -> Building:
    """Start to build a night a second time, in a store in which its yesterday and its artefacts lie."""
    store, record = Store(project.store), again.record
    folder = store.nights / record["night"]
    writes.make_folder(folder, Kind.FOLDER, 0o700)
    made = {name: record[name] for name in made_of(project)}
    as_of = datetime.fromisoformat(record["as_of"])
    mark = Mark(as_of, record["yesterday"], made, sorted(tables.tables), record["artefacts"], [])
    building = _open(project, tables, folder, mark)
    building.again = again
    return building


def keep_text(store: Store, project: Project) -> Path:
    """A copy of the project's text in the store, once per version: what plans, causes and replays of later days read."""
    text = project.text()
    folder = store.projects / hash_of(text)
    if not folder.is_dir():
        with writes.folder_at_once(folder, Kind.PROJECT) as scratch:
            for name, content in text.items():
                writes.write_bytes(scratch / name, content, Kind.PROJECT)
    return folder


def kept_text(store: Store, text_hash: str | None) -> Project | None:
    """The project's text of that hash, where the store has a copy that can still be read."""
    try:
        return load_project(store.projects / str(text_hash))
    except PipelineError:
        return None


def open_part(
    project: Project, tables: Catalogue, selected: set[str], as_of: datetime | None = None, *, resumes: bool = False
) -> Building | None:
    """Go on with the night in the making, else with a copy of the current one, to build `selected` (the caller holds the lock).

    A part belongs to the current night unless it `resumes` a run that failed, whatever night that one was building.
    None where nothing is selected and nothing is in the making. Raises MissingArgument where there is no such night,
    where something selected reads landed facts, which a copy does not have, or where the files hold what nobody declares.
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
        folder, mark = _copy(project, store, current, known)
    keep_text(store, project)
    stale = set(mark.stale) | selected | tables.downstream(selected)
    made = {name: text if text == mark.made_of[name] else None for name, text in made_of(project).items()}
    notes = [] if FACTS_COME_FROM in selected else mark.notes
    building = _open(
        project, tables, folder, Mark(mark.as_of, mark.yesterday, made, sorted(stale), mark.artefacts, notes)
    )
    try:
        _refuse_without_facts(building, selected)
        _refuse_the_undeclared(building)
    except MissingArgument:
        building.connection.close()
        raise
    return building


def _copy(project: Project, store: Store, current: Path, as_of: datetime) -> tuple[Path, Mark]:
    """The current night in a new folder, nothing of it stale."""
    record = store.record(current)
    folder = _new_folder(store, as_of)
    for name in DATABASES:
        writes.copy(current / name, folder / name, Kind.FOLDER)
    if (current / "files").is_dir():
        writes.copy_folder(current / "files", folder / "files", Kind.FOLDER)
    texts = {name: record[name] for name in made_of(project)}
    return folder, Mark(as_of, record["yesterday"], texts, [], record["artefacts"], record["notes"])


@engine_errors_told()
def _open(project: Project, tables: Catalogue, folder: Path, mark: Mark) -> Building:
    yesterday = folder.parent / mark.yesterday if mark.yesterday else None
    if yesterday and not is_whole(yesterday):
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
        raise MissingArgument(
            f"{', '.join(needing)}: made of landed facts, which are not in this selection",
            fix=f"select {FACTS_COME_FROM} as well, with what lies downstream of it: key:{FACTS_COME_FROM}+",
        )


def _refuse_the_undeclared(building: Building) -> None:
    """A table that was removed, or has become private, would stay in the analysts' file, if only as freed blocks."""
    lie = (
        "SELECT table_catalog || '.main.' || table_name, table_type = 'VIEW' FROM information_schema.tables "
        "WHERE table_catalog IN ('warehouse', 'private')"
    )
    declared = {(table.target, table.is_view) for table in building.catalogue.tables.values()}
    strays = sorted(found[0] for found in query(building.connection, lie) if found not in declared)
    if strays:
        raise MissingArgument(
            f"{', '.join(strays)}: no longer declared there", fix="run the whole job: its files are new"
        )


def _new_folder(store: Store, as_of: datetime) -> Path:
    """A new folder of the next free name, closed to others until the commit; orphans are removed."""
    for orphan in store.orphans():
        writes.remove(orphan)
    for unfinished in sorted([*store.facts.glob(".*"), *store.projects.glob(".*")]):
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
