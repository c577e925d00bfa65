"""What a correction would do: the people of the last night as they would be with other words in corrections/links.csv.

Belongs here: who would move, and what becomes of them. Does not belong here: the words themselves (linking), what they do
to clusters (resolve), the session beside a night (foundation.overlay).

The last night is asked as the next one would find it: its own tables are its yesterday's, so that ids are carried on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from personalization_pipeline.asked_night import OTHER_CORRECTIONS, Asked, asked_night
from personalization_pipeline.foundation.artefacts import used
from personalization_pipeline.foundation.building import Building, as_remembered
from personalization_pipeline.foundation.corrections import Link
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.overlay import give, make_anew, needed, overlay, stand_in
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import engine_errors_told, frame, literal, put_frame, query
from personalization_pipeline.planning import DECIDED, NIGHT, Plan, moves_between
from personalization_pipeline.questions import REACH

if TYPE_CHECKING:
    import polars as pl

PRIVATE = "private.main."
# The people who have any of some records: {0} and {1} are where private and other tables lie, {2} the record keys.
SUMMARY = f"""
SELECT owners.person_id, owners.record_count, features.order_count, CAST(features.order_value_amount AS VARCHAR) AS order_value_amount,
    scores.rfm_segment, CAST(scores.expected_value_amount AS VARCHAR) AS expected_value_amount, coalesce(grants.grant_count, 0) AS grant_count, {", ".join(f"features.{flag}" for flag in REACH)}, features.is_profiling_allowed
FROM (SELECT person_id, count(*) AS record_count FROM {{0}}records WHERE record_key IN ({{2}}) GROUP BY person_id) AS owners
LEFT JOIN {{1}}features AS features USING (person_id)
LEFT JOIN {{1}}scores AS scores USING (person_id)
LEFT JOIN (
    SELECT person_id, count(*) AS grant_count
    FROM (SELECT DISTINCT person_id, address FROM {{0}}identifiers) JOIN consent_state USING (address)
    WHERE status = 'granted' GROUP BY person_id
) AS grants USING (person_id)
ORDER BY record_count DESC, person_id"""
# Records of people who would not have the same records any more.
MOVED = """
WITH moves AS (
    SELECT before.record_key, before.person_id AS old_id, now.person_id AS new_id
    FROM private.main.records AS before JOIN records AS now USING (record_key)
), parted AS (
    SELECT *, bool_or(old_id <> new_id) OVER (PARTITION BY old_id) AS is_left,
        bool_or(old_id <> new_id) OVER (PARTITION BY new_id) AS is_joined
    FROM moves
)
SELECT record_key, old_id, new_id FROM parted WHERE is_left OR is_joined"""


@dataclass(frozen=True)
class BlastRadius:
    """What other words would do. `before`, `after`: the people whose records move, as rows of SUMMARY; `plan`: all else."""

    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    plan: Plan


def blast_radius(project: Project, links: Sequence[Link]) -> BlastRadius:
    """What corrections/links.csv would do to the people of the current night if it said `links`; nothing is written."""
    said = replace(project, links=dict(enumerate(links, start=2)))
    with asked_night(said, None) as asked, engine_errors_told(), _changed(asked) as after:
        moved = ", ".join(literal(key) for (key, *_) in query(after.connection, f"{MOVED} ORDER BY ALL")) or "NULL"
        before = _rows(after, SUMMARY.format(PRIVATE, NIGHT, moved))
        now = _rows(after, SUMMARY.format("", "", moved))
        moves = moves_between(asked, after, lambda _: "identity")
        night = str(asked.building.folder and asked.building.folder.name)
        notes = [note for note in asked.notes if note != OTHER_CORRECTIONS]
        return BlastRadius(before, now, Plan(night, asked.building.as_of, moves, notes))


def _rows(after: Building, sql: str) -> list[dict[str, Any]]:
    result = after.connection.execute(sql)
    names = [column[0] for column in result.description or []]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@contextlib.contextmanager
def _changed(asked: Asked) -> Iterator[Building]:
    """The night as the project's links would make it."""
    building, tables = asked.building, asked.building.catalogue
    for table in tables.tables.values():
        if table.memory:
            known = as_remembered(building.connection, table.name, table.memory, ("warehouse", "private"))
            building.connection.execute(f"CREATE OR REPLACE VIEW yesterday.main.{table.name} AS {known}")
    start = {"records"}
    touched = start | tables.downstream(start)
    facts = {name for name in touched if tables.tables[name].reads("facts")}
    made, read = needed(tables, {*DECIDED, "identifiers"}, (set(tables.tables) - touched) | facts | {"models"})
    with overlay(building) as after:
        put_frame(after.connection, "overlay.main.clusters", _clusters(building))
        give(after, "unsettled_records", "SELECT record_key FROM clusters")
        make_anew(after, start)
        _follow_records(after, read & facts)
        make_anew(after, made - start)
        yield after


