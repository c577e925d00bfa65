"""A real daemon: after a run was killed, its queue lets the next one through."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from personalization_pipeline_tests.pipeline import child_nights

ROOT = Path(__file__).parents[2]
WORKSPACE = ROOT / "workspace.yaml"
SECONDS = 240
TAGS = {"personalization/as_of": "2026-07-03T00:00:00Z"}
ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def environment(project: Path) -> dict[str, str]:
    return os.environ | {
        "DAGSTER_HOME": str(project / "store" / "dagster"),
        "PERSONALIZATION_PROJECT": str(project),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


def dagster(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of Dagster's own, in the environment that the server has."""
    command = [sys.executable, "-m", "dagster", *arguments]
    return subprocess.run(command, env=environment(project), cwd=ROOT, capture_output=True, text=True, check=False)


@contextlib.contextmanager
def daemon(project: Path, log: Path) -> Iterator[None]:
    """`dagster-daemon run` for a project, for as long as the block runs."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(WORKSPACE)]
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, env=environment(project), cwd=ROOT, stdout=file, stderr=file, start_new_session=True
        )
        try:
            yield
        finally:
            # It and the code server that it has started: a session of their own.
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


@pytest.mark.slow
def test_the_workspace_loads_the_project_that_the_environment_names(demo_copy: Path, tmp_path: Path) -> None:
    done = dagster(demo_copy, "definitions", "validate", "--workspace", str(WORKSPACE))
    assert done.returncode == 0, done.stdout + done.stderr
    nowhere = tmp_path / "nowhere"
    (nowhere / "store" / "dagster").mkdir(parents=True)
    gone = dagster(nowhere, "definitions", "validate", "--workspace", str(WORKSPACE))
    assert gone.returncode != 0
    assert "is no project: it has no project.yaml" in gone.stdout + gone.stderr


@pytest.mark.slow
def test_a_killed_run_does_not_keep_the_queue_waiting(demo_copy: Path, tmp_path: Path) -> None:
    run = ("run", "--project", str(demo_copy), "--as-of", "2026-07-02")
    code, said = child_nights.run(*run, said=tmp_path / "said", PERSONALIZATION_FAULT="table:before")
    assert code == -signal.SIGKILL, said
    log = tmp_path / "daemon.log"
    launch = ("job", "launch", "--workspace", str(WORKSPACE), "--job", "nightly", "--tags", json.dumps(TAGS))
    with dg.DagsterInstance.from_config(str(demo_copy / "store" / "dagster")) as instance, daemon(demo_copy, log):
        killed = instance.get_runs(limit=1)[0].run_id
        assert status(instance, killed) is dg.DagsterRunStatus.STARTED
        launched = dagster(demo_copy, *launch)
        assert launched.returncode == 0, launched.stdout + launched.stderr
        queued = instance.get_runs(limit=1)[0].run_id
        assert queued != killed
        until = time.monotonic() + SECONDS
        while status(instance, queued) not in ENDED and time.monotonic() < until:
            time.sleep(1)
        assert status(instance, killed) is dg.DagsterRunStatus.FAILURE, log.read_text(encoding="utf-8")
        assert status(instance, queued) is dg.DagsterRunStatus.SUCCESS, log.read_text(encoding="utf-8")
    assert child_nights.record(demo_copy)["night"] == "20260703T000000Z-r1"
