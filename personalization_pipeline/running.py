"""`personalize run`: the nightly job without a server, with a progress display and a closing table.

Belongs here: starting the job in this process and saying how it went. Does not belong here: what the job does.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from personalization_pipeline import PHASES
from personalization_pipeline.checking import check_project
from personalization_pipeline.foundation import clock, night, writes
from personalization_pipeline.foundation.errors import PipelineError
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.run_log import unhurried
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.publish.delivery import deliver
from personalization_pipeline.publish.record import is_unchanged

DAGSTER_YAML = """\
# One writer at a time; nothing is sent anywhere; no pop-ups.
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  runs: {max_concurrent_runs: 1}
run_monitoring: {enabled: true, free_slots_after_run_end_seconds: 1}
"""
# We tell failures ourselves; Dagster's own log of the run lies in DAGSTER_HOME.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run_night(project: Project, as_of: str, *, train: bool, out: Console, err: Console) -> int:
    """Build one night; returns the exit code (0 committed, 3 committed with refusals, 2 not committed)."""
    started = time.monotonic()
    store = night.Store(project.store)
    check_project(project)
    moment = night.choose_as_of(project, as_of or None)
    if not train and is_unchanged(project, moment):
        current = store.current()
        assert current is not None
        pending = [delivery for delivery in deliver(project, current) if delivery.is_new]
        out.print(
            f"{current.name} stands: nothing that it is made of has changed."
            + (f" Delivered {len(pending)} files." if pending else "")
        )
        return _tell_refusals(current, store.record(current), err)
    before = store.current()
    with writes.full_disk_told(store.root):
        failures, seconds = _execute(project, f"{moment.isoformat()}Z", train, err)
    current = store.current()
    if failures:
        _tell_failures(failures, is_committed=current != before, err=err)
    if current is None or (failures and current == before):
        return 2
    _closing_table(project, current, seconds, time.monotonic() - started, out)
    _tell_figures(current, err)
    return max(3 if failures else 0, _tell_refusals(current, store.record(current), err))


def catch_up(project: Project, until: str, *, out: Console, err: Console) -> int:
    """Build every night that was missed until then (default: now), the oldest first, stopping at the first that fails."""
    end = clock.read_as_of(until, project.zone, project.settings.schedule_hour) if until else clock.now()
    moments = night.missed(project, end)
    if not moments:
        pinned = project.settings.as_of
        out.print("the project pins its as_of: it has one night" if pinned else "no night was missed")
        return 0
    worst = 0
    for number, moment in enumerate(moments, 1):
        out.print(f"night {number} of {len(moments)}: {moment.isoformat()}Z", style="bold")
        code = run_night(project, f"{moment.isoformat()}Z", train=False, out=out, err=err)
        if code == 2:
            return code
        worst = max(worst, code)
    return worst


def replay_night(project: Project, asked: str, *, threads: int | None, keep: bool, out: Console, err: Console) -> int:
    """Build an earlier night again and compare; returns the exit code (0 equal, 1 something differs)."""
    from personalization_pipeline.replaying import replay

    with _progress(err) as bar:
        display = _Display(bar, dict.fromkeys(PHASES, 0.0))
        found = replay(project, asked, threads=threads, keep=keep, progress=display)
    for note in found.notes:
        err.print(note, style="yellow", markup=False)
    if keep:
        out.print(f"built again in {found.folder}")
    if found.differences:
        for words in found.differences:
            err.print(words, style="red", markup=False)
        return 1
    out.print(f"{found.night} equal: {found.table_count} tables, {found.file_count} files")
    return 0


def dagster_home(project: Project) -> Path:
    """DAGSTER_HOME of a project: <store>/dagster, with its settings."""
    home = night.Store(project.store).root / "dagster"
    if not (home / "dagster.yaml").is_file():
        writes.make_folder(home)
        writes.write_text(home / "dagster.yaml", DAGSTER_YAML, writes.Kind.PROJECT)
    return home


def _execute(project: Project, as_of: str, train: bool, err: Console) -> tuple[Sequence[Any], dict[str, float]]:
    """Run the job in this process; returns the events of what failed, and the seconds of each phase."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    os.environ["DAGSTER_HOME"] = str(dagster_home(project))
    import dagster as dg

    from personalization_pipeline.definitions import build
    from personalization_pipeline.foundation.assets import AS_OF_TAG, warehouse_of
    from personalization_pipeline.schedules import JOB, free_killed_runs

    seconds = dict.fromkeys(PHASES, 0.0)
    with unhurried(), dg.DagsterInstance.get() as instance, _progress(err) as bar:
        killed = free_killed_runs(instance, project)
        if killed:
            err.print(f"{killed} earlier runs were killed; Dagster now lists them as failed", style="yellow")
        warehouse = warehouse_of(project, train=train)
        definitions = build(project.folder, progress=_Display(bar, seconds), resources={"warehouse": warehouse})
        job = definitions.resolve_job_def(JOB)
        result = job.execute_in_process(
            run_config=QUIET, tags={AS_OF_TAG: as_of}, instance=instance, raise_on_error=False
        )
    if result.success:
        return [], seconds
    return result.get_step_failure_events() or result.filter_events(lambda event: event.is_failure), seconds


