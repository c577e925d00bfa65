"""Why somebody entered or left since yesterday: membership asked again while yesterday's inputs give way to tonight's.

Belongs here: which inputs give way in which order, and the membership after each step. Does not belong here: the asking
(foundation.overlay), the cause that follows (the SELECTs of segment_changes and audience_changes).

Inputs give way one after the other, and stay: identity, consent, rule, score, time; what is left is a new fact. The cause
of a change is the first step after which the membership is tonight's. Time goes before new facts, because a fact of
today cannot be seen by yesterday's clock: what would have come by time alone is time's, all else needed the new fact.
What cannot have changed anything is not asked, and nothing is asked once every change has its cause.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from personalization_pipeline.foundation.artefacts import kept
from personalization_pipeline.foundation.building import Building, as_remembered
from personalization_pipeline.foundation.errors import PipelineError
from personalization_pipeline.foundation.night import Store, made_of
from personalization_pipeline.foundation.overlay import needed, overlay
from personalization_pipeline.foundation.phases import Catalogue
from personalization_pipeline.foundation.project import Project, load_project
from personalization_pipeline.foundation.tables import parse_select, relations
from personalization_pipeline.foundation.warehouse import content_hash, query

STEPS = {
    "place": "BIGINT",
    "cause": "VARCHAR",
    "name": "VARCHAR",
    "destination": "VARCHAR",
    "person_id": "VARCHAR",
    "is_entry": "BOOLEAN",
    "is_member": "BOOLEAN",
}
NEW_FACT = "new fact"
# What a question looks at besides what makes the members.
READS = ("records", "consent_state")
# What else somebody may have said is a new fact; these are consent.
CONSENT = ("consents", "consent_state")
# A table whose Python trains a model is never asked anew.
TRAINS = "models"

# Records of people whose records are not those of one id any more: whose they were, whose they are. A record that is gone
# went where most of its person's records went.
MOVED = """
WITH shares AS (
    SELECT before.person_id, now.person_id AS heir_id, count(*) AS shared_count, min(before.record_key) AS first_key
    FROM yesterday.main.records AS before
    JOIN records AS now ON now.record_key = before.record_key
    GROUP BY before.person_id, now.person_id
), heirs AS (
    SELECT person_id, heir_id
    FROM shares
    QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY shared_count DESC, first_key) = 1
), moves AS (
    SELECT before.record_key, before.person_id AS old_id, heirs.heir_id,
        coalesce(now.person_id, heirs.heir_id, before.person_id) AS new_id
    FROM yesterday.main.records AS before
    LEFT JOIN records AS now ON now.record_key = before.record_key
    LEFT JOIN heirs ON heirs.person_id = before.person_id
)
SELECT *
FROM moves
QUALIFY bool_or(old_id <> new_id) OVER (PARTITION BY old_id)"""


@dataclass(frozen=True)
class Step:
    """One question: membership by yesterday's facts, of which these are already as tonight."""

    cause: str
    project: Project
    artefacts: dict[str, Any]
    as_of: datetime
    is_moved: bool = False
    is_heard: bool = False


def settle(building: Building, target: str, memberships: str, before: str) -> None:
    """Fill computed.<target> (columns STEPS): per change its membership yesterday (place 0), after each step, and tonight.

    `memberships` is a SELECT of name, destination, person_id over tables named bare; `before` the same of yesterday.
    """
    if building.yesterday is None:
        return
    c, relation = building.connection, f"computed.main.{target}"
    c.execute(
        f"INSERT INTO {relation} SELECT 0, 'yesterday', name, destination, person_id, true, false "
        f"FROM (({memberships}) EXCEPT ({before})) UNION ALL "
        f"SELECT 0, 'yesterday', name, destination, person_id, false, true FROM (({before}) EXCEPT ({memberships}))"
    )
    c.execute(f"CREATE OR REPLACE TABLE computed.main.moved_records AS {MOVED}")
    left = (
        f"FROM {relation} AS change WHERE place = 0 AND NOT EXISTS (SELECT 1 FROM {relation} AS step WHERE step.place > 0 "
        "AND step.name = change.name AND step.destination = change.destination AND step.person_id = change.person_id "
        "AND step.is_member = step.is_entry)"
    )
    targets, place = relations(parse_select(memberships, target)), 0
    for place, step in enumerate(_steps(building, targets), start=1):
        if not query(c, f"SELECT 1 {left} LIMIT 1"):
            return
        with _asked(building, step, targets) as world:
            world.connection.execute(
                f"INSERT INTO {relation} SELECT {place}, '{step.cause}', change.name, change.destination, "
                "change.person_id, change.is_entry, member.person_id IS NOT NULL "
                f"FROM (SELECT * {left}) AS change LEFT JOIN ({memberships}) AS member ON member.name = change.name "
                "AND member.destination = change.destination AND member.person_id = change.person_id"
            )
    c.execute(
        f"INSERT INTO {relation} SELECT {place + 1}, '{NEW_FACT}', name, destination, person_id, is_entry, is_entry {left}"
    )


