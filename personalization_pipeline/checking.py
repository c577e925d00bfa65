"""`personalize check`: a whole project tried without data.

Belongs here: what is tried, in which order. Does not belong here: the trying itself (each room knows its own).
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from personalization_pipeline.activate.audiences import audience_rules, offer_rules
from personalization_pipeline.activate.formats import format_for
from personalization_pipeline.foundation.building import rehearse
from personalization_pipeline.foundation.night import Store, is_whole
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.ingest.birth_dates import unread_in_landing
from personalization_pipeline.ingest.mapping import check_sources
from personalization_pipeline.ingest.steps import EMPTY_FACTS
from personalization_pipeline.resolve.components import cut_of
from personalization_pipeline.resolve.overrides import overrides
from personalization_pipeline.segment.steps import segment_rules


def check_project(project: Project) -> dict[str, int]:
    """Raise the first refusal, or return how many of each kind are good."""
    check_sources(project)
    for name, destination in project.destinations.items():
        format_for(destination, Path(project.file("destinations", name)))
    tables = catalogue(project)
    rehearsal = rehearse(project, tables, EMPTY_FACTS)
    try:
        overrides(project, rehearsal.columns("compared_records"))
        cut_of(project)
        return {
            "sources": len(project.sources),
            "tables": len(tables.tables),
            "features of the project": len(project.features),
            "segments": len(segment_rules(rehearsal)),
            "audiences": len(audience_rules(rehearsal)),
            "destinations": len(project.destinations),
            "offers": len(offer_rules(rehearsal)),
            "corrections": len(project.links),
        }
    finally:
        rehearsal.connection.close()


def notes(project: Project) -> list[str]:
    """What is no error, and yet should be known: birth dates in landed files that the declared format does not read, and
    corrections that the last night, where there is one, could not follow.
    """
    return [*unread_in_landing(project), *_waiting_corrections(project)]


def _waiting_corrections(project: Project) -> list[str]:
    night = Store(project.store).current()
    if not project.links or night is None or not is_whole(night):
        return []
    keys = {key for link in project.links.values() for key in link.pair}
    with contextlib.closing(published_connection(night, private=True)) as connection:
        sql = "SELECT record_key FROM records WHERE record_key IN (SELECT unnest(?))"
        there = {key for (key,) in query(connection, sql, [sorted(keys)])}
    waiting = [number for number, link in project.links.items() if not there.issuperset(link.pair)]
    if not waiting:
        return []
    lines = ", ".join(map(str, waiting))
    named = f"{len(waiting)} of {len(project.links)} corrections names a record that the last night does not have"
    return [f"{named} (line {lines}): it is followed when the record is there"]
