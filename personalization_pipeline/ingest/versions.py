"""Which version of each thing counts tonight, and what became of the others: the relations facts.<entity>.

Belongs here: choosing among all typed rows of all landed files. Does not belong here: typing them (ingest.reading).

The latest moment wins; ties go to the file seen later, then to the greater file key, then to the later row. A row
dated after as_of is `not_yet`; a loser with the winner's content is a `duplicate`, any other `superseded`.

A night looks again only at things that a file brings which yesterday did not know, and at those of which yesterday set a
row aside: of every other thing there is one row, and it counts.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import polars as pl

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.warehouse import frame, literal, query
from personalization_pipeline.ingest.entities import Entity, entities
from personalization_pipeline.ingest.receipts import sources

FATES = {
    "file_key": "VARCHAR",
    "fate": "VARCHAR",
    "row_count": "BIGINT",
    # Facts that came along with a row of the file, such as the refund that stands on the line of its sale.
    "further_count": "BIGINT",
    # Of both.
    "amount": "DECIMAL(18,2)",
}
SET_ASIDE = {"entity": "VARCHAR", "file_key": "VARCHAR", "place": "BIGINT", "fate": "VARCHAR"}
Files = dict[str, list[str]]  # file keys by source


def assemble(building: Building) -> pl.DataFrame:
    """Make facts.<entity> for every entity; returns how many rows of each file met which fate.

    A file's rows are counted by the entity that one row of its source is.
    """
    counts = {"row_count": pl.Int64, "further_count": pl.Int64}
    fates = [pl.DataFrame(schema={"file_key": pl.String, "fate": pl.String, **counts, "amount": pl.Decimal(18, 2)})]
    for entity in entities().values():
        _assemble(building, entity)
        counted = [name for name, source in sources(building.project).items() if source.rows_are == entity.name]
        if counted:
            fates.append(_fates(building, entity, counted))
    return pl.concat(fates)


def set_aside(building: Building) -> None:
    """The rows of all entities that do not count tonight, as `assemble` found them."""
    for name in entities():
        building.connection.execute(
            f"INSERT INTO computed.main.set_aside SELECT {literal(name)}, * FROM scratch.main.set_aside_{name}"
        )


def _assemble(building: Building, entity: Entity) -> None:
    """The view scratch.versions_<entity>, all rows with their fate, and facts.<entity>, those that are kept.

    Both read the typed rows where they lie. Only what a night cannot see at a glance is ranked and written down: the
    rows of things that have more than one, that are not yet seen or gone. Nearly every row is the only one of its thing.
    """
    c = building.connection
    aside, target = f"scratch.main.set_aside_{entity.name}", f"scratch.main.versions_{entity.name}"
    files = _files(building, entity)
    c.execute(f"CREATE OR REPLACE TABLE {aside} AS {_set_aside(building, entity, files)}")
    parted = {key for (key,) in query(c, f"SELECT DISTINCT file_key FROM {aside} ORDER BY file_key")}
    every = {key for keys in files.values() for key in keys}
    c.execute(
        f"CREATE OR REPLACE VIEW {target} AS SELECT *, 'kept' AS fate FROM ({_landed(building, entity, files, every - parted)}) "
        f"UNION ALL SELECT landed.*, coalesce(aside.fate, 'kept') FROM ({_landed(building, entity, files, parted)}) AS landed "
        f"LEFT JOIN {aside} AS aside ON aside.file_key = landed.file_key AND aside.place = landed.place"
    )
    names = ", ".join(entity.columns)
    c.execute(
        f"CREATE OR REPLACE VIEW facts.main.{entity.name} AS "
        f"SELECT {names}, source, file_key, row_number FROM {target} WHERE fate = 'kept'"
    )


def _files(building: Building, entity: Entity) -> Files:
    """The files that hold typed rows of an entity."""
    found: Files = {}
    for source, key in query(
        building.connection, "SELECT DISTINCT source, file_key FROM computed.main.files_seen ORDER BY ALL"
    ):
        if _facts(building, entity, key).is_file():
            found.setdefault(source, []).append(key)
    return found


def _facts(building: Building, entity: Entity, key: str) -> Path:
    return Store(building.project.store).facts / key / f"{entity.name}.parquet"


def _landed(building: Building, entity: Entity, files: Files, among: Collection[str]) -> str:
    """SQL: the typed rows of those files that are `among` some, each with its source, its file, and `place` in its facts."""
    asked = {source: found for source, keys in files.items() if (found := [key for key in keys if key in among])}
    if not asked:
        typed = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in entity.columns.items())
        return (
            f"SELECT {typed}, 0::BIGINT AS row_number, 0::UBIGINT AS content, 0::BIGINT AS place, '' AS file_key, '' AS source"
            " WHERE false"
        )
    columns = f"{', '.join(entity.columns)}, row_number, content, file_row_number AS place"
    # By source, not by a join with the files: the engine would no longer know how many rows there are.
    return "\nUNION ALL ".join(
        f"SELECT {columns}, split_part(filename, '/', -2) AS file_key, {literal(source)} AS source "
        f"FROM read_parquet([{', '.join(literal(str(_facts(building, entity, key))) for key in keys)}], "
        "union_by_name=true, filename=true, file_row_number=true)"
        for source, keys in asked.items()
    )


def _set_aside(building: Building, entity: Entity, files: Files) -> str:
    """SQL: file_key, place and fate of every row that is not kept."""
    key = ", ".join(entity.key) if entity.key else "content"
    as_of = f"TIMESTAMP {literal(building.as_of.isoformat(sep=' '))}"
    gone = _gone(building, entity)
    return f"""
