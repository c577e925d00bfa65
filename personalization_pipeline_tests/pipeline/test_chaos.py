"""Pull the plug at the first write of every kind: what stands is a whole night, and the next run needs no help.

`make chaos` runs all of them; three stay in the default run. The night after the plug was pulled must be the night that
an undisturbed run builds: night.json, audience files, delivered files and receipts, byte for byte.
"""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import dagster as dg
import pytest

from personalization_pipeline.activate.certificate import verify
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.writes import Kind
from personalization_pipeline.publish.record import certified_files
from personalization_pipeline_tests.pipeline import child_nights

LATER = "2026-07-15T02:00:00Z"
MOMENTS = ("before", "after")
# A second night trains nothing and finds DAGSTER_HOME set up: these two are killed in a first night.
ONLY_FIRST = (Kind.ARTEFACT, Kind.PROJECT)
SECOND = [(kind, moment) for kind in Kind if kind not in ONLY_FIRST for moment in MOMENTS]
FIRST = [
    (kind, moment)
    for kind in (*ONLY_FIRST, Kind.FACTS, Kind.TABLE, Kind.NIGHT, Kind.POINTER, Kind.DELIVERY)
    for moment in MOMENTS
]
ALWAYS = {(Kind.TABLE, "after"), (Kind.POINTER, "before"), (Kind.RECEIPT, "before")}


def points(chosen: list[tuple[Kind, str]], always: set[tuple[Kind, str]]) -> list[object]:
    """Test parameters `<kind>:<moment>`; slow, but for those that always run."""
    return [
        pytest.param(f"{kind}:{moment}", marks=[] if (kind, moment) in always else pytest.mark.slow)
        for kind, moment in chosen
    ]


def assert_a_whole_night(project: Path) -> None:
    """`current` opens, holds what its night.json says, and every file of it verifies."""
    current = Store(project / "store").current()
    assert current is not None
    recorded = child_nights.record(project)
    assert child_nights.contents(project) == {name: table["content"] for name, table in recorded["tables"].items()}
    assert (current / "report.html").stat().st_size > 10_000
    assert certified_files(current)
    assert all(verify(file) for file in certified_files(current))


def assert_same_nights(project: Path, other: Path) -> None:
    """The same current night, the same files sent, each once, and nothing left over."""
    one, two = Store(project / "store"), Store(other / "store")
    assert one.record(one.current()) == two.record(two.current())
    assert child_nights.bytes_below(one.pointer / "files") == child_nights.bytes_below(two.pointer / "files")
    assert child_nights.bytes_below(one.root / "delivered") == child_nights.bytes_below(two.root / "delivered")
    receipts = [{path.name for path in (shop / "landing" / "_receipts").iterdir()} for shop in (project, other)]
    assert receipts[0] == receipts[1]
    assert one.orphans() == []
    assert [path for path in project.rglob(".*") if path.name.endswith(".partial")] == []
    assert {folder.name for folder in one.facts.iterdir()} == {folder.name for folder in two.facts.iterdir()}


def killed_runs(project: Path) -> int:
    """Runs that Dagster believes to be running still."""
    with dg.DagsterInstance.from_config(str(project / "store" / "dagster")) as instance:
        return instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))


@pytest.fixture(scope="module")
def undisturbed(demo_night: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with a second night, one more file landed, and nobody near the plug."""
    project = Path(shutil.copytree(demo_night, tmp_path_factory.mktemp("quiet") / "shop", symlinks=True))
    child_nights.land_july(project)
    code, said = child_nights.run("run", "--project", str(project), "--as-of", LATER, said=project / "said")
    assert code == 0, said
    return project


@pytest.mark.parametrize("point", points(SECOND, ALWAYS))
def test_a_killed_night_leaves_a_whole_one_and_the_next_run_makes_it_good(
    point: str, demo_copy: Path, undisturbed: Path, tmp_path: Path
) -> None:
    child_nights.land_july(demo_copy)
    before = child_nights.record(demo_copy)
    command = ("run", "--project", str(demo_copy), "--as-of", LATER)
    code, said = child_nights.run(*command, said=tmp_path / "killed", PERSONALIZATION_FAULT=point)
    assert code == -signal.SIGKILL, said
    assert_a_whole_night(demo_copy)
    is_committed = child_nights.record(demo_copy)["night"] != before["night"]
    code, said = child_nights.run(*command, said=tmp_path / "next")
    assert code == 0, said
    assert is_committed == ("nothing that it is made of has changed" in said)
    assert is_committed == bool(killed_runs(demo_copy)), "a run that builds a night reports the killed ones"
    assert_a_whole_night(demo_copy)
    assert_same_nights(demo_copy, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1.0, 2.0, 3.0, 4.5, 6.0])
def test_a_night_killed_at_no_chosen_moment_is_made_good_too(
    seconds: float, demo_copy: Path, undisturbed: Path, tmp_path: Path
) -> None:
    child_nights.land_july(demo_copy)
    command = ("run", "--project", str(demo_copy), "--as-of", LATER)
    begun = child_nights.start(*command, said=tmp_path / "killed")
    time.sleep(seconds)
    begun.process.kill()
    begun.process.join()
    assert_a_whole_night(demo_copy)
    code, said = child_nights.run(*command, said=tmp_path / "next")
    assert code == 0, said
    assert_same_nights(demo_copy, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("point", points(FIRST, set()))
def test_a_killed_first_night_leaves_none_or_a_whole_one(point: str, demo_night: Path, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    shutil.copytree(demo_night, project, symlinks=True, ignore=shutil.ignore_patterns("store", "_receipts"))
    command = ("run", "--project", str(project))
    code, said = child_nights.run(*command, said=tmp_path / "killed", PERSONALIZATION_FAULT=point)
    assert code == -signal.SIGKILL, said
    if Store(project / "store").current():
        assert_a_whole_night(project)
    code, said = child_nights.run(*command, said=tmp_path / "next")
    assert code == 0, said
    assert_same_nights(project, demo_night)
