"""An identity artefact of a project's own, learned before anything is timed.

Belongs here: that night which only learns. Does not belong here: what learning costs (million_records).
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from personalization_pipeline.foundation.artefacts import text_of
from personalization_pipeline.foundation.building import build
from personalization_pipeline.foundation.opening import open_night
from personalization_pipeline.foundation.overlay import needed
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import frame
from personalization_pipeline.foundation.writes import Kind, write_text
from personalization_pipeline.resolve.identity_model import train


def learn_identity(folder: Path, as_of: datetime) -> None:
    """Pin what is learned from what has landed in a project that has no night yet; it has none afterwards."""
    project = load_project(folder)
    tables = catalogue(project)
    building = open_night(project, tables, as_of)
    wanted = needed(tables, {"compared_records"}, ())[0]
    for name in (name for name in tables.order() if name in wanted):
        build(building, name)
    records = frame(building.connection, "FROM compared_records")
    building.connection.close()
    # The first night finds nothing that is read already.
    shutil.rmtree(project.store)
    write_text(folder / "artefacts" / "identity.json", text_of(train(records, seed=1)), Kind.PROJECT)
