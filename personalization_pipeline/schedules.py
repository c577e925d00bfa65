"""When nights run by themselves, and what frees the queue after a run that was killed.

Belongs here: the jobs, the schedule, the sensor. Does not belong here: what a night does.
"""

import time
from datetime import UTC
from typing import Any

import dagster as dg

from personalization_pipeline.foundation import night
from personalization_pipeline.foundation.assets import AS_OF_TAG, current_database
from personalization_pipeline.foundation.clock import local_date
from personalization_pipeline.foundation.errors import StoreLocked
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.publish.delivery import undelivered
from personalization_pipeline.publish.record import is_unchanged

# Dagster gives this type no public name.
Job = Any
JOB = "nightly"
MOMENT_SECONDS = 5.0


def nightly_job() -> Job:
    """One job: every asset, in one process."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        description="One night: ingest, resolve, segment, analyze, activate, publish",
    )


def training_job(project: Project) -> Job:
    """The same night with models learned anew, what `personalize run --train` does: asked for, never scheduled."""
    warehouse = {"database": current_database(project), "project": str(project.folder), "train": True}
    return dg.define_asset_job(
        "training",
        selection=dg.AssetSelection.all(),
        config={"resources": {"warehouse": {"config": warehouse}}},
        description="A night whose models are learned anew, from what it knows; every other night goes on with them",
    )


def nightly_schedule(project: Project, job: Job) -> dg.ScheduleDefinition:
    """Every day at the project's hour in its zone, and before it the nights that were missed, each as a run of its own.

    A night that stands, unchanged and delivered, is skipped, in words. A night is asked for once, whatever became of it.
    """
    settings = project.settings

    @dg.schedule(
        name=JOB,
        job=job,
        cron_schedule=f"0 {settings.schedule_hour} * * *",
        execution_timezone=settings.time_zone,
        description="Every night at the project's hour",
    )
    def _schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        tick = context.scheduled_execution_time.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        as_of = night.choose_as_of(project, None, tick)
        current = night.Store(project.store).current()
        if current and is_unchanged(project, as_of) and not undelivered(project, current):
            return dg.SkipReason(
                f"the night of {as_of.isoformat()}Z stands: delivered, and nothing that it is made of has changed"
            )
        today = local_date(as_of, project.zone)
        earlier = [moment for moment in night.missed(project, tick) if local_date(moment, project.zone) < today]
        moments = [f"{moment.isoformat()}Z" for moment in [*earlier, as_of]]
        return [dg.RunRequest(run_key=moment, tags={AS_OF_TAG: moment}) for moment in moments]

    return _schedule


def killed_runs_sensor(project: Project, job: Job) -> dg.SensorDefinition:
    """Report runs as failed that are said to run while nobody holds the store: their process was killed.

    Without it one killed run keeps the queue (one run at a time) waiting for ever.
    """

    @dg.sensor(
        name="killed_runs",
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Frees the queue after a run whose process was killed",
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        freed = free_killed_runs(context.instance, project)
        return dg.SkipReason(f"{freed} killed runs reported" if freed else "no killed run")

    return _sensor


def free_killed_runs(instance: dg.DagsterInstance, project: Project) -> int:
    """Report runs as failed that are STARTED, now and a moment later, while the store is free; returns how many."""
    suspects = _started(instance)
    if not suspects or not _is_free(project):
        return 0
    # A run says that it starts before it takes the store, and that it ends after it has given it back.
    time.sleep(MOMENT_SECONDS)
    killed = suspects.keys() & _started(instance).keys() if _is_free(project) else set()
    for run_id in sorted(killed):
        instance.report_run_failed(suspects[run_id], "its process was killed; the store is free again")
    return len(killed)


def _started(instance: dg.DagsterInstance) -> dict[str, dg.DagsterRun]:
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    return {run.run_id: run for run in runs}


def _is_free(project: Project) -> bool:
    try:
        with night.locked(night.Store(project.store)):
            return True
    except StoreLocked:
        return False
