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
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from personalization_pipeline.foundation.artefacts import kept
from personalization_pipeline.foundation.building import Building, as_remembered
from personalization_pipeline.foundation.night import Store, made_of
from personalization_pipeline.foundation.opening import kept_text
from personalization_pipeline.foundation.overlay import make_anew, needed, overlay, stand_in, turn
from personalization_pipeline.foundation.phases import Catalogue
from personalization_pipeline.foundation.project import Project
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
# What the project's rules, plans and settings fill: any change of its text may change these.
FILLED = ("segment_members", "audience_plans", "audience_candidates", "offers", "decisions", "holdout_arms")
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
    """One input gives way: fields of the night that are tonight's now, tables that are, and what to make anew first."""

    cause: str
    fields: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    start: set[str] = field(default_factory=set)


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
    place, targets = 0, relations(parse_select(memberships, target))
    if query(c, f"SELECT 1 {left} LIMIT 1"):
        for place, (cause, world) in enumerate(_worlds(building, targets), start=1):
            world.connection.execute(
                f"INSERT INTO {relation} SELECT {place}, '{cause}', change.name, change.destination, change.person_id, "
                f"change.is_entry, member.person_id IS NOT NULL FROM (SELECT * {left}) AS change "
                f"LEFT JOIN ({memberships}) AS member ON member.name = change.name "
                "AND member.destination = change.destination AND member.person_id = change.person_id"
            )
            if not query(c, f"SELECT 1 {left} LIMIT 1"):
                return
    c.execute(
        f"INSERT INTO {relation} SELECT {place + 1}, '{NEW_FACT}', name, destination, person_id, is_entry, is_entry {left}"
    )


def _worlds(building: Building, targets: Collection[str]) -> Iterator[tuple[str, Building]]:
    """Yesterday with one input after the other as it is tonight, each with its cause; only what that touches is made anew.

    What can no longer be asked as it was (a rule, a model, the package that is gone) gives way first: then nothing else
    is taken for its work.
    """
    store, project, c = Store(building.project.store), building.project, building.connection
    record = store.record(building.yesterday)
    made, keys = made_of(project), (record["artefacts"].get("scores"), building.artefact_keys.get("scores"))
    known = project if record["project"] == made["project"] else kept_text(store, record["project"])
    needs, read = needed(building.catalogue, targets, _given(building.catalogue))
    model = kept(store, "scores", keys[0]) if keys[0] and keys[0] != keys[1] else None
    with overlay(
        building, as_of=datetime.fromisoformat(record["as_of"]), **_texts(building, known or project)
    ) as world:
        world.artefacts = {"scores": model} if model else building.artefacts
        lie = dict(
            query(
                c, "SELECT table_name, table_catalog FROM information_schema.tables WHERE table_catalog LIKE 'last_%'"
            )
        )
        inputs = {name: as_remembered(c, name, building.columns(name)) for name in sorted(read - {TRAINS})}
        stand_in(
            world, inputs | {name: f"SELECT * FROM {lie[name]}.main.{name}" for name in sorted(needs & lie.keys())}
        )
        steps = list(_steps(building, known, record, sorted(read - {TRAINS})))
        if known is None or record["package"] != made["package"]:
            steps.insert(0, Step("rule", start=needs))
        elif "scores" in needs and keys[0] != keys[1]:
            steps.insert(*((-1, Step("score", {"artefacts": building.artefacts})) if model else (0, Step("score"))))
            steps[-2 if model else 0].start.add("scores")
        for step in steps:
            turn(world, **step.fields)
            stand_in(world, step.inputs)
            touched = step.start | world.catalogue.downstream(step.start)
            untouched = set(world.catalogue.tables) - touched | _given(world.catalogue)
            make_anew(world, needed(world.catalogue, targets, untouched)[0])
            yield step.cause, world


