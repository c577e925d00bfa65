"""The moment of a night: read from text, in UTC, true to the calendar of the project's zone on every day of the year."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalization_pipeline.foundation.clock import local_date, now, read_as_of
from personalization_pipeline.foundation.errors import MissingArgument

BERLIN, NEW_YORK, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "Asia/Kolkata",
        "Australia/Lord_Howe",
        "Asia/Tehran",
    ]
).map(ZoneInfo)
DAYS = st.dates(date(2000, 1, 1), date(2035, 12, 31))


@pytest.mark.parametrize(
    ("text", "zone", "moment"),
    [
        ("2026-11-20T02:00:00Z", BERLIN, datetime(2026, 11, 20, 2)),
        ("2026-11-20T02:00:00+00:00", NEW_YORK, datetime(2026, 11, 20, 2)),
        ("2026-11-20T02:00:00+05:30", BERLIN, datetime(2026, 11, 19, 20, 30)),
        ("2026-11-20 02:00:00-05:00", BERLIN, datetime(2026, 11, 20, 7)),
        ("2026-11-20T02:00:00", BERLIN, datetime(2026, 11, 20, 1)),
        ("2026-11-20T02:00", KOLKATA, datetime(2026, 11, 19, 20, 30)),
        ("2026-11-20T02:00:00.987654Z", BERLIN, datetime(2026, 11, 20, 2)),
        ("  2026-11-20T02:00:00Z\n", BERLIN, datetime(2026, 11, 20, 2)),
    ],
)
def test_a_moment_is_read_by_its_offset_else_in_the_zone_of_the_project(
    text: str, zone: ZoneInfo, moment: datetime
) -> None:
    assert read_as_of(text, zone, 2) == moment


@pytest.mark.parametrize(
    ("text", "zone", "hour", "moment"),
    [
        ("2026-11-20", BERLIN, 2, datetime(2026, 11, 20, 1)),
        ("2026-07-20", BERLIN, 2, datetime(2026, 7, 20, 0)),
        ("2026-07-20", BERLIN, 0, datetime(2026, 7, 19, 22)),
        ("2026-11-20", KOLKATA, 23, datetime(2026, 11, 20, 17, 30)),
    ],
)
def test_a_bare_date_means_the_hour_of_the_schedule_on_that_local_day(
    text: str, zone: ZoneInfo, hour: int, moment: datetime
) -> None:
    assert read_as_of(text, zone, hour) == moment


def test_the_hour_that_spring_leaves_out_is_read_as_the_hour_after_it() -> None:
    """On 29 March 2026 the clocks of Berlin go from 02:00 (01:00 UTC) to 03:00."""
    assert read_as_of("2026-03-29", BERLIN, 2) == datetime(2026, 3, 29, 1)
    assert read_as_of("2026-03-29", BERLIN, 3) == datetime(2026, 3, 29, 1)


def test_the_hour_that_autumn_has_twice_is_read_as_the_second_of_both_at_which_the_schedule_ticks() -> None:
    """On 25 October 2026 the clocks of Berlin go from 03:00 (01:00 UTC) back to 02:00."""
    assert read_as_of("2026-10-25", BERLIN, 2) == datetime(2026, 10, 25, 1)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-11-31", "2026-13-01", "20.11.2026", "2026/11/20", "2026-11-20T25:00:00Z", "1763600400"],
)
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(MissingArgument, match=r"is not a moment\nFix: write a date \(2026-11-20\)"):
        read_as_of(text, BERLIN, 2)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 3, 28, 22, 59, 59), date(2026, 3, 28)),
        (datetime(2026, 3, 28, 23, 0, 0), date(2026, 3, 29)),
        (datetime(2026, 3, 29, 21, 59, 59), date(2026, 3, 29)),
        (datetime(2026, 3, 29, 22, 0, 0), date(2026, 3, 30)),
        (datetime(2026, 10, 24, 22, 0, 0), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 22, 59, 59), date(2026, 10, 25)),
        (datetime(2026, 10, 25, 23, 0, 0), date(2026, 10, 26)),
    ],
)
def test_a_day_of_23_or_25_hours_begins_and_ends_at_local_midnight(moment: datetime, day: date) -> None:
    assert local_date(moment, BERLIN) == day


@settings(deadline=None)
@given(DAYS, ZONES, st.integers(0, 23))
def test_a_bare_date_is_a_moment_of_that_very_day_in_every_zone(day: date, zone: ZoneInfo, hour: int) -> None:
    assert local_date(read_as_of(day.isoformat(), zone, hour), zone) == day


@settings(deadline=None)
@given(DAYS, ZONES, st.integers(0, 23))
def test_nights_follow_each_other_by_23_to_25_hours(day: date, zone: ZoneInfo, hour: int) -> None:
    first, second = (read_as_of(d.isoformat(), zone, hour) for d in (day, day + timedelta(days=1)))
    assert timedelta(hours=23) <= second - first <= timedelta(hours=25)


@settings(deadline=None)
@given(st.datetimes(datetime(2000, 1, 1), datetime(2035, 12, 31)), ZONES)
def test_a_moment_that_was_written_is_read_back(moment: datetime, zone: ZoneInfo) -> None:
    whole = moment.replace(microsecond=0)
    assert read_as_of(f"{whole.isoformat()}Z", zone, 2) == whole


def test_the_wall_clock_is_told_in_whole_seconds_of_utc() -> None:
    told = now()
    assert told.tzinfo is None
    assert told.microsecond == 0
