"""How hard the identity puzzle of a demo world is: what the generator promises, and what one world came to.

Belongs here: counting the traps among true people and records. Does not belong here: setting them (see record_kinds,
records and households).
"""

from __future__ import annotations

from dataclasses import dataclass

from personalization_pipeline.demo.truth import email_baseline
from personalization_pipeline.foundation.warehouse import Connection, frame, row

MOST_PEOPLE = 100_000  # a larger world is as hard as its first people


@dataclass(frozen=True)
class Hardness:
    """Counts of one world, and shares in 0..1, of its first MOST_PEOPLE people."""

    person_count: int
    record_count: int
    multi_record_person_share: float  # people with two records or more
    no_shared_email_share: float  # of those: some two of their records have no e-mail address in common
    typo_person_share: float  # people with a slip of the finger in a name or number in some record
    lookalike_person_share: float  # people who have somebody easily taken for them
    test_email_record_count: int  # records with one address that somebody typed to fill a field
    email_pair_precision: float  # of exact e-mail matching
    email_pair_recall: float


# What a world of a few hundred people or more is promised to reach.
PROMISED = {
    "multi_record_person_share": 0.30,
    "no_shared_email_share": 0.30,
    "typo_person_share": 0.10,
    "lookalike_person_share": 0.03,
}
FIGURES = """
WITH known AS (
    SELECT person_n, lower(trim(email)) AS email, regexp_matches(mistakes, 'name_typo|phone_typo') AS has_typo
    FROM records
    WHERE person_n <= {most}
), grouped AS (
    SELECT
        person_n,
        count(*) AS record_count,
        count(DISTINCT email) > 1 OR bool_or(coalesce(email, '') = '') AS is_apart,
        bool_or(has_typo) AS has_typo
    FROM known
    GROUP BY person_n
), alike AS (
    SELECT count(*) AS person_count, count(*) FILTER (lookalike_n > 0) AS lookalike_count
    FROM people
    WHERE person_n <= {most}
)
SELECT
    max(alike.person_count) AS person_count,
    sum(grouped.record_count) AS record_count,
    count(*) FILTER (record_count > 1) / max(alike.person_count) AS multi_record_person_share,
    count(*) FILTER (record_count > 1 AND is_apart) / count(*) FILTER (record_count > 1) AS no_shared_email_share,
    count(*) FILTER (has_typo) / max(alike.person_count) AS typo_person_share,
    max(alike.lookalike_count) / max(alike.person_count) AS lookalike_person_share,
    (SELECT count(*) FROM known WHERE email = 'test@test.com') AS test_email_record_count
FROM grouped
CROSS JOIN alike
"""


def measure(connection: Connection) -> Hardness:
    """The hardness of the world that the connection holds."""
    figures = row(connection, FIGURES.format(most=MOST_PEOPLE))
    known = frame(
        connection,
        "SELECT concat(source, ':', record_id) AS record_key, email, CAST(person_n AS VARCHAR) AS true_person_id "
        f"FROM records WHERE person_n <= {MOST_PEOPLE}",
    )
    baseline = email_baseline(known, known)
    counts = {name: int(figures[name]) for name in ("person_count", "record_count", "test_email_record_count")}
    return Hardness(
        **(figures | counts), email_pair_precision=baseline.pair_precision, email_pair_recall=baseline.pair_recall
    )
