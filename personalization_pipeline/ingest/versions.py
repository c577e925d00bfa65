"""Which version of each thing counts tonight, and what became of the others: the relations facts.<entity>.

Belongs here: choosing among all typed rows of all landed files. Does not belong here: typing them (ingest.reading).

The latest moment wins; ties go to the file seen later, then to the greater file key, then to the later row. A row
dated after as_of is `not_yet`; a loser with the winner's content is a `duplicate`, any other `superseded`.
"""

from __future__ import annotations

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


def _assemble(building: Building, entity: Entity) -> None:
    """The view scratch.versions_<entity>, all rows with their fate, and facts.<entity>, those that are kept.

    Both read the typed rows where they lie. Only what a night cannot see at a glance is ranked and written down: the
    rows of things that have more than one, that are not yet seen or gone. Nearly every row is the only one of its thing.
    """
    c = building.connection
    set_aside, target = f"scratch.main.set_aside_{entity.name}", f"scratch.main.versions_{entity.name}"
    landed = _landed(entity, _parquet_files(building, entity))
    c.execute(f"CREATE OR REPLACE TABLE {set_aside} AS {_set_aside(building, entity, landed)}")
    c.execute(
        f"CREATE OR REPLACE VIEW {target} AS SELECT landed.*, coalesce(aside.fate, 'kept') AS fate FROM ({landed}) AS landed "
        f"LEFT JOIN {set_aside} AS aside ON aside.file_key = landed.file_key AND aside.place = landed.place"
    )
    names = ", ".join(entity.columns)
    c.execute(
        f"CREATE OR REPLACE VIEW facts.main.{entity.name} AS "
        f"SELECT {names}, source, file_key, row_number FROM {target} WHERE fate = 'kept'"
    )


def _parquet_files(building: Building, entity: Entity) -> dict[str, list[str]]:
    """The typed rows of an entity, by source."""
    facts = Store(building.project.store).facts
    found: dict[str, list[str]] = {}
    for source, key in query(
        building.connection, "SELECT DISTINCT source, file_key FROM computed.main.files_seen ORDER BY ALL"
    ):
        path = facts / key / f"{entity.name}.parquet"
        if path.is_file():
            found.setdefault(source, []).append(str(path))
    return found


def _landed(entity: Entity, files: dict[str, list[str]]) -> str:
    """SQL: the typed rows of all landed files, each with its source, its file, and `place` in the facts of the file."""
    if not files:
        typed = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in entity.columns.items())
        return (
            f"SELECT {typed}, 0::BIGINT AS row_number, 0::UBIGINT AS content, 0::BIGINT AS place, '' AS file_key, '' AS source"
            " WHERE false"
        )
    columns = f"{', '.join(entity.columns)}, row_number, content, file_row_number AS place"
    # By source, not by a join with the files: the engine would no longer know how many rows there are.
    return "\nUNION ALL ".join(
        f"SELECT {columns}, split_part(filename, '/', -2) AS file_key, {literal(source)} AS source "
        f"FROM read_parquet([{', '.join(map(literal, paths))}], union_by_name=true, filename=true, file_row_number=true)"
        for source, paths in files.items()
    )


def _set_aside(building: Building, entity: Entity, landed: str) -> str:
    """SQL: file_key, place and fate of every row that is not kept."""
    # A ledger that comes along with a snapshot (consents of customers) has no key: its words stand.
    snapshots = [
        literal(name)
        for name, s in sources(building.project).items()
        if s.delivers == "full" and entity.name in s.maps and (entity.key or s.rows_are == entity.name)
    ]
    gone = f"file.source IN ({', '.join(snapshots)}) AND file.newest_file <> file.file_key" if snapshots else "false"
    key = ", ".join(entity.key) if entity.key else "content"
    as_of = f"TIMESTAMP {literal(building.as_of.isoformat(sep=' '))}"
    return f"""
WITH landed AS (
    SELECT rows.*, file.first_seen_at, {gone} AS is_gone
    FROM ({landed}) AS rows
    JOIN (
        SELECT *, max_by(file_key, (first_seen_at, path)) OVER (PARTITION BY source) AS newest_file
        FROM computed.main.files_seen
    ) AS file ON file.file_key = rows.file_key
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
