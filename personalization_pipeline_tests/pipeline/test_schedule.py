"""The schedule: a night at the project's hour, asked for once, skipped in words when it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.schedules import nightly_job, nightly_schedule

TICK = datetime(2026, 7, 4, 0, 0, tzinfo=UTC)


def tick(project: Path) -> Any:
    """What the schedule answers at two in the morning of 4 July in Berlin."""
    schedule = nightly_schedule(load_project(project), nightly_job())
    with dg.DagsterInstance.ephemeral() as instance:
        return schedule(dg.build_schedule_context(instance=instance, scheduled_execution_time=TICK))


def test_a_night_that_stands_is_skipped_in_words(demo_night: Path) -> None:
    answer = tick(demo_night)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == (
        "the night of 2026-07-01T02:00:00Z stands: delivered, and nothing that it is made of has changed"
    )


def test_an_undelivered_night_is_run_again(demo_copy: Path) -> None:
    for receipt in (demo_copy / "landing" / "_receipts").iterdir():
        receipt.unlink()
    (request,) = tick(demo_copy)
    assert request.run_key == "2026-07-01T02:00:00Z"


def test_the_tick_is_the_moment_of_the_night_unless_the_project_pins_one(demo_copy: Path) -> None:
    settings = demo_copy / "project.yaml"
    pinned = settings.read_text(encoding="utf-8")
    settings.write_text(pinned.replace("as_of: 2026-07-01T02:00:00Z\n", ""), encoding="utf-8")
    request = tick(demo_copy)[-1]
    assert request.tags["personalization/as_of"] == request.run_key == "2026-07-04T00:00:00Z"


def test_it_ticks_at_the_hour_of_the_project_in_its_zone(demo_night: Path) -> None:
    schedule = nightly_schedule(load_project(demo_night), nightly_job())
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "Europe/Berlin")
