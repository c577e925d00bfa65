"""A birth date is read as its source declares; where that leaves too many unread, check and night say which format fits."""

from __future__ import annotations

import contextlib
from pathlib import Path

import polars as pl
import pytest

from personalization_pipeline.checking import notes
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.ingest.birth_dates import BirthDates
from personalization_pipeline.ingest.dates import fitting_format, formats, read_dates
from personalization_pipeline_tests.conftest import Night
from personalization_pipeline_tests.ingest.conftest import Read, source

PEOPLE = """\
description: People
owner: team:x
party: first
legal_basis: contract
files: people/*.csv
columns: {id: required, born: optional}
rows_are: contacts
maps:
  contacts: {record_id: id, birth_date: "day_of(born, '%m/%d/%Y')"}
"""
HEADER = "id,first_name,birth_date,updated_at\n"


def file_of(*born: str) -> str:
    return "id,born\n" + "".join(f"{number},{text}\n" for number, text in enumerate(born))


def landed(folder: Path, *born: str, name: str = "all.csv") -> None:
    """Customers of the starter project, whose source declares %Y-%m-%d."""
    lines = [f"{number},Ann,{text},2026-01-01 10:00:00\n" for number, text in enumerate(born)]
    (folder / "landing" / "customers" / name).write_text(HEADER + "".join(lines), encoding="utf-8")


def test_dates_that_are_read_are_counted_and_no_format_is_looked_for(read: Read) -> None:
    summary, facts = read(file_of("03/25/1980", "", "12/31/1999"), source(PEOPLE))
    assert summary.birth_dates == BirthDates(2, 0)
    assert [str(day) for (day,) in facts.of("contacts", "birth_date")] == ["1980-03-25", "None", "1999-12-31"]


def test_one_slip_among_many_is_no_other_format(read: Read) -> None:
    summary, _ = read(file_of(*["03/25/1980"] * 98, "1980", "03/25/198O"), source(PEOPLE))
    assert summary.birth_dates == BirthDates(100, 2)


def test_day_and_month_the_other_way_round_are_found_although_half_of_them_can_be_read(read: Read) -> None:
    """Read as declared 03/04/1980 is a day in March, and nobody would miss it."""
    born = [f"{day:02}/{month:02}/1980" for day in range(1, 29) for month in range(1, 13)]
    summary, _ = read(file_of(*born), source(PEOPLE))
    found = summary.birth_dates
    assert (found.written_count, found.unread_count) == (336, 16 * 12)
    assert (found.fitting_format, found.fitting_share) == ("%d/%m/%Y", 1.0)


def test_texts_that_no_format_reads_have_none(read: Read) -> None:
    summary, _ = read(file_of("yesterday", "long ago"), source(PEOPLE))
    assert summary.birth_dates == BirthDates(2, 2)


def test_a_source_without_birth_dates_has_none_to_tell(read: Read) -> None:
    columns = source(PEOPLE, maps={"contacts": {"record_id": "id"}})
    assert read(file_of("03/25/1980"), columns)[0].birth_dates == BirthDates()


@pytest.mark.parametrize("form", formats())
def test_every_format_is_found_by_dates_that_only_it_can_mean(form: str) -> None:
    """All days of two years that tell day from month; of two formats that read the same the earlier is as good."""
    days = pl.date_range(pl.date(1979, 1, 1), pl.date(1980, 12, 31), eager=True)
    texts = days.dt.strftime(form)
    found, count = fitting_format(texts)
    assert count == len(days)
    assert texts.str.to_date(found).to_list() == texts.str.to_date(form).to_list()
    assert read_dates(texts)[1][0] == found


def test_check_says_which_format_a_landed_file_needs(starter: Path) -> None:
    landed(starter, "1980-03-25", name="2025.csv")
    assert notes(load_project(starter)) == []
    landed(starter, "25.03.1980", "31.12.1999", "", name="2026.csv")
    (told,) = notes(load_project(starter))
    assert told == (
        f"{starter / 'sources' / 'customers.yaml'}: customers/2026.csv: day_of(birth_date, '%Y-%m-%d') leaves 100% of its "
        "birth dates unread; '%d.%m.%Y' would read 100%\nFix: declare the format that its owner writes"
    )


def test_a_night_fails_the_source_s_check_with_file_format_and_the_one_that_fits(starter: Path, night: Night) -> None:
    landed(starter, "1980-03-25", "1981-03-25", name="2025.csv")
    landed(starter, "25.03.1980", "31.12.1999", "1999-12-31", "", name="2026.csv")
    code, said = night(starter, "2026-02-01")
    assert code == 0, said
    assert "warning: source_checks: " in said
    with contextlib.closing(published_connection((starter / "store" / "current").resolve())) as connection:
        sql = "SELECT check_text, value, owner FROM source_checks WHERE NOT is_passed"
        ((text, value, owner),) = query(connection, sql)
    assert text == (
        "share of birth dates unread <= 0.02: customers/2026.csv: day_of(birth_date, '%Y-%m-%d') leaves 67% of its birth "
        "dates unread; '%d.%m.%Y' would read 67%"
    )
    assert value == pytest.approx(2 / 3)
    assert owner == "team:crm"
    page = (starter / "store" / "current" / "report.html").read_text(encoding="utf-8")
    assert "What sources promised and did not keep" in page
    assert "would read 67%" in page
