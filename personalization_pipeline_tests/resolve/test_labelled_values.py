"""Cells without a source file: which way a source writes its dates, which word of a name is which, where a phone is."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.resolve.labelled.values import (
    birth_dates,
    birth_years,
    joined_dates,
    name_parts,
    phone_country,
)

FORMATS = ["%Y-%m-%d", "%Y%m%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m%d%Y", "%d%m%Y", "%d %b %Y", "%m/%d/%y"]
TITLES, PARTICLES = frozenset({"dr", "jr", "mrs"}), frozenset({"van", "der", "de"})


def texts(*values: str | None) -> pl.Series:
    return pl.Series("text", values, dtype=pl.String)


def test_each_source_is_read_in_its_own_format() -> None:
    written = texts("03/04/1980", "12/25/1981", "03/04/1980", "25/12/1981", "12251981", "03041980")
    dates, found = birth_dates(written, texts("us", "us", "uk", "uk", "wic", "wic"))
    assert dates.to_list() == [
        *(date(1980, 3, 4), date(1981, 12, 25)),
        *(date(1980, 4, 3), date(1981, 12, 25)),
        *(date(1981, 12, 25), date(1980, 3, 4)),
    ]
    assert found == {"us": ["%m/%d/%Y"], "uk": ["%d/%m/%Y"], "wic": ["%m%d%Y"]}


@given(
    st.lists(st.dates(date(1900, 1, 1), date(2020, 12, 31)), min_size=40, max_size=60), st.sampled_from(FORMATS[:-1])
)
def test_dates_in_any_one_format_are_read_back(days: list[date], form: str) -> None:
    written = texts(*(day.strftime(form) for day in days))
    dates, (found) = birth_dates(written, texts(*[None] * len(days)))
    if any(day.day > 12 for day in days) or form not in ("%m/%d/%Y", "%d/%m/%Y", "%m%d%Y", "%d%m%Y", "%Y%m%d"):
        assert found[""][0] == form
        assert dates.to_list() == days


def test_a_time_of_day_is_passed_over_and_years_in_two_digits_lie_in_the_past() -> None:
    dates, _ = birth_dates(texts("1980-03-04 00:00:00", "1981-12-25T10:30"), texts(None, None))
    assert dates.to_list() == [date(1980, 3, 4), date(1981, 12, 25)]
    dates, _ = birth_dates(texts("12/31/50", "12/31/01"), texts(None, None))
    assert dates.to_list() == [date(1950, 12, 31), date(2001, 12, 31)]


def test_a_slip_is_not_read_in_another_format_unless_many_are_written_so() -> None:
    right = [f"{month:02}/{day:02}/1980" for month in range(1, 13) for day in range(13, 29)]
    dates, found = birth_dates(texts(*right, "25/03/1980", "03/2x/1980"), texts(*[None] * (len(right) + 2)))
    assert dates.null_count() == 2
    assert found == {"": ["%m/%d/%Y"]}
    dates, found = birth_dates(texts(*right[:20], "25.03.1980"), texts(*[None] * 21))
    assert dates.to_list()[-1] == date(1980, 3, 25)
    assert found == {"": ["%m/%d/%Y", "%d.%m.%Y"]}


def test_nothing_to_read_gives_nothing() -> None:
    dates, found = birth_dates(texts(None, None), texts("a", None))
    assert dates.to_list() == [None, None]
    assert dates.dtype == pl.Date
    assert found == {}


def test_years_alone_are_years_beside_those_of_whole_dates() -> None:
    dates = pl.Series([None, date(1981, 2, 3), None, None])
    years = birth_years(texts("1980", "1981-02-03", "9999", None), dates)
    assert years is not None
    assert years.to_list() == ["1980", "1981", None, None]
    assert birth_years(texts("1981-02-03"), pl.Series([date(1981, 2, 3)])) is None


def test_parts_of_dates_are_joined_and_a_year_stays_alone_where_a_part_is_missing() -> None:
    joined = joined_dates(texts("1980", "1981", None), texts("3", None, "1"), texts("04", "5", "1"))
    assert joined.to_list() == ["1980-03-04", "1981", None]
    assert joined_dates(texts("1980"), None, None).to_list() == ["1980"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ann Berg", ("Ann", None, "Berg")),
        ("Dr. Ann M. van der Berg", ("Ann", "M.", "van der Berg")),
        ("Berg, Ann M.", ("Ann", "M.", "Berg")),
        ("van Berg, Mrs. Ann", ("Ann", None, "van Berg")),
        ("Ann Berg, Jr.", ("Ann", None, "Berg")),
        ("Berg", (None, None, "Berg")),
        ("Dr.", (None, None, "Dr.")),
        (None, (None, None, None)),
    ],
)
def test_full_names_are_parted(name: str | None, parts: tuple[str | None, ...]) -> None:
    assert name_parts(texts(name), TITLES, PARTICLES).rows() == [parts]


def test_the_country_of_phone_numbers_is_where_the_most_can_exist() -> None:
    assert phone_country(texts("310/246-1501", "212-555-0187", "(415) 555-2671"), ["GB", "US"]) == "US"
    assert phone_country(texts("020 7946 0018", "0161 496 0123", None), ["US", "GB"]) == "GB"
    assert phone_country(texts("+49 30 901820", "0049 30 901820"), ["US", "DE"]) is None
    assert phone_country(texts("1", "2", "unknown"), ["US", "DE"]) is None