def _steps(building: Building, known: Project | None, record: dict[str, Any], read: list[str]) -> Iterator[Step]:
    """What can give way as it was: ids, consent, rules and time."""
    c, project, tables = building.connection, building.project, building.catalogue.tables
    if query(c, "SELECT 1 FROM computed.main.moved_records LIMIT 1"):
        moved = {name: _moved(building, name) for name in read if "person_id" in building.columns(name)}
        yield Step("identity", inputs=moved, start=set(moved))
    if record["tables"]["consent_state"]["content"] != content_hash(c, "private.main.consent_state"):
        heard = {name: f"SELECT * FROM {tables[name].target}" for name in CONSENT if name in read}
        yield Step("consent", inputs=heard, start=set(heard))
    if known is not None and known is not project:
        yield Step("rule", _texts(building, project), start=filled_anew(building.catalogue, known, project))
    yield Step("time", {"as_of": building.as_of}, start=_timed(building.catalogue))


def filled_anew(tables: Catalogue, before: Project, now: Project) -> set[str]:
    """Tables that another text of the project may fill otherwise; what reads them follows."""
    old, new = ({name: table.sql for name, table in project.features.items()} for project in (before, now))
    changed = {name for name in new if new[name] != old.get(name)} | (
        {"features"} if old.keys() != new.keys() else set()
    )
    days = [(project.settings.time_zone, project.settings.currency) for project in (before, now)]
    return {*FILLED, *changed, *(_timed(tables) if days[0] != days[1] else ())}


def _timed(tables: Catalogue) -> set[str]:
    """Tables of people that read `tonight`."""
    return {name for name, table in tables.tables.items() if "tonight" in table.reads()} - _given(tables)


def _texts(building: Building, project: Project) -> dict[str, Any]:
    """The project and, of its features, the catalogue."""
    tables = building.catalogue
    if project is building.project:
        return {"project": project, "catalogue": tables}
    own = {name: table for name, table in tables.tables.items() if name not in building.project.features}
    return {"project": project, "catalogue": replace(tables, tables={**own, **project.features})}


def _given(tables: Catalogue) -> set[str]:
    """Tables that are taken as a night has them: what landed, what resolve made of it with more than a SELECT, what
    people did, and of addresses in their standard form."""
    given = {TRAINS}
    for name, table in tables.tables.items():
        is_made = any(map(table.reads, ("computed", "yesterday"))) or "standard_addresses" in table.reads()
        is_seen = bool(table.reads("facts")) and not table.is_feature
        if table.phase == "ingest" or is_seen or (table.phase == "resolve" and is_made):
            given.add(name)
    return given


def _moved(building: Building, name: str) -> str:
    """A table as yesterday knew it, with tonight's ids where people have moved."""
    columns = building.columns(name)
    known, moved = as_remembered(building.connection, name, columns), "computed.main.moved_records"
    if "record_key" in columns:
        return (
            f"SELECT known.* REPLACE (coalesce(moved.new_id, known.person_id) AS person_id) FROM ({known}) AS known "
            f"LEFT JOIN {moved} AS moved ON moved.record_key = known.record_key"
        )
    heirs = f"(SELECT DISTINCT old_id, heir_id FROM {moved}) AS heir ON heir.old_id = known.person_id"
    # A fact tells its record only while it lands: whose it is now is read from tonight's row of the same key.
    key = next((key for key in ("order_key", "event_key", "visitor_key") if key in columns), None)
    if key is None:
        return (
            "SELECT known.* REPLACE (coalesce(heir.heir_id, known.person_id) AS person_id) "
            f"FROM ({known}) AS known LEFT JOIN {heirs}"
        )
    return (
        "SELECT known.* REPLACE (CASE WHEN heir.old_id IS NULL THEN known.person_id "
        "ELSE coalesce(now.person_id, heir.heir_id, known.person_id) END AS person_id) "
        f"FROM ({known}) AS known LEFT JOIN {heirs} "
        f"LEFT JOIN (SELECT DISTINCT {key}, person_id FROM {building.catalogue.tables[name].target} "
        f"WHERE person_id IN (SELECT new_id FROM {moved})) AS now ON now.{key} = known.{key}"
    )
