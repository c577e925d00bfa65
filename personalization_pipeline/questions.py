"""Questions to a committed night: how many people does a rule mean, and why is one of them (not) among them.

Belongs here: `ask` and `why` as data. Does not belong here: printing (cli), anything that changes a night.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from personalization_pipeline.foundation.checked_rules import checked_rule, rule_errors_told
from personalization_pipeline.foundation.errors import MissingArgument
from personalization_pipeline.foundation.funnel import PartVerdict, explain_sql, funnel_sql, read_explanation
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.project import Project, nearest
from personalization_pipeline.foundation.rules import Rule
from personalization_pipeline.foundation.warehouse import Connection, columns_of, published_connection, query, row

REACH = ("is_reachable_email", "is_reachable_sms", "is_reachable_ads")


@dataclass(frozen=True)
class Answer:
    """How many people a rule means; `funnel`: per AND-part how many are left, meet it alone, are unknown to it."""

    total: int
    count: int
    reach: dict[str, int]
    funnel: list[tuple[str, int, int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class Reason:
    """Why one person is (not) in a segment or audience. `outcomes` per destination, for audiences.

    `changes` since yesterday, with their cause, per destination; blank: of the segment, or of the audience's rule.
    """

    name: str
    where: str
    parts: list[PartVerdict]
    is_member: bool
    outcomes: dict[str, str] = field(default_factory=dict)
    changes: dict[str, str] = field(default_factory=dict)


def current_night(project: Project) -> Path:
    """The committed night. Raises MissingArgument before the first."""
    folder = Store(project.store).current()
    if folder is None:
        raise MissingArgument("there is no night yet", fix="build one: personalize run", where=project.store)
    return folder


def ask(project: Project, text: str) -> Answer:
    """Count the people for whom a rule is true, over last night's `profiles`."""
    connection = published_connection(current_night(project))
    try:
        rule = _rule(project, connection, text, "the rule")
        reach = ", ".join(f"count(*) FILTER ({flag}) AS {flag}" for flag in REACH)
        with rule_errors_told("the rule", rule.sql, {}):
            found = row(connection, funnel_sql(rule, "profiles"))
            reached = row(connection, f"SELECT count(*) AS people, {reach} FROM profiles WHERE {rule.sql}")
    finally:
        connection.close()
    count = int(reached.pop("people"))
    parts = [
        (part, found[f"passed_{k}"], found[f"alone_{k}"], found[f"unknown_{k}"])
        for k, part in enumerate(rule.parts, start=1)
    ]
    return Answer(int(found["total"]), count, {name: int(n) for name, n in reached.items()}, parts)


def why(project: Project, person: str, *, segment: str | None = None, audience: str | None = None) -> list[Reason]:
    """For one person: each part of a segment's or audience's rule, true, false or unknown, with the values it read.

    Without a name: all segments and audiences of the project. `person` is a person_id; one that was merged into another
    means whoever that is now.
    """
    connection = published_connection(current_night(project))
    try:
        person = _current_id(connection, person)
        reasons = [
            _segment_reason(project, connection, person, name)
            for name in _chosen(segment, audience, project.segments, "segment")
        ]
        reasons += [
            _audience_reason(project, connection, person, name)
            for name in _chosen(audience, segment, project.audiences, "audience")
        ]
        return reasons
    finally:
        connection.close()


def _current_id(connection: Connection, person: str) -> str:
    """The id that the person of an id has tonight."""
    found = query(connection, "SELECT current_person_id FROM person_ids WHERE person_id = ?", [person])
    current: str | None = found[0][0] if found else None
    if current is None:
        raise MissingArgument(
            "the person of this id is gone: none of her records is left" if found else "nobody has this id tonight",
            fix="take a person_id from `profiles`: personalize ask, or SQL",
        )
    return current


def _chosen(wanted: str | None, other: str | None, known: Collection[str], kind: str) -> list[str]:
    if wanted is None:
        return [] if other else list(known)
    if wanted not in known:
        raise MissingArgument(f"there is no {kind} {wanted!r}", fix=nearest(wanted, known))
    return [wanted]


def _rule(project: Project, connection: Connection, text: str, where: Path | str) -> Rule:
    columns = columns_of(connection, "profiles")
    sensitive = project.settings.sensitive
    return checked_rule(connection, text, columns=columns, segments=project.segments, where=where, sensitive=sensitive)


def _explained(project: Project, connection: Connection, text: str, where: Path, person: str) -> list[PartVerdict]:
    rule = _rule(project, connection, text, where)
    with rule_errors_told(where, rule.sql, {}):
        return read_explanation(rule, row(connection, explain_sql(rule, "profiles", "person_id"), [person]))


def _segment_reason(project: Project, connection: Connection, person: str, name: str) -> Reason:
    text = project.segments[name].where
    parts = _explained(project, connection, text, project.file("segments", name), person)
    member = bool(
        query(connection, "SELECT 1 FROM segment_members WHERE segment = ? AND person_id = ?", [name, person])
    )
    changes = query(
        connection,
        "SELECT '', change || ', ' || cause FROM segment_changes WHERE segment = ? AND person_id = ?",
        [name, person],
    )
    return Reason(f"segment {name}", text, parts, member, changes=dict(changes))


def _audience_reason(project: Project, connection: Connection, person: str, name: str) -> Reason:
    text = project.audiences[name].where
    parts = _explained(project, connection, text, project.file("audiences", name), person)
    outcomes = dict(
        query(
            connection,
            "SELECT destination, outcome FROM audience_waterfall WHERE audience = ? AND person_id = ? ORDER BY destination",
            [name, person],
        )
    )
    changes = query(
        connection,
        "SELECT destination, change || ', ' || cause FROM audience_changes WHERE audience = ? AND person_id = ? ORDER BY 1",
        [name, person],
    )
    return Reason(
        f"audience {name}",
        text,
        parts,
        any(outcome == "delivered" for outcome in outcomes.values()),
        outcomes,
        dict(changes),
    )
