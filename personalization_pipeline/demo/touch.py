"""The touchpoints of the demo world: what people do on the web, in the app, by mail, text, telephone, chat, in posts and stores.

Belongs here: the order in which their facts are made and how each source's files are written. Does not belong here: what
is in them (facts/ and files/), and the people, orders and devices that they build on (world).

One chunk of people after the other: a chunk's facts are tables of the scratch database, replaced by the next chunk's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from personalization_pipeline.demo.landing import CLOSED_AT, about
from personalization_pipeline.demo.words import FOLDER as WORDS
from personalization_pipeline.foundation.exports import put_csv, put_ndjson, put_parquet
from personalization_pipeline.foundation.warehouse import Connection, literal, put_frame, query
from personalization_pipeline.foundation.writes import Kind, make_folder

CHUNK = 60_000  # people whose touchpoints are made together: enough for two cores, and a few hundred megabytes
BEGINNING = datetime(2000, 1, 1)
HERE = Path(__file__).parent

# `chance` gives 64 bits for a key, `cut` one of six even numbers in [0, 1) out of them: one digest for many choices.
MACROS = """
CREATE OR REPLACE TEMP MACRO chance(key) AS md5_number_lower(seeded(key, 'touch'));
CREATE OR REPLACE TEMP MACRO cut(bits, place) AS ((bits >> (place * 10)) & 1023) / 1024.0;
CREATE OR REPLACE TEMP MACRO pick(items, share) AS items[1 + CAST(floor(share * len(items)) AS BIGINT)];
CREATE OR REPLACE TEMP MACRO iso(ms) AS strftime(make_timestamp(ms * 1000), '%Y-%m-%dT%H:%M:%S.%gZ');
CREATE OR REPLACE TEMP MACRO office(moment) AS
    strftime(timezone('Europe/Berlin', timezone('UTC', moment)), '%Y-%m-%d %H:%M');
