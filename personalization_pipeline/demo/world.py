"""The demo world as a whole: made from a seed, written as landed files, as files that arrive in later nights, and as truth.

Belongs here: the order in which things are made, and the scratch database that holds them meanwhile. Does not belong
here: what is in them (people, records, facts/, files/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from personalization_pipeline.demo import words
from personalization_pipeline.demo.hardness import PROMISED, Hardness, measure
from personalization_pipeline.demo.landing import write_landing
from personalization_pipeline.demo.people import chunks
from personalization_pipeline.demo.people import people as drawn_people
from personalization_pipeline.demo.records import records
from personalization_pipeline.demo.touch import write_touch
from personalization_pipeline.demo.truth import write_truth
from personalization_pipeline.foundation.errors import FixTheFile
from personalization_pipeline.foundation.warehouse import Connection, frame, put_frame, query, world_connection
from personalization_pipeline.foundation.writes import remove

FEWEST_PEOPLE, MOST_NIGHTS = 50, 31
FACTS = Path(__file__).with_name("facts")
# Chance in SQL: 64 bits of any key and salt; a number in [0, 1) of them, or one of four (in 65,536 steps); ids that do not tell who came next to whom.
MACROS = """
CREATE OR REPLACE TEMP MACRO seeded(key, salt) AS concat('{seed}|', salt, '|', key);
CREATE OR REPLACE TEMP MACRO digest(key, salt) AS md5_number_lower(seeded(key, salt));
CREATE OR REPLACE TEMP MACRO u(key, salt) AS (digest(key, salt) >> 11) / 9007199254740992.0;
CREATE OR REPLACE TEMP MACRO part(bits, place) AS ((bits >> (16 * place)) & 65535) / 65536.0;
CREATE OR REPLACE TEMP MACRO scrambled(n, kind) AS
    lpad(CAST((CAST(n AS BIGINT) * 7368787 + kind * 104729) % 1000000000000 AS VARCHAR), 12, '0');
CREATE OR REPLACE TEMP MACRO order_id(n) AS CAST(5000000000000 + n * 982451653 % 1000000000000 AS VARCHAR);
"""
Progress = Callable[[str], None]

# Records of a time that no file is about, and cases of them: nobody can find them. The bought list was delivered once.
UNLANDED = """
DELETE FROM records
WHERE created_at >= CASE source WHEN 'third_party_demographics' THEN closed_at() ELSE world_ends_at() END;
DELETE FROM cases
WHERE kind = 'record' AND value NOT IN (SELECT concat(source, ':', record_id) FROM records);
"""


@contextmanager
def making(folder: Path, seed: int) -> Iterator[Connection]:
    """A scratch database in the folder, with the macros; gone afterwards."""
    scratch = folder / ".world"
    remove(scratch)
    connection = world_connection(scratch)
    try:
        connection.execute(MACROS.format(seed=seed))
        yield connection
    finally:
        connection.close()
        remove(scratch)


def make_world(connection: Connection, *, people: int, seed: int, progress: Progress) -> None:
    """Make the tables of the world: people, records, products, stores, orders, lines, devices, cases."""
    if people < FEWEST_PEOPLE:
        raise FixTheFile(f"a world of {people} people is too small", fix=f"ask for {FEWEST_PEOPLE} people or more")
    for name in ("products", "stores"):
        put_frame(connection, f"words_{name}", words.table(name))
        make_fact(connection, name)
    for number, (first_n, count) in enumerate(chunks(people), 1):
        _add(connection, "people_drawn", drawn_people(seed, first_n, count), is_first=number == 1)
        progress(f"people {first_n + count - 1:,} of {people:,}")
    make_fact(connection, "people")
    connection.execute("DROP TABLE people_drawn")
    for number, (first_n, count) in enumerate(chunks(people), 1):
        known = frame(
            connection,
            f"SELECT * FROM people WHERE person_n BETWEEN {first_n} AND {first_n + count - 1} ORDER BY person_n",
        )
        _add(connection, "records", records(seed, known), is_first=number == 1)
        progress(f"records of {first_n + count - 1:,} people")
    for name in ("shelves", "orders", "lines", "devices", "cases"):
        make_fact(connection, name)
        progress(f"{query(connection, f'SELECT count(*) FROM {name}')[0][0]:,} {name}")


def write_world(
    folder: Path, *, people: int, nights: int = 1, seed: int = 7, progress: Progress = lambda _: None
) -> Hardness:
    """Write a world below the folder: landing/ for the first night, arrivals/<day>/ for each later one, truth/ for whoever
    scores. Whatever else lies in landing/ (receipts, other sources) stays. The same arguments give the same bytes.
    """
    if not 1 <= nights <= MOST_NIGHTS:
        raise FixTheFile(f"a world of {nights} nights cannot be made", fix=f"ask for 1 to {MOST_NIGHTS} nights")
    with making(folder, seed) as connection:
        make_world(connection, people=people, seed=seed, progress=progress)
        write_touch(connection, folder, nights=nights, progress=progress)
        write_landing(connection, folder, nights, progress)
        connection.execute(UNLANDED)
        hardness = measure(connection)
        write_truth(connection, folder / "truth", {"promised": PROMISED, "measured": asdict(hardness)})
    progress("truth")
    return hardness


def make_fact(connection: Connection, name: str) -> None:
    """Make the table that facts/<name>.sql says."""
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS {(FACTS / f'{name}.sql').read_text(encoding='utf-8')}")


def _add(connection: Connection, table: str, rows: object, *, is_first: bool) -> None:
    connection.register("rows_to_add", rows)
    verb = f"CREATE OR REPLACE TABLE {table} AS" if is_first else f"INSERT INTO {table} BY NAME"
    connection.execute(f"{verb} SELECT * FROM rows_to_add")
    connection.unregister("rows_to_add")
