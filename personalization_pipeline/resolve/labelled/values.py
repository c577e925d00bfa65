"""Cells of a labelled file as contacts hold them: dates read as each source writes them, names in parts, a street line.

Belongs here: what a text means where no source file says so, found out from all the texts of a column. Does not belong
here: what is done to every contact (standardise).
"""

from __future__ import annotations

import re

import polars as pl

from personalization_pipeline.ingest.dates import EARLIEST_YEAR, LATEST_YEAR, read_dates
from personalization_pipeline.resolve.standardise import standardise_phones

MOST_PHONES = 300  # looked at to find their country
SURE_SHARE = 0.5  # of them must exist there
_TIME = r"[T ]\d{1,2}:\d{2}.*$"


def birth_dates(texts: pl.Series, sources: pl.Series) -> tuple[pl.Series, dict[str, list[str]]]:
    """Texts as dates, and for each source the formats found in it, the most frequent first.

    Each source is read in the formats of its own distinct values (ingest.dates).
    """
    given = pl.DataFrame({"text": texts.str.replace(_TIME, ""), "source": sources})
    distinct = given.drop_nulls("text").unique().sort("source", "text")
    read, found = [distinct.clear().with_columns(date=pl.lit(None, pl.Date))], {}
    for (source,), values in distinct.group_by("source", maintain_order=True):
        dates, found[str(source or "")] = read_dates(values["text"])
        read.append(values.with_columns(date=dates))
    told = given.join(pl.concat(read), on=["text", "source"], how="left", nulls_equal=True, maintain_order="left")
    return told["date"].alias("birth_date"), found


def birth_years(texts: pl.Series, dates: pl.Series) -> pl.Series | None:
    """The year of birth as text, of dates and of texts that hold a year alone; None where there is no such text."""
    year = texts.str.extract(r"^(\d{4})$")
    alone = year.set(~year.cast(pl.Int32).is_between(EARLIEST_YEAR, LATEST_YEAR), None)
    return dates.dt.year().cast(pl.String).fill_null(alone) if alone.count() else None


def joined_dates(year: pl.Series, month: pl.Series | None, day: pl.Series | None) -> pl.Series:
    """The parts of dates as texts 1980-03-01; where a part is missing, the year alone."""
    if month is None or day is None:
        return year
    parts = [year, *(part.str.zfill(2) for part in (month, day))]
    return pl.select(pl.coalesce(pl.concat_str(parts, separator="-"), year)).to_series()


def name_parts(names: pl.Series, titles: frozenset[str], particles: frozenset[str]) -> pl.DataFrame:
    """Full names as first_name, middle_name, last_name: 'Dr. Ann M. van Berg' and 'Van Berg, Ann M.' are the same.

    Of one word alone nobody knows which it is: it counts as the last name.
    """
    distinct = names.drop_nulls().unique().sort()
    parts = [_parts(name, titles, particles) for name in distinct]
    schema = {"first_name": pl.String, "middle_name": pl.String, "last_name": pl.String}
    split = pl.DataFrame(parts, schema=schema, orient="row").with_columns(name=distinct)
    return names.to_frame("name").join(split, on="name", how="left", maintain_order="left").drop("name")


def _parts(name: str, titles: frozenset[str], particles: frozenset[str]) -> tuple[str | None, str | None, str | None]:
    def words(text: str) -> list[str]:
        return [word for word in text.replace(",", " ").split() if re.sub(r"\W", "", word).lower() not in titles]

    before, _, after = name.partition(",")
    if words(before) and words(after):  # not 'Ann Berg, Jr.'
        first, *middle = words(after)
        return first, " ".join(middle) or None, " ".join(words(before))
    found = words(name) or name.split()
    if len(found) < 2:
        return None, None, found[0] if found else None
    starts = [place for place, word in enumerate(found[1:-1], 1) if word.lower() in particles]
    begin = starts[0] if starts else len(found) - 1
    return found[0], " ".join(found[1:begin]) or None, " ".join(found[begin:])


def phone_country(phones: pl.Series, countries: list[str]) -> str | None:
    """The country in which the most of the phone numbers that name none can exist; None where hardly any can."""
    distinct = phones.drop_nulls().unique().sort()
    distinct = distinct.filter(~distinct.str.contains(r"^\s*(\+|00)"))
    sample = distinct.gather_every(max(len(distinct) // MOST_PHONES, 1))
    if not len(sample):
        return None
    valid = {
        country: standardise_phones(sample, pl.Series([country] * len(sample), dtype=pl.String)).count()
        for country in countries
    }
    best = max(valid, key=lambda country: valid[country])
    return best if valid[best] >= SURE_SHARE * len(sample) else None