def _steps(building: Building, targets: Collection[str]) -> Iterator[Step]:
    """The questions in their order. What can no longer be asked as it was yesterday (a rule, a model, the package that is
    gone) is asked first: then nothing else is taken for its work.
    """
    store, project, c = Store(building.project.store), building.project, building.connection
    record = store.record(building.yesterday)
    made, keys = made_of(project), (record["artefacts"].get("scores"), building.artefact_keys.get("scores"))
    is_scored = "scores" in needed(building.catalogue, targets, _given(building.catalogue))[0] and keys[0] != keys[1]
    known = project if record["project"] == made["project"] else _project(store, record["project"])
    model = kept(store, "scores", keys[0]) if is_scored and keys[0] else None
    step = Step(
        cause="rule" if known is None or record["package"] != made["package"] else "score",
        project=known or project,
        artefacts={"scores": model} if model else building.artefacts,
        as_of=datetime.fromisoformat(record["as_of"]),
    )
    if step.cause == "rule" or (is_scored and model is None):
        yield step
    if query(c, "SELECT 1 FROM computed.main.moved_records LIMIT 1"):
        step = replace(step, cause="identity", is_moved=True)
        yield step
    if record["tables"]["consent_state"]["content"] != content_hash(c, "private.main.consent_state"):
        step = replace(step, cause="consent", is_heard=True)
        yield step
    if step.project is not project:
        step = replace(step, cause="rule", project=project)
        yield step
    if model is not None:
        step = replace(step, cause="score", artefacts=building.artefacts)
        yield step
    yield replace(step, cause="time", as_of=building.as_of)


def _project(store: Store, text_hash: str | None) -> Project | None:
    """The project's text as it was, where the store has a copy that can still be read."""
    try:
        return load_project(store.root / "projects" / str(text_hash))
    except PipelineError:
        return None


def _given(tables: Catalogue) -> set[str]:
    """Tables that are taken as a night has them: what landed, and what resolve made of it with more than a SELECT."""
    made = {
        name
        for name, table in tables.tables.items()
        if table.phase == "resolve" and any(table.reads(space) for space in ("facts", "computed", "yesterday"))
    }
    return made | {name for name, table in tables.tables.items() if table.phase == "ingest"} | {TRAINS}


def _asked(building: Building, step: Step, targets: Collection[str]) -> AbstractContextManager[Building]:
    """The targets as they would be at this step."""
    tables = building.catalogue
    if step.project is not building.project:
        own = {name: table for name, table in tables.tables.items() if name not in building.project.features}
        tables = replace(tables, tables={**own, **step.project.features})
    made, read = needed(tables, targets, _given(tables))
    heard = CONSENT if step.is_heard else ()
    inputs = {name: _known_yesterday(building, name, step) for name in sorted(read - {TRAINS, *heard})}
    differing = {"project": step.project, "catalogue": tables, "artefacts": step.artefacts, "as_of": step.as_of}
    return overlay(building, inputs, made, **differing)


def _known_yesterday(building: Building, name: str, step: Step) -> str:
    """A table as yesterday knew it, with tonight's ids where people have moved."""
    columns = building.columns(name)
    known = as_remembered(building.connection, name, columns)
    if not step.is_moved or "person_id" not in columns:
        return known
    moved = "computed.main.moved_records"
    if "record_key" in columns:
        return (
            f"SELECT known.* REPLACE (coalesce(moved.new_id, known.person_id) AS person_id) FROM ({known}) AS known "
            f"LEFT JOIN {moved} AS moved ON moved.record_key = known.record_key"
        )
    # A fact tells its record only while it lands: whose it is now is read from tonight's row of the same key.
    key = next(key for key in ("order_key", "event_key") if key in columns)
    return (
        "SELECT known.* REPLACE (CASE WHEN heir.old_id IS NULL THEN known.person_id "
        "ELSE coalesce(now.person_id, heir.heir_id, known.person_id) END AS person_id) "
        f"FROM ({known}) AS known LEFT JOIN (SELECT DISTINCT old_id, heir_id FROM {moved}) AS heir "
        "ON heir.old_id = known.person_id "
        f"LEFT JOIN (SELECT DISTINCT {key}, person_id FROM {building.catalogue.tables[name].target} "
        f"WHERE person_id IN (SELECT new_id FROM {moved})) AS now ON now.{key} = known.{key} AND heir.old_id IS NOT NULL"
    )
