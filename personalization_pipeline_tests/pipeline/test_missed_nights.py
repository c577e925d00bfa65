"""Missed nights: each scheduled moment since the current night is built, the oldest first, and none after one that failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import cron_string_iterator
from hypothesis import given
from hypothesis import strategies as some
from typer.testing import CliRunner

from personalization_pipeline import running
from personalization_pipeline.cli import app
from personalization_pipeline.foundation.clock import local_date, read_as_of, scheduled_moments
from personalization_pipeline.foundation.night import Store, missed
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.schedules import nightly_job, nightly_schedule
from personalization_pipeline_tests.pipeline import child_nights

BERLIN = ZoneInfo("Europe/Berlin")


def moments(after: str, until: str, hour: int = 2) -> list[str]:
    found = scheduled_moments(datetime.fromisoformat(after), datetime.fromisoformat(until), BERLIN, hour)
    return [f"{moment:%m-%d %H:%M}" for moment in found]


def test_the_hour_is_local_so_that_its_utc_moves_with_summer_time() -> None:
    # 29 March 2026: two o'clock does not exist in Berlin; the hour after it is meant.
    assert moments("2026-03-27T02:00", "2026-03-31T00:00") == [
        "03-28 01:00",
        "03-29 01:00",
        "03-30 00:00",
        "03-31 00:00",
    ]
    # 25 October 2026: two o'clock occurs twice; the second is meant.
    assert moments("2026-10-24T00:00", "2026-10-26T12:00") == ["10-25 01:00", "10-26 01:00"]


def test_the_current_night_is_not_missed_and_the_present_moment_is() -> None:
    assert moments("2026-07-01T00:00", "2026-07-03T00:00") == ["07-02 00:00", "07-03 00:00"]
    assert moments("2026-07-01T09:30", "2026-07-01T23:00") == []


@given(some.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), some.integers(0, 400), some.integers(0, 23))
def test_every_day_has_one_moment_in_order_and_the_parts_are_the_whole(start: datetime, days: int, hour: int) -> None:
    end = start + timedelta(days=days)
    found = scheduled_moments(start, end, BERLIN, hour)
    assert found == sorted(found)
    assert len({local_date(moment, BERLIN) for moment in found}) == len(found)
    assert days - 1 <= len(found) <= days + 1
    middle = start + timedelta(days=days / 2)
    assert scheduled_moments(start, middle, BERLIN, hour) + scheduled_moments(middle, end, BERLIN, hour) == found
    assert all(moment == read_as_of(local_date(moment, BERLIN).isoformat(), BERLIN, hour) for moment in found)


@pytest.fixture
def unpinned(demo_copy: Path) -> Path:
    """The demo with its night of 1 July, four in the morning in Berlin, and no moment that it is pinned to."""
    settings = demo_copy / "project.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("as_of: 2026-07-01T02:00:00Z\n", ""), encoding="utf-8")
    return demo_copy


def caught_up(project: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["run", "--catch-up", *arguments, "--project", str(project)])
    return done.exit_code, done.output


@pytest.mark.slow
@pytest.mark.replay
def test_missed_nights_are_built_in_order(unpinned: Path) -> None:
    child_nights.land_july(unpinned)
    code, said = caught_up(unpinned, "--as-of", "2026-07-03")
    assert code == 0, said
    store = Store(unpinned / "store")
    nights = [(path.name, store.record(path)["yesterday"]) for path in store.committed()]
    assert nights == [
        ("20260701T020000Z-r1", None),
        ("20260702T000000Z-r1", "20260701T020000Z-r1"),
        ("20260703T000000Z-r1", "20260702T000000Z-r1"),
    ]
    assert caught_up(unpinned, "--as-of", "2026-07-03") == (0, "no night was missed\n")


@pytest.mark.parametrize(("codes", "ended", "built"), [([0, 3, 0], 3, 3), ([0, 2, 0], 2, 2)])
def test_it_goes_on_after_a_refused_file_and_stops_at_a_night_that_fails(
    codes: list[int], ended: int, built: int, unpinned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def _run_night(project: object, as_of: str, **rest: object) -> int:
        asked.append(as_of)
        return codes[len(asked) - 1]

    monkeypatch.setattr(running, "run_night", _run_night)
    assert caught_up(unpinned, "--as-of", "2026-07-04")[0] == ended
    assert asked == [f"2026-07-0{day}T00:00:00Z" for day in (2, 3, 4)][:built]


def test_a_pinned_project_has_one_night(demo_night: Path) -> None:
    assert caught_up(demo_night) == (0, "the project pins its as_of: it has one night\n")


def asked_for(project: Path, tick: datetime) -> list[str]:
    """Moments that the schedule asks for at a tick, by run key."""
    schedule = nightly_schedule(load_project(project), nightly_job())
    with dg.DagsterInstance.ephemeral() as instance:
        answer = schedule(dg.build_schedule_context(instance=instance, scheduled_execution_time=tick))
    assert isinstance(answer, list)
    assert [request.run_key for request in answer] == [request.tags["personalization/as_of"] for request in answer]
    return [str(request.run_key) for request in answer]


def test_the_schedule_asks_for_the_missed_nights_before_its_own(unpinned: Path) -> None:
    tick = datetime(2026, 7, 4, 0, 0, tzinfo=UTC)
    assert asked_for(unpinned, tick) == [f"2026-07-0{day}T00:00:00Z" for day in (2, 3, 4)]


def test_before_the_first_night_only_the_latest_is_asked_for(starter: Path) -> None:
    assert len(asked_for(starter, datetime(2026, 7, 4, 2, 0, tzinfo=UTC))) == 1
    project = load_project(starter)
    assert len(missed(project, datetime(2026, 7, 4, 12))) == 1


def test_the_schedule_ticks_at_the_moments_that_catching_up_builds(unpinned: Path) -> None:
    schedule = nightly_schedule(load_project(unpinned), nightly_job())
    cron, zone = str(schedule.cron_schedule), schedule.execution_timezone
    for start, end in (("2026-03-27", "2026-04-02"), ("2026-10-23", "2026-10-28")):
        first, last = (datetime.fromisoformat(f"{day}T12:00") for day in (start, end))
        ticks = []
        for tick in cron_string_iterator(first.replace(tzinfo=UTC).timestamp(), cron, zone):
            moment = tick.astimezone(UTC).replace(tzinfo=None)
            if moment > last:
                break
            ticks.append(moment)
        assert ticks == scheduled_moments(first, last, BERLIN, 2)
