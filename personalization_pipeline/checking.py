"""`personalize check`: a whole project tried without data.

Belongs here: what is tried, in which order. Does not belong here: the trying itself (each room knows its own).
"""

from __future__ import annotations

from pathlib import Path

from personalization_pipeline.activate.audiences import audience_rules, offer_rules
from personalization_pipeline.activate.formats import format_for
from personalization_pipeline.foundation.building import rehearse
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.ingest.mapping import check_sources
from personalization_pipeline.ingest.steps import EMPTY_FACTS
from personalization_pipeline.segment.steps import segment_rules


def check_project(project: Project) -> dict[str, int]:
    """Raise the first refusal, or return how many of each kind are good."""
    check_sources(project)
    for name, destination in project.destinations.items():
        format_for(destination, Path(project.file("destinations", name)))
    tables = catalogue(project)
    rehearsal = rehearse(project, tables, EMPTY_FACTS)
    try:
        return {
            "sources": len(project.sources),
            "tables": len(tables.tables),
            "features of the project": len(project.features),
            "segments": len(segment_rules(rehearsal)),
            "audiences": len(audience_rules(rehearsal)),
            "destinations": len(project.destinations),
            "offers": len(offer_rules(rehearsal)),
        }
    finally:
        rehearsal.connection.close()
