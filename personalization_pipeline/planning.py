"""`personalize plan`: the project as it lies on disk now, asked over a committed night, beside it and without a trace.

Belongs here: what has to be made anew for a change, and who would move by it. Does not belong here: the session beside
the night (foundation.overlay), the words (planning_words).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from personalization_pipeline.asked_night import Asked, asked_night
from personalization_pipeline.checking import check_project
from personalization_pipeline.foundation.artefacts import changed_artefacts, kept
from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.overlay import make_anew, needed, overlay
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import engine_errors_told, query
from personalization_pipeline.questions import REACH
from personalization_pipeline.segment.causes import FILLED, filled_anew

# What is decided about people: of the private file, and what the analysts' file alone can tell.
DECIDED = ("segment_members", "audience_candidates", "decisions", "audience_waterfall", "audience_members")
TOLD_WITHOUT_PRIVATE = DECIDED[:3]
MEMBERS = """
SELECT 'segment' AS kind, segment AS name, '' AS destination, person_id FROM {0}segment_members
UNION ALL SELECT 'audience', audience, '', person_id FROM {0}audience_candidates
UNION ALL SELECT 'offer', offer, '', person_id FROM {0}decisions"""
DELIVERED = " UNION ALL SELECT 'delivery', audience, destination, person_id FROM {0}audience_members"
# Where that night's own tables lie, whatever stands before them.
NIGHT = "warehouse.main."
MEASURES = ", ".join(f"count(*) FILTER ({flag}) AS {flag}" for flag in REACH)


@dataclass
class Side:
    """One side of a comparison: how many, how many of them on each channel, what they bought, why not delivered."""

    count: int = 0
    reach: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REACH, 0))
    order_value_amount: str = "0.00"
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass
class Move:
    """What becomes of one segment, audience (its candidates), delivery or offer. `entered`, `left`: person_id -> cause."""

    kind: str
    name: str
    destination: str
    status: str = "kept"
    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)
    entered: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        return self.status != "kept" or self.before != self.after or bool(self.entered or self.left)


@dataclass(frozen=True)
class Plan:
    """`night` and `as_of` that it was asked over; `moves` by kind, name and destination; `notes` on what was not asked."""

    night: str
    as_of: datetime
    moves: list[Move]
    notes: list[str]


def plan(project: Project, against: Path | None = None) -> Plan:
    """What the project's text would do to the people of a night. Raises PipelineError where the text is broken.

    `against`: an analysts' file that stands alone; without it the current night of the project's store.
    """
    check_project(project)
    with asked_night(project, against) as asked, engine_errors_told():
        moves = _moves(asked)
        name = against.name if against else str(asked.building.folder and asked.building.folder.name)
        return Plan(name, asked.building.as_of, moves, asked.notes)


@contextlib.contextmanager
def predicted(project: Project) -> Iterator[Building]:
    """The current night as it would be with the project's text as it lies there: read its tables by their bare names."""
    with asked_night(project, None) as asked, _changed(asked, asked.building.artefacts) as after:
        yield after


@contextlib.contextmanager
def _changed(asked: Asked, artefacts: dict[str, Any]) -> Iterator[Building]:
    """The night with the project's text as it lies there; with these artefacts, else with those that a night would use."""
    building, known, project = asked.building, asked.known, asked.building.project
    tables = building.catalogue
    start = {*FILLED, *asked.features}
    if known is None:
        start |= {*tables.features, "scores"} if asked.is_whole else set()
    else:
        start |= filled_anew(tables, known, project) - (asked.building.project.features.keys() - asked.features)
    if start & set(tables.features):
        start.add("features")
    if "scores" in changed_artefacts(building):
        start.add("scores")
    given = set(tables.tables) - start - tables.downstream(start)
    made, _ = needed(tables, DECIDED if asked.is_whole else TOLD_WITHOUT_PRIVATE, given | {"models"})
    with overlay(building, artefacts=artefacts) as after:
        make_anew(after, made)
        yield after


def _moves(asked: Asked) -> list[Move]:
    """Everybody's move. With the scores' model changed as well, the rules are asked first with the model as it was."""
    building, by_rule = asked.building, None
    if "scores" in changed_artefacts(building):
        model = kept(Store(building.project.store), "scores", building.artefact_keys["scores"])
        if model:
            with _changed(asked, {"scores": model}) as after:
                by_rule = set(_switched(asked, after))
    with _changed(asked, building.artefacts) as after:
        return moves_between(asked, after, lambda switch: "rule" if by_rule is None or switch in by_rule else "score")


def moves_between(asked: Asked, after: Building, cause: Callable[[tuple[Any, ...]], str]) -> list[Move]:
    """Everybody's move from a night to what it would be; `cause` of kind, name, destination, person_id, is_entry."""
    moves = _declared(asked)
    for switch in _switched(asked, after):
        kind, name, destination, person, is_entry = switch
        move = moves.setdefault((kind, name, destination), Move(kind, name, destination))
        (move.entered if is_entry else move.left)[person] = cause(switch)
    _measure(asked, after, moves)
    return [moves[key] for key in sorted(moves)]


def _declared(asked: Asked) -> dict[tuple[str, str, str], Move]:
    """A move for all that is declared now or was that night: new, removed or kept."""
    now, known = set(_names(asked.building.project, asked)), asked.known
    before = set(_names(known, asked)) if known else now
    moves = {}
    for key in now | before:
        status = "kept" if key in now and key in before else "new" if key in now else "removed"
        moves[key] = Move(*key, status=status)
    return moves


def _names(project: Project, asked: Asked) -> Iterator[tuple[str, str, str]]:
    yield from (("segment", name, "") for name in project.segments)
    yield from (("offer", name, "") for name in project.offers)
    for name, audience in project.audiences.items():
        yield ("audience", name, "")
        if asked.is_whole:
            yield from (("delivery", name, destination) for destination in audience.destinations)


def _members(asked: Asked, place: str) -> str:
    return (MEMBERS + (DELIVERED if asked.is_whole else "")).format(place)


def _switched(asked: Asked, after: Building) -> list[tuple[Any, ...]]:
    """kind, name, destination, person_id, is_entry: of everybody whose membership is another."""
    now, before = _members(asked, ""), _members(asked, NIGHT)
    sql = (
        f"SELECT *, true AS is_entry FROM (({now}) EXCEPT ({before})) "
        f"UNION ALL SELECT *, false FROM (({before}) EXCEPT ({now})) ORDER BY ALL"
    )
    return query(after.connection, sql)


def _measure(asked: Asked, after: Building, moves: dict[tuple[str, str, str], Move]) -> None:
    for place in (NIGHT, ""):
        sides = {key: move.before if place else move.after for key, move in moves.items()}
        sql = (
            f"SELECT kind, name, destination, sum(order_value_amount), count(*), {MEASURES} FROM ({_members(asked, place)}) "
            f"JOIN {place}features USING (person_id) GROUP BY kind, name, destination"
        )
        for kind, name, destination, amount, count, *reach in query(after.connection, sql):
            side = sides[kind, name, destination]
            side.count, side.order_value_amount = count, str(amount)
            side.reach = dict(zip(REACH, reach, strict=True))
        if asked.is_whole:
            sql = f"SELECT audience, destination, outcome, count(*) FROM {place}audience_waterfall GROUP BY ALL ORDER BY ALL"
            for name, destination, outcome, count in query(after.connection, sql):
                sides["delivery", name, destination].outcomes[outcome] = count
