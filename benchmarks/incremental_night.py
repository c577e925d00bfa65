"""What a night with little news costs in ingest and resolve, beside the first night: work done, seconds, CPU seconds.

    python -m benchmarks.incremental_night [--records 50000] [--lines 1000000] [--share 0.01] [--folder DIR]

Belongs here: a project of one register and one shop, its two nights, and the table. Does not belong here: any bound on
the work (pipeline/test_increments judges that, on a small project).

The register's people are the demo world's, with their second records and mistakes; the identity artefact is learned from
the register before anything is timed. The first night sees all but the last day; the second one brings `share` of the records, half of
them new and half changed, and `share` of the order lines. Phases from segment on are full passes by design: left out.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import polars as pl

from benchmarks.learning import learn_identity
from personalization_pipeline.demo.people import chunks, people
from personalization_pipeline.demo.records import records
from personalization_pipeline.demo.world import make_fact, making
from personalization_pipeline.foundation.building import build
from personalization_pipeline.foundation.exports import put_csv
from personalization_pipeline.foundation.night import commit
from personalization_pipeline.foundation.opening import open_night
from personalization_pipeline.foundation.phases import catalogue
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import Connection, frame, put_frame, query
from personalization_pipeline.foundation.writes import Kind, write_text
from personalization_pipeline.publish.record import record_of
from personalization_pipeline.starting import DEMO_PROJECT

PHASES = ("ingest", "resolve")
NIGHTS = (datetime(2026, 7, 1, 2), datetime(2026, 7, 2, 2))
RECORDS_PER_PERSON = 2.5  # of the demo world, about
FILES = 20  # that the history of order lines comes in

PROJECT = """\
name: benchmark
time_zone: Europe/Berlin
currency: EUR
holdout: {salt: benchmark, share: 0.05}
artefacts: {identity: artefacts/identity.json}
"""
REGISTER = """\
description: Every customer once, then whoever is new or has changed
owner: team:crm
party: first
legal_basis: contract
files: register/*.csv
format: {type: csv, delimiter: ",", encoding: utf-8}
delivers: changes
columns: {id: required, first_name: optional, last_name: optional, email: optional, phone: optional, birth_date: optional,
  street: optional, postal_code: optional, city: optional, country: optional, updated_at: required}
rows_are: contacts
maps:
  contacts: {record_id: id, first_name: first_name, last_name: last_name, email: email, phone: phone,
    birth_date: "day_of(birth_date, '%Y-%m-%d')", street: street, postal_code: postal_code, city: city, country: country,
    updated_at: "utc(updated_at, '%Y-%m-%d %H:%M:%S')"}
"""
SHOP = """\
description: Order lines, a file a day
owner: team:shop
party: first
legal_basis: contract
files: shop/*.csv
format: {type: csv, delimiter: ",", encoding: utf-8}
delivers: changes
columns: {line_id: required, order_id: required, customer_id: optional, product_id: required, quantity: required,
  amount: required, ordered_at: required}
rows_are: order_lines
maps:
  orders: {order_id: order_id, record_key: "'register:' || customer_id", ordered_at: "utc(ordered_at, '%Y-%m-%d %H:%M:%S')"}
  order_lines: {order_id: order_id, line_id: line_id, product_id: product_id, quantity: "TRY_CAST(quantity AS BIGINT)",
    amount: money(amount), line_kind: "'sale'", occurred_at: "utc(ordered_at, '%Y-%m-%d %H:%M:%S')"}
"""


@dataclass(frozen=True)
class Spent:
    """What one table of one night took."""

    phase: str
    table: str
    wall: float
    cpu: float


def make_project(folder: Path, record_count: int, line_count: int, share: float) -> None:
    """The project's text and everything that lands in two nights; the second one's files lie in arrivals/."""
    for place, text in (("project.yaml", PROJECT), ("sources/register.yaml", REGISTER), ("sources/shop.yaml", SHOP)):
        write_text(folder / place, text, Kind.PROJECT)
    # A stand-in until the register's own is learned.
    stand_in = (DEMO_PROJECT / "artefacts" / "identity.json").read_text(encoding="utf-8")
    write_text(folder / "artefacts" / "identity.json", stand_in, Kind.PROJECT)
    with making(folder, seed=7) as connection:
        _put_people(connection, round(record_count / RECORDS_PER_PERSON))
        _put_register(connection, folder, record_count, share)
        _put_shop(connection, folder, record_count, line_count, share)
    learn_identity(folder, NIGHTS[0])


def _put_people(c: Connection, count: int) -> None:
    drawn = pl.concat([people(7, first, size) for first, size in chunks(count)])
    put_frame(c, "people_drawn", drawn)
    make_fact(c, "people")
    known = frame(c, "SELECT * FROM people ORDER BY person_n")
    parts = [records(7, part) for part in known.iter_slices(50_000)]
    put_frame(c, "records", pl.concat(parts))


def _put_register(c: Connection, folder: Path, record_count: int, share: float) -> None:
    """The last records in order of their digest are the new ones; as many before them change."""
    c.execute(
        "CREATE TABLE register AS SELECT *, row_number() OVER (ORDER BY md5(record_id), record_id) AS place FROM records "
        f"QUALIFY place <= {record_count}"
    )
    new = round(record_count * share / 2)
    columns = (
        "record_id AS id, first_name, last_name, {email} AS email, phone, birth_date, concat(street, ' ', house_number) AS street, "
        "postal_code, city, country, '{day} 08:00:00' AS updated_at"
    )
    first, second = columns.format(email="email", day="2026-06-01"), columns.format(email="{email}", day="2026-07-01")
    put_csv(
        c,
        f"SELECT {first} FROM register WHERE place <= {record_count - new} ORDER BY place",
        folder / "landing" / "register" / "2026-06-30.csv",
    )
    moved = f"CASE WHEN place <= {record_count - new} THEN concat('new.', email) ELSE email END"
    put_csv(
        c,
        f"SELECT {second.format(email=moved)} FROM register WHERE place > {record_count - 2 * new} ORDER BY place",
        folder / "arrivals" / "register" / "2026-07-01.csv",
    )


def _put_shop(c: Connection, folder: Path, record_count: int, line_count: int, share: float) -> None:
    lines = (
        "SELECT concat('l', n) AS line_id, concat('o', n // 3) AS order_id, customers.record_id AS customer_id, "
        "concat('sku', n % 997) AS product_id, 1 + n % 3 AS quantity, concat(5 + n % 90, '.', 10 + n % 80) AS amount, "
        "strftime(TIMESTAMP '2024-07-01' + to_seconds(CAST((n // 3) * {step} AS BIGINT)), '%Y-%m-%d %H:%M:%S') AS ordered_at "
        "FROM range({since}, {until}) AS numbers (n) JOIN register AS customers ON customers.place = 1 + (n // 3) * 7919 % {count} "
        "ORDER BY n"
    )
    step, known = 3 * 63_000_000 / line_count, round(line_count * (1 - share))
    bounds = [known * number // FILES // 3 * 3 for number in range(FILES)] + [known // 3 * 3, line_count]
    for number, (since, until) in enumerate(pairwise(bounds)):
        place = "arrivals" if number == FILES else "landing"
        text = lines.format(since=since, until=until, step=step, count=round(record_count * (1 - share)))
        put_csv(c, text, folder / place / "shop" / f"{number:03}.csv")


def build_night(folder: Path, as_of: datetime) -> tuple[list[Spent], list[tuple[str, str, int, int]]]:
    """Build ingest and resolve of one night and commit it: what each table took, and the rows of `increments`."""
    project = load_project(folder)
    tables = catalogue(project)
    building = open_night(project, tables, as_of)
    spent = []
    for name in (name for name in tables.order() if tables.tables[name].phase in PHASES):
        wall, cpu = time.monotonic(), time.process_time()
        build(building, name)
        spent.append(Spent(tables.tables[name].phase, name, time.monotonic() - wall, time.process_time() - cpu))
    work = query(building.connection, "FROM increments ORDER BY ALL")
    commit(building, record_of(building, []))
    return spent, work


def main() -> None:
    """Print what both nights took, table by table, and what was done in them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=50_000)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="incremental_night_"))
    if not (folder / "project.yaml").exists():
        make_project(folder, asked.records, asked.lines, asked.share)
    for library in ("great_expectations", "splink"):
        importlib.import_module(library)  # seconds that neither night is to pay for the other
    first, first_work = build_night(folder, NIGHTS[0])
    shutil.copytree(folder / "arrivals", folder / "landing", dirs_exist_ok=True)
    second, second_work = build_night(folder, NIGHTS[1])
    print(f"{'table':<28}{'first wall':>11}{'cpu':>8}{'second wall':>13}{'cpu':>8}{'share':>8}")
    for one, two in sorted(zip(first, second, strict=True), key=lambda both: -both[1].wall):
        print(f"{one.phase + ' ' + one.table:<28}{one.wall:>11.1f}{one.cpu:>8.1f}{two.wall:>13.1f}{two.cpu:>8.1f}")
    walls = [sum(table.wall for table in night) for night in (first, second)]
    cpus = [sum(table.cpu for table in night) for night in (first, second)]
    print(
        f"{'together':<28}{walls[0]:>11.1f}{cpus[0]:>8.1f}{walls[1]:>13.1f}{cpus[1]:>8.1f}{walls[1] / walls[0]:>8.1%}"
    )
    for name, work in (("first", first_work), ("second", second_work)):
        for row in work:
            print(f"{name:<8}" + "  ".join(map(str, row)))


if __name__ == "__main__":
    main()
