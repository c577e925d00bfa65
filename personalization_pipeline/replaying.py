"""`personalize run --replay`: an earlier night built again from what its night.json names, and compared with it.

Belongs here: finding the inputs, building beside the store, comparing. Does not belong here: how a night is built
(foundation.building), and Dagster: nothing is committed or delivered, and no other run waits for it.

A replay happens in the folder `replays` of the store, which is a store of its own for as long as it takes. Where the
night before has been thinned out it is built again first, and so on back to one that is whole, or to the first.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from personalization_pipeline import __version__
from personalization_pipeline.activate.manifest import manifest_path
from personalization_pipeline.foundation import night as nights
from personalization_pipeline.foundation import writes
from personalization_pipeline.foundation.artefacts import artefact_file
from personalization_pipeline.foundation.building import Again, Building, build
from personalization_pipeline.foundation.errors import InputGone
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.opening import open_again
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import Project, load_project
from personalization_pipeline.foundation.warehouse import content_hash, published_connection
from personalization_pipeline.foundation.writes import Kind
from personalization_pipeline.ingest.landing import file_key, measured
from personalization_pipeline.ingest.receipts import sources
from personalization_pipeline.publish.record import certified_files
from personalization_pipeline.publish.report import write_report

Progress = Callable[[str, str, int], None]
# What another key signs differently, and says so itself.
SIGNATURE = {"public_key", "signature"}


@dataclass(frozen=True)
class Replay:
    """What came of it: how much was compared, what differs (in words), what else is to be told, where it lies if kept."""

    night: str
    table_count: int
    file_count: int
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    folder: Path


def replay(project: Project, asked: str, *, threads: int | None, keep: bool, progress: Progress) -> Replay:
    """Build a night again. Raises InputGone naming every input that is no longer there, MissingArgument for no such night."""
    store = Store(project.store)
    scratch = Store(store.root / "replays")
    chain = _chain(store, store.find(asked, project.zone))
    with nights.locked(scratch):
        _clear(scratch)
        _link(scratch.projects, store.projects)
        try:
            replays = [_replay(project, store, scratch, folder, threads, progress) for folder in chain]
        finally:
            if not keep:
                _clear(scratch)
    return replace(
        replays[-1],
        differences=tuple(words for one in replays for words in one.differences),
        notes=tuple(words for one in replays for words in one.notes),
    )


def _chain(store: Store, folder: Path) -> list[Path]:
    """The nights to build, the oldest first: the one asked for, and those before it that are no longer whole."""
    chain = [folder]
    while (before := store.record(chain[0])["yesterday"]) and not nights.is_whole(store.nights / before):
        if not store.record(store.nights / before):
            raise InputGone(
                f"{before}, the night before {chain[0].name}, is not there",
                fix="put its folder back, at least its night.json",
                where=store.nights,
            )
        chain.insert(0, store.nights / before)
    return chain


def _clear(scratch: Store) -> None:
    for path in sorted(scratch.root.glob("*")):
        if path.name != "lock":
            writes.remove(path)


def _replay(
    project: Project, store: Store, scratch: Store, folder: Path, threads: int | None, progress: Progress
) -> Replay:
    record = store.record(folder)
    then = _project_of(project, store, scratch, folder, threads)
    again = Again(record, _found(project, record))
    gone = [*_link_facts(then, store, scratch, again), *_copy_artefacts(store, scratch, record)]
    if gone:
        raise InputGone(
            f"{folder.name} cannot be built again: {'; '.join(gone)}",
            fix="put them back as they were (landed files anywhere below the landing folder), or replay another night",
            where=folder,
        )
    before = record["yesterday"]
    if before and not (scratch.nights / before).exists():
        _link(scratch.nights / before, store.nights / before)
    tables = catalogue(then)
    building = open_again(then, tables, again)
    try:
        for name in tables.order():
            progress(tables.tables[name].phase, name, build(building, name).row_count)
        write_report(building)
        found = {
            name: content_hash(building.connection, table.target)
            for name, table in tables.tables.items()
            if not table.is_view
        }
        differences = [*_tables_differ(building, record, found), *_files_differ(folder, building)]
        nights.close(building)
    finally:
        building.connection.close()
    writes.copy(folder / "night.json", scratch.nights / folder.name / "night.json", Kind.NIGHT)
    notes = (
        [] if record["package"] == __version__ else [f"built by version {record['package']}, again by {__version__}"]
    )
    if differences and before:
        notes += _changed_since(store, before)
    files = len(certified_files(folder))
    built = scratch.nights / folder.name
    return Replay(
        folder.name, len(found), files, tuple(f"{folder.name}: {words}" for words in differences), tuple(notes), built
    )


def _project_of(project: Project, store: Store, scratch: Store, folder: Path, threads: int | None) -> Project:
    """The project as that night read it, at home where it is now, building into the scratch store."""
    wanted = store.record(folder)["project"]
    copy = store.projects / str(wanted)
    then = load_project(copy, project.home) if copy.is_dir() else project
    if then.text_hash() != wanted:
        problem = (
            "its text was changed while it was built"
            if wanted is None
            else "the copy of its project is not there, or changed"
        )
        raise InputGone(
            f"{folder.name} cannot be built again: {problem}",
            fix="replay another night" if wanted is None else "put the project's text of that night back",
            where=copy,
        )
    engine = then.settings.engine.model_copy(update={"threads": threads} if threads else {})
    places = {"landing": str(project.landing), "store": str(scratch.root), "engine": engine}
    return replace(then, settings=then.settings.model_copy(update=places))


def _found(project: Project, record: Mapping[str, Any]) -> dict[str, Path]:
    """Where the bytes of landed files lie now, by sha256: where they lay then, else anywhere below the landing folder."""
    wanted = {file["sha256"]: project.landing / file["path"] for file in record["landed"] if file["sha256"]}
    found = {sha: path for sha, path in wanted.items() if measured(path)[1] == sha}
    if len(found) < len(wanted):
        for path in sorted(project.landing.rglob("*")):
            sha = measured(path)[1]
            if sha in wanted:
                found.setdefault(sha, path)
    return found


def _link_facts(then: Project, store: Store, scratch: Store, again: Again) -> Iterator[str]:
    """Facts of landed files that are gone stand in for them; yields what has neither."""
    for file in again.record["landed"]:
        if not file["sha256"] or file["sha256"] in again.files:
            continue
        source = sources(then)[file["source"]]
        key = file_key(file["source"], source, file["sha256"])
        if (store.facts / key / "file.json").is_file():
            _link(scratch.facts / key, store.facts / key)
        else:
            yield f"{file['path']} (sha256 {file['sha256'][:16]}) is gone from the landing folder, and so are its facts"


def _copy_artefacts(store: Store, scratch: Store, record: Mapping[str, Any]) -> Iterator[str]:
    """Those that the night used, and yesterday's, where they are: a cause may ask what its model would have said."""
    before = store.record(store.nights / str(record["yesterday"])).get("artefacts", {})
    for name, key in sorted(before.items() | record["artefacts"].items()):
        kept, copy = artefact_file(store, name, key), artefact_file(scratch, name, key)
        if kept.is_file():
            writes.copy(kept, copy, Kind.ARTEFACT)
        elif record["artefacts"].get(name) == key:
            yield f"the artefact {kept.name} is gone"


