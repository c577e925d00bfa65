"""The only module that knows all phases: a project becomes Dagster definitions.

Belongs here: putting together. Does not belong here: the wiring of one table or phase (assets), when nights run (schedules).

Dagster loads `defs` for the project that PERSONALIZATION_PROJECT names (default: the demo); several projects are
several code locations. Tests and the command call `build` with what they want to replace.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_duckdb import DuckDBResource

from personalization_pipeline import PHASES
from personalization_pipeline.foundation.assets import Progress, current_database, phase_assets, warehouse_of
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import find_project, load_project
from personalization_pipeline.publish.assets import assets as publish_assets
from personalization_pipeline.schedules import killed_runs_sensor, nightly_job, nightly_schedule, training_job


def _silent(phase: str, table: str, row_count: int) -> None:
    """No progress display: Dagster shows its own."""


def build(
    folder: Path | None = None, *, progress: Progress = _silent, resources: Mapping[str, Any] | None = None
) -> dg.Definitions:
    """Definitions of one project: assets of all phases, the nightly job with its schedule, one that trains, the warehouse.

    `progress` is told each table that was made; `resources` replace or add to the project's own.
    """
    project = load_project(folder)
    tables = catalogue(project)
    job = nightly_job()
    own = {
        "warehouse": warehouse_of(project),
        # For assets that engineers add themselves: the current night, read-only.
        "current_night": DuckDBResource(
            database=current_database(project), connection_config={"access_mode": "READ_ONLY"}
        ),
    }
    return dg.Definitions(
        assets=[
            *(asset for phase in PHASES for asset in phase_assets(tables, phase, progress)),
            *publish_assets(tables, progress),
        ],
        jobs=[job, training_job(project)],
        schedules=[nightly_schedule(project, job)],
        sensors=[killed_runs_sensor(project, job)],
        resources={**own, **(resources or {})},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What Dagster loads."""
    return build(find_project())
