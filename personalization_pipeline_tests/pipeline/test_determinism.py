"""The same inputs make the same night: whatever the threads, the order of files, the clock, the locale, the hash seed."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from personalization_pipeline.foundation.night import Store
from personalization_pipeline.starting import start_demo
from personalization_pipeline_tests.pipeline import child_nights
from personalization_pipeline_tests.pipeline.child_nights import ELSEWHERE

PEOPLE = 300


def the_same_project_elsewhere(project: Path, folder: Path, seed: int) -> Path:
    """A copy without its store, whose landed files were made in another order and at other times."""
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("store", "landing"))
    landed = sorted(p for p in (project / "landing").rglob("*") if p.is_file() and p.parent.name != "_receipts")
    chance = random.Random(seed)
    chance.shuffle(landed)
    for path in landed:
        copy = folder / path.relative_to(project)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        moment = chance.randrange(10**9)
        os.utime(copy, (moment, moment))
    return folder


def assert_same_night(project: Path, other: Path) -> None:
    """Every table by content hash, every audience file and certificate by its bytes."""
    one, two = child_nights.record(project), child_nights.record(other)
    assert {n: t["content"] for n, t in one["tables"].items()} == {n: t["content"] for n, t in two["tables"].items()}
    assert one == two
    files = [child_nights.bytes_below(Store(shop / "store").pointer / "files") for shop in (project, other)]
    assert files[0]
    assert files[0] == files[1]


@pytest.mark.slow
@pytest.mark.replay
def test_a_night_is_the_same_on_another_machine(demo_night: Path, tmp_path: Path) -> None:
    project = the_same_project_elsewhere(demo_night, tmp_path / "elsewhere", seed=1)
    command = [sys.executable, "-m", "personalization_pipeline.cli", "run", "--project", str(project)]
    done = subprocess.run(command, env=os.environ | ELSEWHERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert child_nights.record(project)["artefacts"], "both nights have trained"
    assert_same_night(demo_night, project)


@pytest.fixture(scope="module")
def two_nights_on_two_threads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo of 300 people with a night, and a second one that trained anew."""
    project = tmp_path_factory.mktemp("two") / "shop"
    start_demo(project, people=PEOPLE, seed=11)
    build_both(project, threads=2)
    return project


def build_both(project: Path, threads: int, sent_by: Path | None = None) -> None:
    """Two nights; the second reads the receipts that the first has written by its clock, or those of another project."""
    limit = {"PERSONALIZATION_THREADS": str(threads), "POLARS_MAX_THREADS": str(threads)}
    for arguments in ((), ("--as-of", "2026-08-01", "--train")):
        if arguments:
            child_nights.land_july(project)
            for receipt in sorted((project / "landing" / "_receipts").iterdir()) if sent_by else ():
                shutil.copyfile(Path(str(sent_by)) / receipt.relative_to(project), receipt)
        code, said = child_nights.run("run", "--project", str(project), *arguments, said=project / "said", **limit)
        assert code == 0, said


@pytest.mark.slow
@pytest.mark.replay
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_threads_change_nothing(threads: int, two_nights_on_two_threads: Path, tmp_path: Path) -> None:
    project = the_same_project_elsewhere(two_nights_on_two_threads, tmp_path / "shop", seed=threads)
    child_nights.july(project).unlink()
    build_both(project, threads, sent_by=two_nights_on_two_threads)
    assert_same_night(two_nights_on_two_threads, project)
    for shop in (project, two_nights_on_two_threads):
        record = child_nights.record(shop)
        before = Store(shop / "store").record(shop / "store" / "nights" / record["yesterday"])
        assert record["artefacts"].keys() == before["artefacts"].keys() != set()
        assert record["artefacts"] != before["artefacts"]