def _link(link: Path, target: Path) -> None:
    writes.make_folder(link.parent)
    writes.point(link, os.path.relpath(target, link.parent))


def _tables_differ(building: Building, record: Mapping[str, Any], found: Mapping[str, str]) -> Iterator[str]:
    then = record["tables"]
    for name in sorted(then.keys() | found.keys()):
        if name not in found or name not in then:
            yield f"table {name} is there only {'then' if name in then else 'now'}"
        elif then[name]["content"] != found[name]:
            yield f"table {name} differs: {then[name]['rows']:,} rows then, {building.results[name].row_count:,} now"
    if record["notes"] != building.notes:
        yield "what was refused differs"


def _files_differ(folder: Path, building: Building) -> Iterator[str]:
    """Audience files by the sha256 that their certificates name, those that lie there still by their bytes; certificates."""
    assert building.folder is not None
    then, now = (
        {file.relative_to(root).as_posix(): file for file in certified_files(root)}
        for root in (folder, building.folder)
    )
    for name in sorted(then.keys() | now.keys()):
        if name not in then or name not in now:
            yield f"file {name} is there only {'then' if name in then else 'now'}"
            continue
        one, two = (json.loads(manifest_path(side[name]).read_bytes()) for side in (then, now))
        sha256 = hashlib.sha256(now[name].read_bytes()).hexdigest()
        kept = measured(then[name])[1] or one["content"]["sha256"]
        if not sha256 == one["content"]["sha256"] == kept:
            yield f"file {name} differs"
        changed = {key for key in one.keys() | two.keys() if one.get(key) != two.get(key)}
        if changed - SIGNATURE or (changed and one["public_key"] == two["public_key"]):
            yield f"the certificate of {name} differs in {', '.join(sorted(changed))}"
    if (folder / "report.html").is_file() and measured(folder / "report.html") != measured(
        building.folder / "report.html"
    ):
        yield "report.html differs"


def _changed_since(store: Store, before: str) -> Iterator[str]:
    """Tables of the night before that are no longer what its night.json says."""
    folder = store.nights / before
    if not nights.is_whole(folder):
        return
    connection = published_connection(folder, private=True)
    try:
        for name, table in sorted(store.record(folder)["tables"].items()):
            if content_hash(connection, name) != table["content"]:
                yield f"changed since: table {name} of {before}, which it was built on"
    finally:
        connection.close()
