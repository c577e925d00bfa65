"""A selection of assets, materialised through Dagster: it rebuilds its part, and nothing half true is published."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from personalization_pipeline.definitions import build
from personalization_pipeline.foundation.assets import warehouse_of
from personalization_pipeline.foundation.mark import read_mark
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.phases import Catalogue, catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.schedules import JOB
from personalization_pipeline_tests.conftest import Night
from personalization_pipeline_tests.pipeline import child_nights

PUBLISH = {"gate", "report", "committed_night", "pushed_files"}


def job_of_the_project() -> Any:
    """The nightly job of the project that PERSONALIZATION_PROJECT names: what a Dagster server runs."""
    return build().resolve_job_def(JOB)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def materialise(project: Path, selected: Iterable[str], instance: dg.DagsterInstance) -> str:
    """Materialise these assets; returns what the failed step or set-up said, empty where all went well."""
    result = (
        build(project)
        .resolve_job_def(JOB)
        .execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey(name) for name in selected], raise_on_error=False
        )
    )
    failures = [event.event_specific_data for event in result.all_events if event.is_failure]
    errors = [error for data in failures if (error := getattr(data, "error", None))]
    return "".join((error.cause or error).message for error in errors) or ("" if result.success else "failed")


def tables_of(project: Path) -> Catalogue:
    return catalogue(load_project(project))


def opened(project: Path, run: dg.DagsterRun) -> set[str]:
    """Open the night that a run means, and close it before anything is built; returns what is stale."""
    context: Any = SimpleNamespace(run=run)
    warehouse = warehouse_of(load_project(project))
    warehouse.setup_for_execution(context)
    stale = warehouse.building.stale
    warehouse.teardown_after_execution(context)
    return stale


def stale_in(project: Path) -> set[str]:
    """What the mark of the night in the making calls stale."""
    (folder,) = Store(project / "store").orphans()
    mark = read_mark(folder)
    assert mark is not None
    return set(mark.stale)


@pytest.mark.slow
def test_a_part_leaves_stale_what_reads_it_and_the_gate_refuses_that(
    demo_copy: Path, instance: dg.DagsterInstance
) -> None:
    before = child_nights.record(demo_copy)
    downstream = tables_of(demo_copy).downstream({"rfm"})
    assert downstream > {"scores", "profiles", "ledger"}
    assert materialise(demo_copy, ["rfm"], instance) == ""
    assert stale_in(demo_copy) == downstream
    said = materialise(demo_copy, PUBLISH, instance)
    assert "GateRefused" in said
    assert all(f"{name} is stale" in said for name in downstream)
    # What is built upon something stale is stale itself; what comes before it is built first.
    assert materialise(demo_copy, downstream - {"scores"}, instance) == ""
    assert stale_in(demo_copy) == {"scores"} | tables_of(demo_copy).downstream({"scores"})
    assert child_nights.record(demo_copy) == before
    assert materialise(demo_copy, downstream | PUBLISH, instance) == ""
    after = child_nights.record(demo_copy)
    assert (before["night"][-2:], after["night"][-2:]) == ("r1", "r2")
    assert after == before | {"night": after["night"]}
    assert child_nights.contents(demo_copy) == {name: table["content"] for name, table in after["tables"].items()}


@pytest.mark.slow
def test_a_night_made_of_two_texts_says_so_and_is_built_again(
    demo_copy: Path, instance: dg.DagsterInstance, night: Night
) -> None:
    segment = demo_copy / "segments" / "regulars.yaml"
    before = child_nights.record(demo_copy)["tables"]
    segment.write_text(segment.read_text(encoding="utf-8").replace("where: ", "where: true or "), encoding="utf-8")
    changed = {"segment_members"} | tables_of(demo_copy).downstream({"segment_members"})
    assert materialise(demo_copy, changed | PUBLISH, instance) == ""
    part = child_nights.record(demo_copy)
    assert part["project"] is None
    assert part["tables"]["segment_members"]["rows"] > before["segment_members"]["rows"]
    code, said = night(demo_copy)
    assert code == 0, said
    whole = child_nights.record(demo_copy)
    assert whole["night"].endswith("-r3")
    assert whole["tables"] == part["tables"]


def test_landed_facts_need_the_table_that_reads_the_landing(demo_copy: Path, instance: dg.DagsterInstance) -> None:
    current = Store(demo_copy / "store").current()
    said = materialise(demo_copy, ["contacts", "rfm"], instance)
    assert "contacts: made of landed facts, which are not in this selection\nFix: select files as well" in said
    assert materialise(demo_copy, ["files"], instance) == ""
    # The night in the making is gone on with: the facts are there now.
    assert materialise(demo_copy, ["contacts"], instance) == ""
    assert not stale_in(demo_copy) & {"files", "contacts"}
    assert Store(demo_copy / "store").current() == current


def test_a_whole_run_starts_anew_and_removes_what_was_in_the_making(
    demo_copy: Path, instance: dg.DagsterInstance
) -> None:
    assert materialise(demo_copy, ["rfm"], instance) == ""
    (part,) = Store(demo_copy / "store").orphans()
    assert set(opened(demo_copy, dg.DagsterRun(job_name=JOB))) == set(tables_of(demo_copy).tables)
    (whole,) = Store(demo_copy / "store").orphans()
    assert (part.name, whole.name) == ("20260701T020000Z-r2", "20260701T020000Z-r2")
    mark = read_mark(whole)
    assert mark is not None
    assert (mark.yesterday, len(mark.stale)) == (None, len(tables_of(demo_copy).tables)), "nothing of the part is left"


def test_what_is_no_longer_declared_needs_new_files(demo_copy: Path, instance: dg.DagsterInstance) -> None:
    feature = demo_copy / "features" / "age.sql"
    feature.parent.mkdir(exist_ok=True)
    text = "-- One row per person.\n-- feature\nSELECT person_id, 1 AS one_count\nFROM people\n"
    feature.write_text(text, encoding="utf-8")
    assert materialise(demo_copy, ["age"], instance) == ""
    feature.write_text(text.replace("-- feature\n", "-- feature\n-- private\n"), encoding="utf-8")
    said = materialise(demo_copy, ["age"], instance)
    assert "warehouse.main.age: no longer declared there\nFix: run the whole job: its files are new" in said


def test_a_part_that_a_schedule_asks_for_names_assets_and_no_steps(demo_copy: Path) -> None:
    # As the daemon makes it: which steps that means is left to whoever executes it.
    asked = frozenset({dg.AssetKey("rfm"), dg.AssetKey("gate")})
    stale = opened(demo_copy, dg.DagsterRun(job_name=JOB, asset_selection=asked))
    assert stale == {"rfm"} | tables_of(demo_copy).downstream({"rfm"})


def test_only_the_current_night_is_rebuilt_in_part(demo_copy: Path, instance: dg.DagsterInstance) -> None:
    job = build(demo_copy).resolve_job_def(JOB)
    chosen = [dg.AssetKey("rfm")]
    later = {"personalization/as_of": "2026-08-01T02:00:00Z"}
    with pytest.raises(dg.DagsterResourceFunctionError) as error:
        job.execute_in_process(instance=instance, asset_selection=chosen, tags=later)
    assert "only the current night can be rebuilt in part, that of 2026-07-01T02:00:00Z" in str(error.value.__cause__)
    assert "no night is in the making" in materialise(demo_copy, ["gate"], instance)
    assert materialise(demo_copy, ["pushed_files"], instance) == "", "what is committed can always be delivered"


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with_by_retrying_it_from_where_it_failed(
    demo_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, night: Night
) -> None:
    run = ("run", "--project", str(demo_copy), "--as-of", "2026-07-02")
    code, said = child_nights.run(*run, said=tmp_path / "killed", PERSONALIZATION_FAULT="file:before")
    assert code == -signal.SIGKILL, said
    monkeypatch.setenv("PERSONALIZATION_PROJECT", str(demo_copy))
    with dg.DagsterInstance.from_config(str(demo_copy / "store" / "dagster")) as instance:
        (killed,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        instance.report_run_failed(killed)
        again = dg.ReexecutionOptions.from_failure(killed.run_id, instance)
        with dg.execute_job(dg.reconstructable(job_of_the_project), instance, reexecution_options=again) as result:
            assert result.success
            steps = {event.step_key for event in result.all_events if event.step_key}
    assert "audience_waterfall" in steps
    assert not steps & {"files", "edges", "profiles"}, "what was built is not built again"
    assert child_nights.record(demo_copy)["night"] == "20260702T000000Z-r1"
    _, said = night(demo_copy, "2026-07-02")
    assert "nothing that it is made of has changed" in said
