"""`personalize why A B`: are two records, or two ids, one person, through what, and what would make it otherwise.

Belongs here: the answer as data, out of a committed night and its identity artefact. Does not belong here: what a rule
says about a person (questions), the words (pair_words), what a correction would do (linking).
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from personalization_pipeline.foundation.artefacts import used
from personalization_pipeline.foundation.errors import MissingArgument
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.project import Project
from personalization_pipeline.foundation.warehouse import Connection, frame, literal, published_connection, query
from personalization_pipeline.questions import current_night

if TYPE_CHECKING:
    import polars as pl

Pair = tuple[str, str]


@dataclass(frozen=True)
class Side:
    """Who was asked about: `asked` as given, her person tonight, which records `asked` means, and all that she has."""

    asked: str
    person_id: str
    meant: frozenset[str]
    record_keys: frozenset[str]


@dataclass(frozen=True)
class Tie:
    """What holds a pair of records together or apart: kind of edge (`pair`: no edge), millibits, and its evidence."""

    record_key_l: str
    record_key_r: str
    kind: str
    weight: int
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pair(self) -> Pair:
        return self.record_key_l, self.record_key_r


@dataclass(frozen=True)
class PairAnswer:
    """Whether two are one person.

    One person: `path` is the strongest chain of ties between them, `weakest` its weakest link, `bridges` those of its
    ties that alone hold them together. Two people: `best` is the strongest tie between any of their records, `asked` the
    tie between the two records, `mean` what all their records together weigh in millibits, `reasons` why that was not enough.
    `remedies` is what would make it otherwise.
    """

    one: Side
    other: Side
    is_one_person: bool
    cut: int
    path: list[Tie] = field(default_factory=list)
    bridges: list[Tie] = field(default_factory=list)
    best: Tie | None = None
    asked: Tie | None = None
    mean: int | None = None
    reasons: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)

    @property
    def weakest(self) -> Tie | None:
        return min(self.path, key=lambda tie: tie.weight, default=None)


def why_pair(project: Project, one: str, other: str) -> PairAnswer:
    """Are two one person in the current night? Each is a record key or a person_id; an old id means the records it had.

    Raises MissingArgument where there is no such record or person, or both are the same.
    """
    folder = current_night(project)
    record = Store(project.store).record(folder)
    with contextlib.closing(published_connection(folder, private=True)) as connection:
        sides = two_sides(connection, one, other)
        if sides[0].person_id == sides[1].person_id:
            return _together(project, record, connection, *sides)
        return _apart(project, record, connection, *sides)


def two_sides(connection: Connection, one: str, other: str) -> tuple[Side, Side]:
    """Both sides of a question; where one means part of what the other means, the other is the rest."""
    sides = side_of(connection, one), side_of(connection, other)
    if sides[0].meant > sides[1].meant:
        return replace(sides[0], meant=sides[0].meant - sides[1].meant), sides[1]
    if sides[0].meant < sides[1].meant:
        return sides[0], replace(sides[1], meant=sides[1].meant - sides[0].meant)
    if sides[0].meant & sides[1].meant:
        raise MissingArgument("both mean the same records", fix="name two records, or two people")
    return sides


def side_of(connection: Connection, asked: str) -> Side:
    """Which records a record key or a person_id means in a night."""
    if ":" in asked:
        meant = frozenset({asked})
    else:
        sql = "SELECT record_key FROM records WHERE person_id = $1 UNION SELECT record_key FROM former_ids WHERE person_id = $1"
        meant = frozenset(key for (key,) in query(connection, sql, [asked]))
    found = query(
        connection,
        "SELECT person_id FROM records WHERE record_key IN (SELECT unnest(?)) GROUP BY person_id ORDER BY count(*) DESC, person_id",
        [sorted(meant)],
    )
    if not found:
        what = "no record has this key" if ":" in asked else "nobody has, or had, this id and a record that is left"
        raise MissingArgument(
            f"{asked}: {what} tonight", fix="take a record_key or a person_id from the table `records`"
        )
    person = found[0][0]
    keys = query(connection, "SELECT record_key FROM records WHERE person_id = ?", [person])
    return Side(asked, person, meant, frozenset(key for (key,) in keys))


def ties_among(connection: Connection, keys: Collection[str]) -> list[Tie]:
    """All edges and inner pairs among some records of a night."""
    listed = f"({', '.join(map(literal, sorted(keys)))})"
    sql = (
        "SELECT record_key_l, record_key_r, {} FROM {} WHERE record_key_l IN "
        + listed
        + " AND record_key_r IN "
        + listed
    )
    edges = query(connection, sql.format("kind, weight, evidence", "edge_evidence") + " ORDER BY ALL")
    inner = query(connection, sql.format("'pair', weight, '{}'", "inner_pairs") + " ORDER BY ALL")
    return [Tie(one, other, kind, weight, json.loads(told)) for one, other, kind, weight, told in [*edges, *inner]]


def _strongest(ties: Iterable[Tie]) -> dict[Pair, Tie]:
    """Of each pair the tie that counts: people's `same`, else the heaviest."""
    found: dict[Pair, Tie] = {}
    for tie in sorted(ties, key=lambda tie: (tie.kind == "same", tie.weight, tie.kind)):
        if tie.kind != "never":
            found[tie.pair] = tie
    return found