WITH {_reached(building, entity, files, gone, key)}, landed AS (
    SELECT reached.*, file.first_seen_at, reached.file_key IN ({", ".join(map(literal, ["", *sorted(gone)]))}) AS is_gone
    FROM reached
    JOIN computed.main.files_seen AS file ON file.file_key = reached.file_key
), contested AS (
    SELECT {key} FROM landed GROUP BY {key} HAVING count(*) > 1 OR bool_or(is_gone) OR max({entity.moment()}) > {as_of}
), ranked AS (
    SELECT file_key, place, content, is_gone, coalesce({entity.moment()} > {as_of}, false) AS is_ahead,
        row_number() OVER seen AS rank, first_value(content) OVER seen AS winner
    FROM landed SEMI JOIN contested USING ({key})
    WINDOW seen AS (
        PARTITION BY {key}, coalesce({entity.moment()} > {as_of}, false), is_gone
        ORDER BY {entity.moment()} DESC NULLS LAST, first_seen_at DESC, file_key DESC, row_number DESC, place DESC
    )
)
SELECT file_key, place, fate
FROM (
    SELECT file_key, place,
        CASE
            WHEN is_ahead THEN 'not_yet'
            WHEN is_gone THEN 'superseded'
            WHEN rank = 1 THEN 'kept'
            WHEN content = winner THEN 'duplicate'
            ELSE 'superseded'
        END AS fate
    FROM ranked
)
WHERE fate <> 'kept'"""


def _gone(building: Building, entity: Entity) -> set[str]:
    """The snapshots that a newer one of their source has replaced."""
    # A ledger that comes along with a snapshot (consents of customers) has no key: its words stand.
    snapshots = [
        literal(name)
        for name, s in sources(building.project).items()
        if s.delivers == "full" and entity.name in s.maps and (entity.key or s.rows_are == entity.name)
    ]
    if not snapshots:
        return set()
    return {
        key
        for (key,) in query(
            building.connection,
            f"SELECT file_key FROM computed.main.files_seen WHERE source IN ({', '.join(snapshots)}) "
            "QUALIFY file_key <> max_by(file_key, (first_seen_at, path)) OVER (PARTITION BY source)",
        )
    }


def _reached(building: Building, entity: Entity, files: Files, gone: set[str], key: str) -> str:
    """SQL: the common table `reached`, the rows of every thing that tonight may have another fate than yesterday."""
    c = building.connection
    known = {
        found
        for (found,) in query(
            c, "SELECT file_key FROM yesterday.main.files WHERE refusal = '' AND file_key IS NOT NULL ORDER BY file_key"
        )
    } - gone
    here = {found for keys in files.values() for found in keys}
    every = _landed(building, entity, files, here)
    if not here & known:
        return f"reached AS ({every})"
    aside = f"(SELECT file_key, place FROM yesterday.main.set_aside WHERE entity = {literal(entity.name)})"
    parted = {found for (found,) in query(c, f"SELECT DISTINCT file_key FROM {aside} ORDER BY file_key")}
    from_news = _landed(building, entity, files, here - known)
    from_olds = _landed(building, entity, files, here & known & parted)
    return f"""things AS (
    SELECT {key} FROM ({from_news})
    UNION
    SELECT {key} FROM ({from_olds}) SEMI JOIN {aside} AS aside USING (file_key, place)
), reached AS MATERIALIZED (
    SELECT every.* FROM ({every}) AS every SEMI JOIN things USING ({key})
)"""


def _fates(building: Building, entity: Entity, names: list[str]) -> pl.DataFrame:
    """A source row that fills its entity more than once counts once, by the best of its fates; the rest came along."""
    amount = entity.amount or "CAST(0 AS DECIMAL(18, 2))"
    is_row = "true"
    if any(len(sources(building.project)[name].mappings(entity.name)) > 1 for name in names):
        best = "list_position(['kept', 'not_yet', 'superseded', 'duplicate'], fate)"
        is_row = f"row_number() OVER (PARTITION BY file_key, row_number ORDER BY {best}) = 1"
    return frame(
        building.connection,
        "SELECT file_key, fate, count(*) FILTER (is_row) AS row_count, count(*) FILTER (NOT is_row) AS further_count, "
        f"CAST(sum({amount}) AS DECIMAL(18, 2)) AS amount "
        f"FROM (SELECT *, {is_row} AS is_row FROM scratch.main.versions_{entity.name} "
        f"WHERE source IN ({', '.join(map(literal, names))})) "
        "GROUP BY file_key, fate ORDER BY file_key, fate",
    )
