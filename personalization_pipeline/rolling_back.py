"""`personalize rollback`: an earlier whole night becomes the current one again; the one step is the pointer.

Belongs here: which night, and what that changes in words. Does not belong here: deleting anything: the nights that were
rolled back stay in their folders, and so do the receipts of what they sent. Naming a later night undoes a rollback.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from personalization_pipeline.foundation import night, writes
from personalization_pipeline.foundation.errors import MissingArgument
from personalization_pipeline.foundation.mark import MARK
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.ingest.receipts import RECEIPTS

# What a person asks about first.
COUNTED = ("records", "people", "orders", "segment_members", "audience_members")


def roll_back(project: Project, asked: str = "") -> list[str]:
    """Repoint `current` to another whole night, the one before it unless one is named; returns what that changes, in words.

    Raises MissingArgument where there is no such night or it has been thinned out, StoreLocked while a run holds the store.
    """
    store = Store(project.store)
    with night.locked(store):
        current = store.current()
        if current is None:
            raise MissingArgument("there is no night yet", fix="run one: personalize run", where=store.root)
        # A run that was killed right after its commit has left the mark: away from `current` it would mean an orphan.
        writes.remove(current / MARK)
        target = _target(store, current, store.find(asked, project.zone) if asked else None)
        writes.point(store.pointer, os.path.relpath(target, store.root))
    return list(_in_words(project, store, current, target))


def _target(store: Store, current: Path, asked: Path | None) -> Path:
    committed = store.committed()
    whole = [folder for folder in committed if night.is_whole(folder) and folder != current]
    earlier = [folder for folder in whole if committed.index(folder) < committed.index(current)]
    target = asked or (earlier[-1] if earlier else None)
    if target not in whole:
        words = (
            "no whole night lies before"
            if target is None
            else "is the current night already"
            if target == current
            else ""
        )
        names = ", ".join(folder.name for folder in whole) or "none"
        raise MissingArgument(
            f"{(target or current).name}: {words or 'of this night only its record and its certificates are left'}",
            fix=f"whole are: {names} (retention.nights in project.yaml says how many are kept)",
            where=store.nights,
        )
    assert target is not None
    return target


def _in_words(project: Project, store: Store, before: Path, after: Path) -> Iterator[str]:
    one, two = store.record(before), store.record(after)
    yield f"current is {after.name} (as of {two['as_of']}Z); it was {before.name} (as of {one['as_of']}Z), which stays in its folder"
    for name in COUNTED:
        then, now = (record["tables"].get(name, {}).get("rows", 0) for record in (one, two))
        yield f"{name:<20}{then:>10,} -> {now:,}"
    sent = len(list((project.landing / RECEIPTS).glob("*.json")))
    yield f"what was sent stays sent: {sent:,} receipts in {project.landing / RECEIPTS}; the next run follows {after.name}"