def _clusters(building: Building) -> pl.DataFrame:
    """Tonight's clusters with other words: only components that these touch are weighed and cut anew."""
    import polars as pl

    from personalization_pipeline.resolve import corrections
    from personalization_pipeline.resolve.cluster import groups
    from personalization_pipeline.resolve.components import components, cut_of, inner_pairs, with_keys_holding

    c, project = building.connection, building.project
    artefact = used(Store(project.store), "identity", building.artefact_keys["identity"])
    compared, known = frame(c, "FROM compared_records"), frame(c, "FROM clusters WHERE component_digest IS NOT NULL")
    words = corrections.links(project)
    for side in ("record_key_l", "record_key_r"):
        words = words.join(compared.select(pl.col("record_key").alias(side)), on=side, how="semi")
    said = corrections.said_edges(words)
    once, cut = project.sources_once, cut_of(project)
    evidence = frame(c, f"FROM edges WHERE kind NOT IN ('{corrections.SAME}', '{corrections.NEVER}')")
    evidence = with_keys_holding(evidence, cut)
    edges = pl.concat([evidence.select(said.columns), said])
    found = components(edges, compared, artefact, known.select("record_key", "component_digest"), once=once, cut=cut)
    inner = inner_pairs(found, edges, compared, artefact)
    weights = pl.concat([evidence.select(inner.columns), frame(c, "FROM inner_pairs").select(inner.columns), inner])
    return groups(found, weights, said, known, once=once, cut=cut)


def _follow_records(after: Building, names: Collection[str]) -> None:
    """Let facts follow their records. Tables do not tell an order's record: where people part it is read as it landed.

    A browser that both of two people have signed in on is known to be theirs only after a night.
    """
    c = after.connection
    c.execute(f"CREATE OR REPLACE TABLE overlay.main.moved_records AS {MOVED}")
    facts = Store(after.project.store).facts
    landed = query(c, "SELECT DISTINCT file_key FROM files WHERE refusal = '' ORDER BY 1")
    for name in sorted(names):
        night = after.catalogue.tables[name].target
        key = next(key for key in ("order_key", "event_key", "visitor_key") if key in after.columns(night))
        entity = "orders" if key == "order_key" else "events"
        files = [facts / file / f"{entity}.parquet" for (file,) in landed]
        paths = ", ".join(literal(str(path)) for path in files if path.is_file())
        owners = f"SELECT NULL::VARCHAR AS {key}, NULL::VARCHAR AS old_id, NULL::VARCHAR AS new_id WHERE false"
        if paths:
            owners = (
                f"SELECT {key}, old_id, arg_max(new_id, record_key) AS new_id "
                f"FROM read_parquet([{paths}], union_by_name = true) JOIN overlay.main.moved_records USING (record_key) "
                f"GROUP BY {key}, old_id"
            )
        sql = (
            "SELECT known.* REPLACE (coalesce(owner.new_id, heir.new_id, known.person_id) AS person_id) "
            f"FROM {night} AS known "
            f"LEFT JOIN ({owners}) AS owner ON owner.{key} = known.{key} AND owner.old_id = known.person_id "
            "LEFT JOIN (SELECT old_id, max(new_id) AS new_id FROM overlay.main.moved_records GROUP BY old_id "
            "HAVING count(DISTINCT new_id) = 1) AS heir ON heir.old_id = known.person_id"
        )
        stand_in(after, {name: sql})