def _together(
    project: Project, record: Mapping[str, Any], connection: Connection, one: Side, other: Side
) -> PairAnswer:
    cut = _cut(connection)
    ties = _strongest(ties_among(connection, one.record_keys))
    path = _path(ties, one.meant, other.meant)
    unexplained = {key for tie in path if tie.kind == "pair" for key in tie.pair}
    if unexplained:
        told = {tie.pair: tie for tie in _scored(project, record, connection, unexplained)}
        path = [told.get(tie.pair, tie) if tie.kind == "pair" else tie for tie in path]
    held = {pair: tie for pair, tie in ties.items() if tie.kind not in ("splink", "pair") or tie.weight >= cut}
    bridges = [
        tie
        for tie in path
        if not _path({pair: held[pair] for pair in held if pair != tie.pair}, one.meant, other.meant)
    ]
    said = [tie for tie in path if tie.kind == "same"]
    remedies = [f"personalize link {tie.record_key_l} {tie.record_key_r} --forget" for tie in said]
    remedies.append(f"personalize link {min(one.meant)} {min(other.meant)} --never")
    return PairAnswer(one, other, True, cut, path=path, bridges=bridges, remedies=remedies)


def _cut(connection: Connection) -> int:
    """The weight (millibits) from which on a pair counted as one person that night."""
    cut: int = query(connection, "SELECT min(component_cut) FROM clusters")[0][0]
    return cut


def _path(ties: Mapping[Pair, Tie], start: Collection[str], end: Collection[str]) -> list[Tie]:
    """The chain of ties whose weakest link is the strongest there is; of several the shortest. None: no chain at all."""
    near: dict[str, list[tuple[str, Tie]]] = {}
    for tie in ties.values():
        near.setdefault(tie.record_key_l, []).append((tie.record_key_r, tie))
        near.setdefault(tie.record_key_r, []).append((tie.record_key_l, tie))
    # What is lost on the way (the weakest link, negated), how long it is, and the keys passed: the smallest comes first.
    waiting: list[tuple[float, int, tuple[str, ...]]] = [(float("-inf"), 0, (key,)) for key in sorted(start)]
    seen: set[str] = set()
    while waiting:
        lost, length, keys = heapq.heappop(waiting)
        if keys[-1] in end:
            return [ties[min(pair), max(pair)] for pair in itertools.pairwise(keys)]
        if keys[-1] in seen:
            continue
        seen.add(keys[-1])
        for there, tie in near.get(keys[-1], []):
            if there not in seen:
                heapq.heappush(waiting, (max(lost, -tie.weight), length + 1, (*keys, there)))
    return []


def _apart(project: Project, record: Mapping[str, Any], connection: Connection, one: Side, other: Side) -> PairAnswer:
    from personalization_pipeline.resolve.agglomeration import weight_between

    cut, keys = _cut(connection), one.record_keys | other.record_keys
    edges = ties_among(connection, keys)
    live = _scored(project, record, connection, keys)
    ties = [tie for tie in [*edges, *live] if _is_between(tie, one, other)]
    strongest = _strongest(ties)
    best = max(strongest.values(), key=lambda tie: (tie.weight, tie.pair), default=None)
    (asked_l, asked_r) = sorted([min(one.meant), min(other.meant)])
    asked = strongest.get((asked_l, asked_r)) if len(one.meant) == len(other.meant) == 1 else None
    facts = {tie.pair: _facts(tie) for tie in ties if tie.kind in ("splink", "pair")}
    weighed = [(tie.weight, facts.get(pair, [])) for pair, tie in strongest.items()]
    mean = weight_between(weighed, len(one.record_keys) * len(other.record_keys))
    reasons = list(_reasons(project, ties, one, other, best, mean, cut))
    remedies = [
        f"personalize link {tie.record_key_l} {tie.record_key_r} --forget" for tie in ties if tie.kind == "never"
    ]
    remedies.append(f"personalize link {min(one.meant)} {min(other.meant)} --same")
    return PairAnswer(one, other, False, cut, best=best, asked=asked, mean=mean, reasons=reasons, remedies=remedies)


def _facts(tie: Tie) -> list[int]:
    return [fact["millibits"] for fact in tie.evidence.values() if isinstance(fact, dict)]


def _is_between(tie: Tie, one: Side, other: Side) -> bool:
    return (tie.record_key_l in one.record_keys) != (tie.record_key_r in one.record_keys)


def _reasons(
    project: Project, ties: Collection[Tie], one: Side, other: Side, best: Tie | None, mean: int, cut: int
) -> Iterable[str]:
    """Why two people stayed two, the reason that decides first."""
    never = [tie for tie in ties if tie.kind == "never"]
    for tie in never:
        said = tie.evidence["people"]
        yield f"people said never: {tie.record_key_l} and {tie.record_key_r} ({said['decided_by']}, {said['decided_on']})"
    sources = [{key.partition(":")[0] for key in side.record_keys} for side in (one, other)]
    for source in sorted(sources[0] & sources[1] & set(project.sources_once)):
        yield f"both have a record of {source}, which holds each person once"
    if best is None:
        yield "nothing that is compared stands in their records"
    elif best.weight < cut:
        yield "no pair of their records reaches the cut"
    elif mean < cut:
        yield "their closest records reach the cut, but all their records together do not"
    elif not never:
        yield "together they reach the cut, but one of them would have to be parted from somebody closer, or was told apart"


def _scored(project: Project, record: Mapping[str, Any], connection: Connection, keys: Collection[str]) -> list[Tie]:
    """Every pair of these records, weighed with the artefact of the night."""
    from personalization_pipeline.resolve.link import evidence_of, score_all

    artefact = used(Store(project.store), "identity", record["artefacts"]["identity"])
    compared: pl.DataFrame = frame(
        connection, f"FROM compared_records WHERE record_key IN ({', '.join(map(literal, sorted(keys)))})"
    )
    return [
        Tie(one, other, kind, weight, evidence_of(artefact, levels, facts))
        for one, other, kind, weight, levels, facts, _ in score_all(compared, artefact).iter_rows()
    ]
