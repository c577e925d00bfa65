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
    paths = _parquet_files(building, entity)
    c = building.connection
    target = f"scratch.main.versions_{entity.name}"
    c.execute(f"CREATE OR REPLACE TABLE {target} AS {_versions(building, entity, paths)}")
    names = ", ".join(entity.columns)
    c.execute(
        f"CREATE OR REPLACE VIEW facts.main.{entity.name} AS "
        f"SELECT {names}, source, file_key, row_number FROM {target} WHERE fate = 'kept'"
    )


def _parquet_files(building: Building, entity: Entity) -> list[str]:
    facts = Store(building.project.store).facts
    keys = query(
        building.connection, "SELECT DISTINCT file_key FROM computed.main.landed_files WHERE refusal = '' ORDER BY 1"
    )
    paths = [facts / key / f"{entity.name}.parquet" for (key,) in keys]
    return [str(path) for path in paths if path.is_file()]


def _versions(building: Building, entity: Entity, paths: list[str]) -> str:
    if not paths:
        typed = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in entity.columns.items())
        return (
            f"SELECT {typed}, 0::BIGINT AS row_number, 0::UBIGINT AS content, '' AS file_key, '' AS source, '' AS fate"
            " WHERE false"
        )
    listed = ", ".join(literal(path) for path in paths)
    key = ", ".join(entity.key) if entity.key else "content"
    # A ledger that comes along with a snapshot (consents of customers) has no key: its words stand.
    snapshots = [
        name
        for name, s in sources(building.project).items()
        if s.delivers == "full" and entity.name in s.maps and (entity.key or s.rows_are == entity.name)
    ]
    gone = f"source IN ({', '.join(map(literal, snapshots))}) AND newest_file <> file_key" if snapshots else "false"
    return f"""
WITH rows AS (
    SELECT facts.*, {entity.moment()} AS moment, file.file_key, file.source, file.first_seen_at, file.newest_file
    FROM (
        SELECT * EXCLUDE (filename), split_part(filename, '/', -2) AS facts_key
        FROM read_parquet([{listed}], union_by_name=true, filename=true)
    ) AS facts
    JOIN (
        SELECT file_key, source, first_seen_at,
            max_by(file_key, (first_seen_at, path)) OVER (PARTITION BY source) AS newest_file
        FROM computed.main.files_seen
    ) AS file ON file.file_key = facts.facts_key
), ranked AS (
    SELECT *, moment > (SELECT as_of FROM run.main.tonight) AS is_ahead, {gone} AS is_gone,
        row_number() OVER seen AS place, first_value(content) OVER seen AS winner
    FROM rows
    WINDOW seen AS (
        PARTITION BY {key}, coalesce(moment > (SELECT as_of FROM run.main.tonight), false), {gone}
        ORDER BY moment DESC NULLS LAST, first_seen_at DESC, file_key DESC, row_number DESC
    )
)
SELECT {", ".join(entity.columns)}, row_number, content, file_key, source,
    CASE
        WHEN is_ahead THEN 'not_yet'
        WHEN is_gone THEN 'superseded'
        WHEN place = 1 THEN 'kept'
        WHEN content = winner THEN 'duplicate'
        ELSE 'superseded'
    END AS fate
FROM ranked"""


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