class _Display:
    """Moves the bar and adds up the seconds of each phase."""

    def __init__(self, bar: Progress, seconds: dict[str, float]) -> None:
        self.bar, self.seconds, self.last = bar, seconds, time.monotonic()
        self.task = bar.add_task("starting")

    def __call__(self, phase: str, table: str, row_count: int) -> None:
        now = time.monotonic()
        self.seconds[phase] += now - self.last
        self.last = now
        self.bar.update(self.task, description=f"{phase:<9}{table} ({row_count:,})")
        if not self.bar.console.is_terminal:
            self.bar.console.print(f"{phase:<9}{table:<24}{row_count:>12,}")


def _progress(err: Console) -> Progress:
    return Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=err, transient=True)


def _tell_failures(failures: Sequence[Any], *, is_committed: bool, err: Console) -> None:
    """Our own words for what we refuse; for anything else the engine's, which name the step."""
    for event in failures:
        data = event.event_specific_data
        error = getattr(data, "error", None)
        cause = error.cause if error and error.cause else error
        message = cause.message if cause else event.message
        name = (cause.cls_name or "") if cause else ""
        known = any(name == kind.__name__ for kind in _kinds(PipelineError))
        text = message.split(": ", 1)[1] if known and message else f"{event.step_key or 'run'} failed: {message}"
        err.print(str(text).strip(), style="red", markup=False)
        if "\nFix: " not in str(text):
            outcome = "the night stands, the next run delivers it" if is_committed else "nothing was committed"
            err.print(f"Fix: look at the run in the Dagster UI (make ui); {outcome}", style="red")


def _kinds(kind: type[PipelineError]) -> list[type[PipelineError]]:
    return [kind, *(inner for sub in kind.__subclasses__() for inner in _kinds(sub))]


def _tell_refusals(current: Path, record: dict[str, Any], err: Console) -> int:
    for warning in record["warnings"]:
        err.print(f"warning: {warning}", style="yellow", markup=False)
    if record["warnings"]:
        err.print(f"Fix: look at these tables in {current / 'report.html'}; the night stands", style="yellow")
    for note in record["notes"]:
        err.print(note, style="yellow", markup=False)
    return 3 if record["refused"] else 0


def _tell_figures(current: Path, err: Console) -> None:
    """What is too much about who is one person, each with its remedy."""
    with contextlib.closing(published_connection(current)) as connection:
        found = query(
            connection,
            "SELECT concat_ws(', ', figure, nullif(subject, '')), format('{:,}', CAST(tonight_value AS DOUBLE)), "
            "'when learned ' || format('{:,}', CAST(learned_value AS DOUBLE)), remedy FROM identity_figures "
            "WHERE state = 'beyond its bound' ORDER BY ALL",
        )
    for figure, tonight, before, remedy in found:
        told = f"{tonight} ({before})" if before else tonight
        err.print(f"warning: who is one person: {figure}: {told}\nFix: {remedy}", style="yellow", markup=False)


def _closing_table(project: Project, current: Path, seconds: dict[str, float], total: float, out: Console) -> None:
    connection = published_connection(current, private=True)
    try:
        landed, kept = query(connection, "SELECT coalesce(sum(row_count), 0), coalesce(sum(kept_count), 0) FROM files")[
            0
        ]
        records, people, merged, anonymous = query(
            connection,
            "SELECT sum(record_count), count(*) FILTER (kind = 'known'), count(*) FILTER (record_count > 1), "
            "count(*) FILTER (kind = 'anonymous') FROM people",
        )[0]
        doubted = query(
            connection,
            "SELECT tonight_value FROM identity_figures "
            "WHERE figure = 'links expected to be wrong' AND subject = 'by their weights'",
        )[0][0]
        members = query(connection, "SELECT count(DISTINCT segment), count(*) FROM segment_members")[0]
        scored = query(connection, "SELECT count(*) FROM scores")[0][0]
        audiences = query(
            connection,
            "SELECT audience, destination, count(*), count(*) FILTER (outcome = 'delivered') FROM audience_waterfall "
            "GROUP BY 1, 2 ORDER BY 1, 2",
        )
    finally:
        connection.close()
    words = {
        "ingest": f"{landed:,} rows landed, {kept:,} kept",
        "resolve": f"{records:,} records are {people:,} people, {merged:,} of them merged; {anonymous:,} are anonymous"
        + ("" if doubted is None else f"; of the links {doubted:.2%} are expected to be wrong"),
        "segment": f"{members[1]:,} memberships in {members[0]} segments",
        "analyze": f"{scored:,} people scored",
        "activate": "; ".join(f"{name} to {to}: {qualified:,} -> {sent:,}" for name, to, qualified, sent in audiences),
        "publish": f"night {current.name}",
    }
    table = RichTable(
        "phase", "what came of it", "seconds", title=f"{project.settings.name}: one night in {total:.0f} s"
    )
    for phase in PHASES:
        table.add_row(phase, words[phase], f"{seconds[phase]:.1f}")
    out.print(table)
    pointer = night.Store(project.store).pointer
    out.print(
        f"analysts' file  {pointer / 'warehouse.duckdb'}\nreport          {pointer / 'report.html'}\naudience files  {pointer / 'files'}"
    )
