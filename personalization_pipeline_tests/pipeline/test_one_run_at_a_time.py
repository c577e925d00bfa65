"""Who may build, who may read: one run holds the store, a killed one blocks nobody, analysts are never in the way."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from personalization_pipeline import schedules
from personalization_pipeline.foundation import night as nights
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline_tests.conftest import Night
from personalization_pipeline_tests.pipeline import child_nights

COUNTED = ("profiles", "features", "order_lines", "audience_waterfall")


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setattr(schedules, "MOMENT_SECONDS", 0.1)
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def started_run(instance: dg.DagsterInstance) -> str:
    """A run that says that it runs; whether it does is for others to find out."""

    @dg.job
    def nothing() -> None: ...

    run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED)
    return run.run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_a_second_run_names_the_first_and_builds_nothing(demo_copy: Path, night: Night) -> None:
    before = sorted((demo_copy / "store" / "nights").iterdir())
    with nights.locked(nights.Store(demo_copy / "store")):
        code, said = night(demo_copy, "2026-07-02")
    assert code == 2
    assert f"another run (process {os.getpid()}) is building a night\nFix: wait until it has ended" in said
    assert sorted((demo_copy / "store" / "nights").iterdir()) == before


def test_the_sensor_reports_a_killed_run_and_leaves_a_living_one_alone(
    demo_copy: Path, instance: dg.DagsterInstance
) -> None:
    project = load_project(demo_copy)
    sensor: Any = schedules.killed_runs_sensor(project, schedules.nightly_job())
    with dg.build_sensor_context(instance=instance) as context:
        assert sensor(context).skip_message == "no killed run"
        run_id = started_run(instance)
        with nights.locked(nights.Store(project.store)):
            assert sensor(context).skip_message == "no killed run"
        assert status(instance, run_id) is dg.DagsterRunStatus.STARTED
        assert sensor(context).skip_message == "1 killed runs reported"
    assert status(instance, run_id) is dg.DagsterRunStatus.FAILURE


def test_a_run_that_is_just_starting_or_ending_is_not_taken_for_killed(
    demo_copy: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, run_id = load_project(demo_copy), started_run(instance)
    with contextlib.ExitStack() as starting:
        lock = nights.locked(nights.Store(project.store))
        monkeypatch.setattr(time, "sleep", lambda seconds: starting.enter_context(lock))
        assert schedules.free_killed_runs(instance, project) == 0

    def end(seconds: float) -> None:
        instance.report_run_canceled(instance.get_run_by_id(run_id))  # type: ignore[arg-type]

    monkeypatch.setattr(time, "sleep", end)
    assert schedules.free_killed_runs(instance, project) == 0
    assert status(instance, run_id) is dg.DagsterRunStatus.CANCELED


def read_all_night_long(store: Path, ready: Event, stop: Event, answers: Any) -> None:
    """An analyst: keeps one connection open, opens others, and compares what they count with night.json."""
    held = (store / "current").resolve()
    seen = set()
    with contextlib.closing(published_connection(store / "current")) as connection:
        at_first = counts(connection)
        while not stop.is_set():
            folder = (store / "current").resolve()
            tables = json.loads((folder / "night.json").read_text(encoding="utf-8"))["tables"]
            with contextlib.closing(published_connection(folder)) as fresh:
                assert counts(fresh) == {name: tables[name]["rows"] for name in COUNTED}
            assert counts(connection) == at_first
            seen.add(folder.name)
            ready.set()
        answers.put((held.name, at_first, counts(connection), sorted(seen)))


def counts(connection: Any) -> dict[str, int]:
    return {name: query(connection, f"SELECT count(*) FROM {name}")[0][0] for name in COUNTED}


def test_an_analyst_keeps_her_night_and_never_blocks_the_next(demo_copy: Path, night: Night) -> None:
    context = child_nights.forking()
    ready, stop, answers = context.Event(), context.Event(), context.Queue()
    analyst = context.Process(target=read_all_night_long, args=(demo_copy / "store", ready, stop, answers))
    analyst.start()
    assert ready.wait(child_nights.SECONDS)
    ready.clear()
    old = child_nights.record(demo_copy)
    code, said = night(demo_copy, "2026-11-22")
    assert code == 0, said
    ready.clear()
    assert ready.wait(child_nights.SECONDS), "she reads on after the commit"
    stop.set()
    held, at_first, at_last, seen = answers.get(timeout=child_nights.SECONDS)
    analyst.join(child_nights.SECONDS)
    new = child_nights.record(demo_copy)
    assert held == old["night"]
    assert at_first == at_last == {name: old["tables"][name]["rows"] for name in COUNTED}
    assert at_last != {name: new["tables"][name]["rows"] for name in COUNTED}
    assert seen == [old["night"], new["night"]]
