"""In which formats dates are written: found out from all the texts of a column.

Belongs here: the formats there are (dates.yaml) and which of them read some texts. Does not belong here: what a night reads
a date by, which is declared and never found out: of 03/04/1980 one file means March, another one April.
"""

from __future__ import annotations

import functools
from pathlib import Path

import polars as pl
import yaml

EARLIEST_YEAR, LATEST_YEAR = 1000, 2035  # of a birth that somebody recorded
LEAST_SHARE = 0.02  # of a column's dates: a way of writing that fewer follow is a slip of another one


@functools.cache
def formats() -> list[str]:
    """The formats of dates.yaml, the most likely first."""
    content: list[str] = yaml.safe_load(Path(__file__).with_name("dates.yaml").read_text(encoding="utf-8"))
    return content


def read_dates(texts: pl.Series) -> tuple[pl.Series, list[str]]:
    """Texts as dates, and the formats found in them, the one that reads the most first.

    What one format leaves is read in the next one, as long as one reads LEAST_SHARE of the texts.
    """
    dates = pl.Series("date", [None] * len(texts), dtype=pl.Date)
    found: list[str] = []
    while len(found) < len(formats()):
        form, tried = _best(texts.set(dates.is_not_null(), None), [form for form in formats() if form not in found])
        if tried.count() < max(LEAST_SHARE * len(texts), 1):
            break
        dates = pl.select(pl.coalesce(dates, tried)).to_series()
        found.append(form)
    return dates, found


def fitting_format(texts: pl.Series) -> tuple[str, int]:
    """The one format that reads the most of the texts, and how many it reads."""
    form, dates = _best(texts, formats())
    return form, dates.count()


def _best(texts: pl.Series, known: list[str]) -> tuple[str, pl.Series]:
    tried = {form: _plausible(texts.str.to_date(form, strict=False)) for form in known}
    best = max(tried, key=lambda form: int(tried[form].count()))
    return best, tried[best]


def _plausible(dates: pl.Series) -> pl.Series:
    """Dates on which somebody may have been born; of a year in two digits the century before, if need be."""
    earlier = pl.select(pl.when(dates.dt.year() > LATEST_YEAR).then(dates.dt.offset_by("-100y")).otherwise(dates))
    dates = earlier.to_series()
    return dates.set(~dates.dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR).fill_null(False), None)