CREATE OR REPLACE TEMP MACRO day_after(since, bits) AS
    date_trunc('day', since) + INTERVAL 1 DAY + to_seconds(
        CAST((bits >> 16) % greatest(CAST(epoch(TIMESTAMP '2026-08-01' - since) AS BIGINT) // 86400, 1) AS BIGINT) * 86400
        + 25200 + CAST((bits >> 40) % 46800 AS BIGINT)
    );
"""

OF_THE_WORLD = ("catalogue", "shelf", "phrases", "campaigns", "case_people")
OF_A_CHUNK = (
    *("crowd", "handsets", "consents", "email_sends", "sms_sends", "visits"),
    *("tickets", "chats", "handles", "kiosk_uses", "touch_records"),
)


@dataclass(frozen=True)
class Window:
    """The days whose files land together: below `folder`, named by the last `day`."""

    folder: Path
    day: str
    from_at: datetime
    until_at: datetime


@dataclass(frozen=True)
class Files:
    """How one source's files are written."""

    source: str
    ending: str
    delimiter: str = ","
    quote_all: bool = False
    is_text: bool = False  # the SELECT gives whole lines


PER_CHUNK = (
    # Millions of lines: zstd costs a tenth of gzip's time.
    Files("segment_events", "ndjson.zst", is_text=True),
    Files("email_engagement", "ndjson.zst", is_text=True),
    Files("sms_engagement", "ndjson"),
    Files("consent_export", "csv"),
    Files("zendesk_tickets", "csv", quote_all=True),
    Files("chats", "ndjson"),
    Files("calls", "csv", delimiter=";"),
    Files("reviews", "csv"),
    Files("social_posts", "ndjson"),
    Files("beacons", "csv"),
    Files("kiosk_sessions", "ndjson"),
    Files("app_preferences", "csv"),
    Files("campaign_arms", "csv"),
)
PER_WORLD = (Files("assets", "csv"), Files("campaigns", "csv"), Files("ad_reports", "csv"))
LARGEST = "segment_events"  # never held as a table: its SELECT is in order and keeps to its window itself


def windows(folder: Path, nights: int) -> list[Window]:
    """The first night's landing, then a folder of arrivals for every further night."""
    found = [Window(folder / "landing", "2026-06-30", BEGINNING, CLOSED_AT)]
    for night in range(1, nights):
        day, next_day = (CLOSED_AT + timedelta(days=night - 1 + step) for step in (0, 1))
        found.append(Window(folder / "arrivals" / f"{next_day:%Y-%m-%d}", f"{day:%Y-%m-%d}", day, next_day))
    return found


def write_touch(connection: Connection, folder: Path, *, nights: int, progress: Callable[[str], None]) -> None:
    """Write all touchpoint sources and their truth below the folder.

    The connection holds the world (people, records, products, stores, orders, lines, devices, cases) and its macros. The
    records that touchpoints make are added to `records`, what the planted cases are about to `cases`.
    """
    connection.execute(MACROS)
    spans = windows(folder, nights)
    connection.execute(f"CREATE OR REPLACE TEMP MACRO world_ends_at() AS {_moment(spans[-1].until_at)}")
    connection.execute(f"CREATE OR REPLACE TEMP MACRO as_of() AS {_moment(CLOSED_AT + timedelta(hours=2))}")
    put_frame(connection, "phrase_list", pl.read_csv(WORDS / "phrases.csv"))
    for name in OF_THE_WORLD:
        _make(connection, name)
    for files in PER_WORLD:
        _write(connection, files, spans, "")
    truth = folder / "truth"
    make_folder(truth, Kind.PROJECT)
    people = int(query(connection, "SELECT max(person_n) FROM people")[0][0])
    for part, first_n in _chunks(people):
        last_n = first_n + CHUNK - 1
        connection.execute(f"CREATE OR REPLACE TABLE chunk AS SELECT {first_n} AS first_n, {last_n} AS last_n")
        for name in OF_A_CHUNK:
            _make(connection, name)
        connection.execute("INSERT INTO records BY NAME SELECT * FROM touch_records")
        for files in PER_CHUNK:
            _write(connection, files, spans, part)
        connection.execute(f"INSERT INTO cases BY NAME {_select('facts', 'touch_cases')}")
        for name in ("consents", "responses", "identities"):
            put_parquet(connection, _select("facts", f"true_{name}"), truth / f"{name}{part}.parquet")
        progress(f"touchpoints of {min(last_n, people):,} of {people:,} people")
    put_csv(connection, _select("facts", "true_campaigns"), truth / "campaigns.csv")


def _chunks(people: int) -> Iterator[tuple[str, int]]:
    """What the files of each chunk are called, and its first person."""
    for number, first_n in enumerate(range(1, people + 1, CHUNK), 1):
        yield ("" if people <= CHUNK else f"_{number:04d}"), first_n


def _select(folder: str, name: str) -> str:
    return (HERE / folder / f"{name}.sql").read_text(encoding="utf-8")


def _make(connection: Connection, name: str) -> None:
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS {_select('facts', name)}")


def _write(connection: Connection, files: Files, spans: list[Window], part: str) -> None:
    """A file for every window in which the source has something to say."""
    landed = f"landed_{files.source}"
    if files.source != LARGEST:
        connection.execute(f"CREATE OR REPLACE TABLE {landed} AS {_select('files', files.source)}")
    for span in spans:
        inside = f"arrived_at >= {_moment(span.from_at)} AND arrived_at < {_moment(span.until_at)}"
        if files.source != LARGEST and not query(connection, f"SELECT 1 FROM {landed} WHERE {inside} LIMIT 1"):
            continue
        path = span.folder / files.source / f"{span.day}{part}.{files.ending}"
        select = f"SELECT * EXCLUDE (arrived_at) FROM (SELECT * FROM {landed} WHERE {inside} ORDER BY ALL)"
        if files.source == LARGEST:
            about(connection, span.from_at, span.until_at)
            put_ndjson(connection, _select("files", files.source), path)
        elif files.ending == "csv":
            put_csv(connection, select, path, delimiter=files.delimiter, quote_all=files.quote_all)
        elif files.is_text:
            put_ndjson(connection, select, path)
        else:
            put_ndjson(connection, f"SELECT CAST(to_json(landed) AS VARCHAR) FROM ({select}) AS landed", path)


def _moment(at: datetime) -> str:
    return f"TIMESTAMP {literal(at.isoformat(sep=' '))}"
