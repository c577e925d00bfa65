"""The files that the shops, the CRM, the tills and the back office of the demo world land, night by night.

Belongs here: which file holds what time of which source, and in which dialect of CSV. Does not belong here: columns
(files/<source>.sql) and the files of touchpoints (touch).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from personalization_pipeline.demo.behaviour import OPENED_AT, SEVEN_OPENED_AT
from personalization_pipeline.foundation.exports import put_csv
from personalization_pipeline.foundation.warehouse import Connection
from personalization_pipeline.foundation.writes import remove

CLOSED_AT = datetime(2026, 7, 1)  # landing/ holds what happened before; each later night brings one day more
FILES = Path(__file__).with_name("files")
# What the SELECTs of files/ may call: the time that the file is about, whether it is a later night's, and how systems write.
# (Berlin's clocks run as those of Paris.)
MACROS = """
CREATE OR REPLACE TEMP MACRO from_at() AS TIMESTAMP '{since}';
CREATE OR REPLACE TEMP MACRO until_at() AS TIMESTAMP '{until}';
CREATE OR REPLACE TEMP MACRO closed_at() AS TIMESTAMP '{closed}';
CREATE OR REPLACE TEMP MACRO seen_at() AS greatest(until_at(), closed_at());
CREATE OR REPLACE TEMP MACRO is_night() AS from_at() >= closed_at();
CREATE OR REPLACE TEMP MACRO euros(cents) AS
    concat(CASE WHEN cents < 0 THEN '-' ELSE '' END, abs(cents) // 100, '.', lpad(CAST(abs(cents) % 100 AS VARCHAR), 2, '0'));
CREATE OR REPLACE TEMP MACRO shop_time(moment) AS strftime(moment, '%Y-%m-%d %H:%M:%S +0000');
CREATE OR REPLACE TEMP MACRO crm_time(moment) AS strftime(moment, '%Y-%m-%dT%H:%M:%S.000Z');
CREATE OR REPLACE TEMP MACRO till_time(moment, country) AS strftime(
    CASE country WHEN 'GB' THEN timezone('Europe/London', timezone('UTC', moment)) ELSE timezone('Europe/Paris', timezone('UTC', moment)) END,
    '%d.%m.%Y %H:%M:%S'
);
CREATE OR REPLACE TEMP MACRO night_touched(record_n) AS
    CASE WHEN is_night() AND u(concat(record_n, '|', from_at()), 'touched') < 0.003
    THEN from_at() + to_seconds(CAST(28800 + floor(36000 * u(concat(record_n, '|', from_at()), 'touched at')) AS BIGINT)) END;
"""


@dataclass(frozen=True)
class Dialect:
    """How one source writes: over which periods its history is split ('' = one file), and its CSV."""

    source: str
    history: str = ""  # month, quarter, or '' for one file
    is_nightly: bool = True
    delimiter: str = ","
    quote_all: bool = False
    since: datetime = OPENED_AT


DIALECTS = (
    Dialect("shopify_orders", "month"),
    Dialect("shopify_customers"),
    Dialect("salesforce_contacts", quote_all=True),
    Dialect("loyalty_members", delimiter=";"),
    Dialect("pos_lines", "month", delimiter=";"),
    Dialect("seven_points", "quarter", since=SEVEN_OPENED_AT),
    Dialect("third_party_demographics", is_nightly=False, delimiter="|"),
    *(Dialect(name, is_nightly=False) for name in ("product_master", "stores", "costs", "rates", "calendar")),
)


@dataclass(frozen=True)
class Period:
    """The time that one file is about, and where the file lies below the project."""

    since: datetime
    until: datetime
    place: str


def periods(dialect: Dialect, nights: int) -> Iterator[Period]:
    """The files of one source: its history in landing/, then a day each in arrivals/<night>/."""
    if dialect.history:
        step = 3 if dialect.history == "quarter" else 1
        since = dialect.since
        while since < CLOSED_AT:
            until = _months_later(since, step)
            yield Period(since, until, f"landing/{dialect.source}/{since:%Y-%m}.csv")
            since = until
    else:
        yield Period(
            datetime(2000, 1, 1), CLOSED_AT, f"landing/{dialect.source}/{CLOSED_AT - timedelta(days=1):%Y-%m-%d}.csv"
        )
    for night in range(1, nights if dialect.is_nightly else 1):
        until = CLOSED_AT + timedelta(days=night)
        since = until - timedelta(days=1)
        yield Period(since, until, f"arrivals/{until:%Y-%m-%d}/{dialect.source}/{since:%Y-%m-%d}.csv")


def _months_later(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    return moment.replace(year=moment.year + years, month=month + 1)


def about(connection: Connection, since: datetime, until: datetime) -> None:
    """Tell the SELECTs of files/ which time the next file is about."""
    connection.execute(MACROS.format(since=since, until=until, closed=CLOSED_AT))


def write_landing(connection: Connection, folder: Path, nights: int, progress: Callable[[str], None]) -> None:
    """Write all files of the sources above below the project's folder; one without rows is none."""
    for dialect in DIALECTS:
        select = (FILES / f"{dialect.source}.sql").read_text(encoding="utf-8")
        for period in periods(dialect, nights):
            about(connection, period.since, period.until)
            path = folder / period.place
            if not put_csv(connection, select, path, delimiter=dialect.delimiter, quote_all=dialect.quote_all):
                remove(path)
        progress(f"files of {dialect.source}")
