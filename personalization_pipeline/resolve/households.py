"""Who lives with whom: records grouped by their homes, once it is known which records are one person.

Belongs here: what is one home, and what is one household in it. Does not belong here: anything that speaks for one person.
A household is a level above people and is never evidence about them.

A home is written in many ways, and people are what tells that two of them are one: somebody who gave both, or a namesake
in a street that differs by a slip. A household that moves stays one where most of it is seen at both homes.
"""

from __future__ import annotations

import polars as pl

from personalization_pipeline.foundation.warehouse import Connection, frame, put_frame, scratch_connection
from personalization_pipeline.resolve.components import connected
from personalization_pipeline.resolve.limits import limits

ONE_STREET, LIKE_STREET = 0.9, 0.8  # Jaro-Winkler similarity, 0..1: alone, and where the number is the same, too
MOST_HOMES = 20  # of one person; who has more orders for others
NEEDED = (
    "record_key",
    "person_id",
    "last_name_std",
    "street_std",
    "house_number",
    "postal_code_std",
    "city_std",
)
HOUSEHOLD_RECORDS = {"record_key": "VARCHAR", "household_key": "VARCHAR", "is_crowded": "BOOLEAN"}

# One row per home as it is written, and per record with the home that it gives, if any.
HOMES = """
CREATE TEMP TABLE homes AS
SELECT row_number() OVER (ORDER BY street, house_number, town) - 1 AS home, *
FROM (
    SELECT DISTINCT street_std AS street, house_number, coalesce(postal_code_std, city_std) AS town
    FROM records
    WHERE street_std IS NOT NULL AND town IS NOT NULL
);
CREATE TEMP TABLE lives AS
SELECT records.record_key, records.person_id, records.last_name_std AS surname, homes.home
FROM records
LEFT JOIN homes ON homes.street = records.street_std AND homes.house_number IS NOT DISTINCT FROM records.house_number
    AND homes.town = coalesce(records.postal_code_std, records.city_std);
"""
# Two spellings of one home.
SPELLINGS = f"""
WITH several AS (
    SELECT person_id FROM lives GROUP BY person_id HAVING count(DISTINCT home) BETWEEN 2 AND {MOST_HOMES}
), own AS (
    SELECT DISTINCT person_id, home FROM lives SEMI JOIN several USING (person_id) WHERE home IS NOT NULL
), namesakes AS (
    SELECT DISTINCT surname, homes.* FROM lives JOIN homes ON homes.home = lives.home
)
SELECT DISTINCT l.home AS l, r.home AS r
FROM own AS one
JOIN own AS other ON other.person_id = one.person_id AND other.home > one.home
JOIN homes AS l ON l.home = one.home
JOIN homes AS r ON r.home = other.home
WHERE jaro_winkler_similarity(l.street, r.street) >= CASE
    WHEN l.house_number <> r.house_number THEN {ONE_STREET} ELSE {LIKE_STREET} END
UNION
SELECT l.home, r.home
FROM namesakes AS l
JOIN namesakes AS r ON r.surname = l.surname AND r.house_number = l.house_number AND r.town = l.town AND r.home > l.home
WHERE jaro_winkler_similarity(l.street, r.street) >= {ONE_STREET}
"""
# Two homes of one household: half of the smaller one, but two people at least, are seen at both; or who lives alone moved.
MOVES = f"""
WITH seen AS (
    SELECT DISTINCT person_id, place FROM lives JOIN places ON places.home = lives.home
), several AS (
    SELECT person_id, count(*) AS place_count FROM seen GROUP BY person_id HAVING place_count > 1
), own AS (
    SELECT seen.* FROM seen LEFT JOIN several ON several.person_id = seen.person_id
    WHERE coalesce(place_count, 1) <= {MOST_HOMES}
), sizes AS (
    SELECT place, count(*) AS people_count FROM own GROUP BY place HAVING people_count <= (SELECT people_limit FROM bounds)
), shared AS (
    SELECT one.place AS l, other.place AS r, count(*) AS shared_count
    FROM (FROM own SEMI JOIN several USING (person_id)) AS one
    JOIN own AS other ON other.person_id = one.person_id AND other.place > one.place
    GROUP BY one.place, other.place
)
SELECT shared.l, shared.r
FROM shared
JOIN sizes AS one ON one.place = shared.l
JOIN sizes AS other ON other.place = shared.r
WHERE greatest(one.people_count, other.people_count) = 1
    OR shared_count >= 2 AND 2 * shared_count >= least(one.people_count, other.people_count)
"""
# A record without a home is in the only one that its person has. A person goes by the surname that she mostly has there.
GROUPS = """
WITH sole AS (
    SELECT person_id, min(place) AS place
    FROM lives JOIN places ON places.home = lives.home
    GROUP BY person_id HAVING count(DISTINCT place) = 1
), placed AS (
    SELECT lives.record_key, lives.person_id, lives.surname, coalesce(places.place, sole.place) AS place
    FROM lives
    LEFT JOIN places ON places.home = lives.home
    LEFT JOIN sole ON sole.person_id = lives.person_id
    WHERE coalesce(places.place, sole.place) IS NOT NULL
), called AS (
    SELECT place, person_id, surname
    FROM placed SEMI JOIN (
        SELECT place FROM placed GROUP BY place HAVING count(DISTINCT surname) > (SELECT surname_limit FROM bounds)
    ) USING (place)
    GROUP BY place, person_id, surname
    QUALIFY row_number() OVER (PARTITION BY place, person_id ORDER BY surname IS NULL, count(*) DESC, surname) = 1
), crowds AS (
    SELECT place FROM called GROUP BY place HAVING count(DISTINCT surname) > (SELECT surname_limit FROM bounds)
), families AS (
    SELECT place, person_id, coalesce(surname, '#' || person_id) AS family FROM called SEMI JOIN crowds USING (place)
), grouped AS (
    SELECT placed.*, coalesce(families.family, '') AS family, families.family IS NOT NULL AS is_crowded
    FROM placed LEFT JOIN families ON families.place = placed.place AND families.person_id = placed.person_id
), counted AS (
    SELECT place, family, min(record_key) AS household_key, count(DISTINCT person_id) AS people_count
    FROM grouped GROUP BY place, family
)
SELECT record_key,
    CASE WHEN people_count <= (SELECT people_limit FROM bounds) THEN household_key END AS household_key,
    is_crowded
FROM grouped JOIN counted USING (place, family)
"""


