"""How hard the identity puzzle of a demo world is: what the generator promises, and what one world came to.

Belongs here: counting the traps among true people and records. Does not belong here: setting them (see records and
households).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from personalization_pipeline.demo.people import Person
from personalization_pipeline.demo.records import Record
from personalization_pipeline.demo.truth import email_baseline


@dataclass(frozen=True)
class Hardness:
    """Counts of one world, and shares in 0..1."""

    person_count: int
    record_count: int
    multi_record_person_share: float  # people with two records or more
    no_shared_email_share: float  # of those: some two of their records have no e-mail address in common
    typo_person_share: float  # people with a slip of the finger in a name or number in some record
    lookalike_person_share: float  # people who have somebody easily taken for them
    email_pair_precision: float  # of exact e-mail matching
    email_pair_recall: float


# What a world of a few hundred people or more is promised to reach.
PROMISED = {
    "multi_record_person_share": 0.30,
    "no_shared_email_share": 0.30,
    "typo_person_share": 0.10,
    "lookalike_person_share": 0.03,
}


def measure(people: Sequence[Person], records: Sequence[Record]) -> Hardness:
    """The hardness of these people seen as these records."""
    by_person: dict[str, list[Record]] = {person.person_id: [] for person in people}
    for record in records:
        by_person[record.person_id].append(record)
    several = [group for group in by_person.values() if len(group) > 1]
    apart = [group for group in several if any(not _share_email(a, b) for a, b in combinations(group, 2))]
    typed = [group for group in by_person.values() if any(_has_typo(record) for record in group)]
    frame = pl.DataFrame(
        [(record.record_key, record.email, record.person_id) for record in records],
        schema=["record_key", "email", "true_person_id"],
        orient="row",
    )
    baseline = email_baseline(frame, frame)
    return Hardness(
        person_count=len(people),
        record_count=len(records),
        multi_record_person_share=len(several) / len(people),
        no_shared_email_share=len(apart) / max(len(several), 1),
        typo_person_share=len(typed) / len(people),
        lookalike_person_share=sum(1 for person in people if person.lookalike_id) / len(people),
        email_pair_precision=baseline.pair_precision,
        email_pair_recall=baseline.pair_recall,
    )


def _share_email(one: Record, other: Record) -> bool:
    return one.email != "" and one.email == other.email


def _has_typo(record: Record) -> bool:
    return bool({"name_typo", "phone_typo"} & set(record.mistakes))
