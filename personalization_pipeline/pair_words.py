"""The answers of `why A B` and `link A B`: lines for a terminal, and data for JSON.

Belongs here: words. Does not belong here: the finding (pair_questions, blast_radius). Record keys and levels only, nobody's
data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from personalization_pipeline import planning_words
from personalization_pipeline.blast_radius import BlastRadius
from personalization_pipeline.linking import FORGET, Change
from personalization_pipeline.pair_questions import PairAnswer, Side, Tie


def as_text(answer: PairAnswer) -> str:
    """What a terminal shows."""
    return "\n".join(_lines(answer))


def _lines(answer: PairAnswer) -> Iterator[str]:
    one, other = answer.one, answer.other
    if answer.is_one_person:
        yield f"{one.asked} and {other.asked} are one person: {one.person_id}, {_records(one)}"
        yield "The strongest chain between them:"
        for tie in answer.path:
            yield from _tie(tie, note=", alone holds them together" if tie in answer.bridges else "")
        if answer.weakest is not None and len(answer.path) > 1:
            yield f"Its weakest link: {answer.weakest.record_key_l} and {answer.weakest.record_key_r}"
        yield f"A pair counts as one person from {_bits(answer.cut)} on; groups by what all their records say, fact by fact."
        yield "What would part them:"
    else:
        yield f"{one.asked} and {other.asked} are two people: {one.person_id} ({_records(one)}) and {other.person_id} ({_records(other)})"
        yield from (f"Why: {reason}" for reason in answer.reasons)
        if answer.mean is not None:
            yield f"All their records together: {_bits(answer.mean)}; the cut is {_bits(answer.cut)}."
        if answer.asked is not None and answer.asked != answer.best:
            yield "These two records:"
            yield from _tie(answer.asked)
        if answer.best is not None:
            yield "The closest pair of their records:"
            yield from _tie(answer.best)
        yield "What would join them:"
    yield from (f"  {remedy}" for remedy in answer.remedies)


def _tie(tie: Tie, note: str = "") -> Iterator[str]:
    yield f"  {tie.record_key_l} and {tie.record_key_r}: {_kind(tie)}, {_bits(tie.weight)}{note}"
    for name, found in tie.evidence.items():
        if not isinstance(found, dict):
            yield f"      {name:<12}{_bits(found):>12}  before anything is compared"
        elif "decided_by" in found:
            reason = f": {found['reason']}" if found["reason"] else ""
            yield f"      {found['decided_by']} said so on {found['decided_on']}{reason}"
        else:
            yield f"      {name:<12}{_bits(found['millibits']):>12}  {found['level']}"


def _kind(tie: Tie) -> str:
    told = {"splink": "by all that is compared", "same": "by people's word", "never": "by people's word"}
    return told.get(
        tie.kind, f"by the same {tie.kind}" if tie.kind in ("email", "phone", "key") else "weighed as a pair"
    )


def _records(side: Side) -> str:
    count = len(side.record_keys)
    return f"{count} record{'s' if count > 1 else ''}"


def _bits(millibits: int) -> str:
    return f"{millibits / 1000:+.1f} bits"


def as_data(answer: PairAnswer) -> dict[str, Any]:
    """The whole answer for JSON; weights in millibits."""
    sides = [
        {"asked": side.asked, "person_id": side.person_id, "record_keys": sorted(side.record_keys)}
        for side in (answer.one, answer.other)
    ]
    return {
        "is_one_person": answer.is_one_person,
        "sides": sides,
        "cut": answer.cut,
        "path": [_tie_data(tie) | {"is_bridge": tie in answer.bridges} for tie in answer.path],
        "weakest": answer.weakest and _tie_data(answer.weakest),
        "best": answer.best and _tie_data(answer.best),
        "asked": answer.asked and _tie_data(answer.asked),
        "mean": answer.mean,
        "reasons": answer.reasons,
        "remedies": answer.remedies,
    }


def _tie_data(tie: Tie) -> dict[str, Any]:
    pair = {"record_key_l": tie.record_key_l, "record_key_r": tie.record_key_r}
    return {**pair, "kind": tie.kind, "weight": tie.weight, "evidence": dict(tie.evidence)}


def radius_text(wanted: Change, found: BlastRadius | None) -> str:
    """What a word would do, for a terminal."""
    if found is None:
        return "nothing to do: " + (
            "nobody said anything about them" if wanted.verdict == FORGET else "it stands there"
        )
    lines = [
        f"{'take out' if wanted.verdict == FORGET else 'add'}: {said.record_key_l} and {said.record_key_r} {said.verdict}"
        for said in wanted.lines
    ]
    for title, people in (("People now", found.before), ("People then", found.after)):
        lines += ["", f"{title}: {len(people)}" if people else f"{title}: the same"]
        lines += [f"  {_person(person)}" for person in people]
    return "\n".join([*lines, "", planning_words.as_text(found.plan)])


def _person(person: dict[str, Any]) -> str:
    reach = [flag.removeprefix("is_reachable_") for flag, is_so in person.items() if is_so and "reachable" in flag]
    told = [
        f"{person['record_count']} records",
        f"{person['order_count']} orders",
        f"order value {person['order_value_amount']}",
        f"{person['grant_count']} consents granted",
        f"reached by {', '.join(reach) or 'nothing'}",
        f"{'may' if person['is_profiling_allowed'] else 'may not'} be profiled",
        *([f"{person['rfm_segment']}, {person['expected_value_amount']} expected"] if person["rfm_segment"] else []),
    ]
    return f"{person['person_id']}: {'; '.join(told)}"


def radius_data(wanted: Change, found: BlastRadius | None) -> dict[str, Any]:
    """The same for JSON."""
    told: dict[str, Any] = {
        "verdict": wanted.verdict,
        "lines": [[said.record_key_l, said.record_key_r, said.verdict] for said in wanted.lines],
    }
    if found is None:
        return told
    return {**told, "before": found.before, "after": found.after, **planning_words.as_data(found.plan)}
