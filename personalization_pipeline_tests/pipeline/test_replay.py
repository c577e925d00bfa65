"""`run --replay`: a night is built again from what its night.json names, whatever has come, gone or moved since."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from personalization_pipeline.cli import app
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.replaying import replay
from personalization_pipeline.starting import start_demo
from personalization_pipeline_tests.conftest import Night
from personalization_pipeline_tests.pipeline import child_nights
from personalization_pipeline_tests.pipeline.child_nights import ELSEWHERE, shuffle_landing

DAYS = ("2026-07-01", "2026-07-02", "2026-07-03")


def arrive(project: Path, day: str) -> None:
    """The files of a day land."""
    shutil.copytree(project / "arrivals" / day, project / "landing", dirs_exist_ok=True)


@pytest.fixture(scope="module")
def three_nights(night: Night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo of 200 people over three nights; a rule changed before the third. Shared: read it, never change it."""
    project = tmp_path_factory.mktemp("three") / "shop"
    start_demo(project, people=200, nights=3, seed=7)
    for day in DAYS:
        if day != DAYS[0]:
            arrive(project, day)
        if day == DAYS[2]:
            rule = project / "segments" / "regulars.yaml"
            rule.write_text(
                rule.read_text(encoding="utf-8").replace("order_count >= 3", "order_count >= 2"), encoding="utf-8"
            )
        code, said = night(project, day)
        assert code == 0, said
    return project


@pytest.fixture
def three_copy(three_nights: Path, tmp_path: Path) -> Path:
    """A copy of the three nights that a test may change."""
    return Path(shutil.copytree(three_nights, tmp_path / "shop", symlinks=True))


def asked(project: Path, *arguments: str) -> tuple[int, str]:
    """Exit code and words of `personalize run --replay`, in this process."""
    done = CliRunner().invoke(app, ["run", "--project", str(project), "--replay", *arguments])
    return done.exit_code, done.output


@pytest.mark.slow
@pytest.mark.replay
def test_a_night_is_equal_on_another_machine_with_its_files_shuffled(demo_copy: Path, tmp_path: Path) -> None:
    shuffle_landing(demo_copy, seed=1)
    arguments = ("run", "--project", str(demo_copy), "--replay", "current", "--threads", "1")
    code, said = child_nights.run(*arguments, said=tmp_path / "said", **ELSEWHERE)
    assert code == 0, said
    assert f"20260701T020000Z-r1 equal: {len(child_nights.record(demo_copy)['tables'])} tables, " in said


@pytest.mark.slow
@pytest.mark.replay
@pytest.mark.parametrize("threads", ["1", "2", "4"])
@pytest.mark.parametrize("night_of", DAYS)
def test_threads_files_zone_language_and_hash_seed_change_no_night(
    night_of: str, threads: str, three_copy: Path, tmp_path: Path
) -> None:
    shuffle_landing(three_copy, seed=int(threads))
    elsewhere = ELSEWHERE | {"PERSONALIZATION_THREADS": "3", "PYTHONHASHSEED": threads}
    arguments = ("run", "--project", str(three_copy), "--replay", night_of, "--threads", threads)
    code, said = child_nights.run(*arguments, said=tmp_path / "said", **elsewhere)
    assert code == 0, said
    assert "equal: " in said


@pytest.mark.slow
@pytest.mark.replay
def test_what_came_later_is_not_seen_and_what_is_gone_is_read_from_its_facts(three_copy: Path) -> None:
    gone = three_copy / "landing" / "shopify_orders" / "2026-06.csv"
    assert gone.is_file()
    gone.unlink()
    shutil.rmtree(three_copy / "segments")
    before = child_nights.bytes_below(three_copy / "store" / "nights")
    facts = sorted(path.name for path in (three_copy / "store" / "facts").iterdir())
    found = replay(load_project(three_copy), DAYS[0], threads=None, keep=True, progress=lambda *_: None)
    assert found.differences == found.notes == ()
    with contextlib.closing(duckdb.connect(str(found.folder / "warehouse.duckdb"), read_only=True)) as connection:
        (seen,) = connection.execute("SELECT count(*), count(DISTINCT first_seen_at) FROM files").fetchall()
    assert seen == (len(landed_in(three_copy, DAYS[0])), 1)
    assert child_nights.bytes_below(three_copy / "store" / "nights") == before, "no night was touched"
    assert sorted(path.name for path in (three_copy / "store" / "facts").iterdir()) == facts