def households(records: pl.DataFrame) -> pl.DataFrame:
    """The household of every record that has a home, by record key: what `put_households` puts, of a frame with NEEDED."""
    connection = scratch_connection()
    try:
        put_frame(connection, "given", records.select(NEEDED))
        columns = ", ".join(f"{name} {kind}" for name, kind in HOUSEHOLD_RECORDS.items())
        connection.execute(f"CREATE TABLE found ({columns})")
        put_households(connection, "FROM given", "found")
        return frame(connection, "FROM found ORDER BY record_key")
    finally:
        connection.close()


def put_households(connection: Connection, records: str, target: str) -> None:
    """Fill a table HOUSEHOLD_RECORDS with the household of every record that has a home.

    `records` is SQL with the columns NEEDED: standardised ones, and whom each record is taken for. household_key is the
    smallest record key in the household; NULL where more people than a household has live behind one surname or in one
    home. is_crowded: so many surnames live there that only people of one are taken for a household.
    """
    session = connection.cursor()  # its temporary tables come before any others of their names
    try:
        session.register("bounds", pl.DataFrame([limits()["households"]]))
        session.execute(f"CREATE TEMP TABLE records AS {records}")
        session.execute(HOMES)
        spellings = frame(session, SPELLINGS)
        _place(session, spellings)
        moves = frame(session, MOVES)
        _place(session, pl.concat([spellings, moves]))
        session.execute(f"INSERT INTO {target} {GROUPS}")
    finally:
        session.close()


def _place(session: Connection, ends: pl.DataFrame) -> None:
    """Make `places`: for every home the smallest of those that it is one with, by pairs l and r."""
    count = frame(session, "SELECT count(*) AS n FROM homes")["n"].item()
    places = connected(ends, count) if count else pl.Series([], dtype=pl.Int64)
    session.register("placed_homes", pl.DataFrame({"home": pl.int_range(count, eager=True), "place": places}))
    session.execute("CREATE OR REPLACE TEMP TABLE places AS FROM placed_homes")