def landed_in(project: Path, day: str) -> list[str]:
    """Paths that the night of a day had read."""
    store = Store(project / "store")
    loaded = load_project(project)
    return [file["path"] for file in store.record(store.find(day, loaded.zone))["landed"]]


@pytest.mark.slow
@pytest.mark.replay
def test_a_changed_yesterday_is_named_beside_what_it_changed(three_copy: Path) -> None:
    private = three_copy / "store" / "nights" / "20260702T000000Z-r1" / "private.duckdb"
    private.chmod(0o600)
    with contextlib.closing(duckdb.connect(str(private))) as connection:
        connection.execute("UPDATE holdout_arms SET arm = CASE arm WHEN 'holdout' THEN 'treated' ELSE 'holdout' END")
    code, said = asked(three_copy, "current")
    assert code == 1
    assert "20260703T000000Z-r1: table holdout_arms differs: " in said
    assert "20260703T000000Z-r1: file files/newsletter/win_back.csv " in said
    assert "table records differs" not in said
    assert "changed since: table holdout_arms of 20260702T000000Z-r1, which it was built on" in said
    assert [path.name for path in (three_copy / "store" / "replays").iterdir()] == ["lock"]


@pytest.mark.slow
@pytest.mark.replay
def test_another_version_of_the_package_is_told(three_copy: Path) -> None:
    file = three_copy / "store" / "nights" / "20260701T000000Z-r1" / "night.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    record["package"] = "0.0.1"
    record["tables"]["vanished"] = {"rows": 1, "content": "1-1-1"}
    file.write_text(json.dumps(record), encoding="utf-8")
    code, said = asked(three_copy, "20260701T000000Z-r1")
    assert code == 1
    assert "built by version 0.0.1, again by " in said
    assert said.count("differs") == 0
    assert "20260701T000000Z-r1: table vanished is there only then" in said


@pytest.mark.slow
@pytest.mark.replay
def test_every_input_that_is_gone_is_named(three_copy: Path) -> None:
    landed = three_copy / "landing" / "shopify_orders" / "2026-06.csv"
    landed.unlink()
    for kind in ("facts", "artefacts"):
        shutil.rmtree(three_copy / "store" / kind)
    code, said = asked(three_copy, "current")
    assert code == 2
    assert "20260703T000000Z-r1 cannot be built again: shopify_orders/2026-06.csv (sha256 " in said
    assert "the artefact identity-" in said
    assert "the artefact scores-" in said
    assert "\nFix: put them back as they were" in said
    shutil.rmtree(three_copy / "store" / "projects")
    code, said = asked(three_copy, DAYS[0])
    assert (code, "the copy of its project is not there, or changed\nFix: " in said) == (2, True)


@pytest.mark.slow
@pytest.mark.replay
def test_a_night_that_there_is_not_is_refused_with_those_that_there_are(three_nights: Path) -> None:
    code, said = asked(three_nights, "2026-07-30")
    assert code == 2
    assert "there is no night '2026-07-30'\nFix: " in said
    assert "20260701T000000Z-r1" in said


@pytest.mark.slow
@pytest.mark.replay
@pytest.mark.parametrize("also", [("--train",), ("--as-of", "2026-07-02"), ("--catch-up",)])
def test_a_replay_takes_nothing_that_its_night_had_not(also: tuple[str, ...], three_nights: Path) -> None:
    code, said = asked(three_nights, "current", *also)
    assert (code, "a replay has the moment and the models that its night had\nFix: " in said) == (2, True)


@pytest.mark.slow
@pytest.mark.replay
def test_a_night_whose_yesterday_is_thinned_out_is_built_from_the_first_one_on(three_copy: Path) -> None:
    for name in ("20260701T000000Z-r1", "20260702T000000Z-r1"):
        for file in ("warehouse.duckdb", "private.duckdb", "files/newsletter/win_back.csv", "report.html"):
            (three_copy / "store" / "nights" / name / file).unlink()
    found = replay(load_project(three_copy), "current", threads=2, keep=True, progress=lambda *_: None)
    assert (found.night, found.differences, found.notes) == ("20260703T000000Z-r1", (), ())
    built = [path.name for path in sorted((three_copy / "store" / "replays" / "nights").iterdir())]
    assert built == ["20260701T000000Z-r1", "20260702T000000Z-r1", "20260703T000000Z-r1"]
