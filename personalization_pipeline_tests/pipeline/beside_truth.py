"""A built night beside the truth of its world: one connection that can be asked for both, and which test is about which planted case.

Belongs here: the views that put found people beside true ones, the mark `@case("name")`, and `given`, which keeps a world
without the case from passing for a pipeline without the answer. Does not belong here: any expectation of the night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from personalization_pipeline.foundation.warehouse import Connection, literal, published_connection, query

Test = Callable[..., None]

# Case name -> the tests that are about it; filled as the modules of tests are imported.
TESTS: dict[str, list[Test]] = {}

# found: every landed record of a true person, with the person that the night takes it for.
# players: the same for the people of planted cases.
VIEWS = """
CREATE TEMP VIEW cases AS SELECT * FROM read_csv({truth}/cases.csv', all_varchar = true);
CREATE TEMP VIEW true_records AS SELECT * FROM read_csv({truth}/records.csv', all_varchar = true);
CREATE TEMP VIEW true_campaigns AS SELECT * FROM read_csv({truth}/campaigns.csv');
CREATE TEMP VIEW true_people AS SELECT * FROM read_parquet({truth}/people.parquet');
CREATE TEMP VIEW true_consents AS SELECT * FROM read_parquet({truth}/consents*.parquet');
CREATE TEMP VIEW true_identities AS SELECT * FROM read_parquet({truth}/identities*.parquet');
CREATE TEMP VIEW true_responses AS SELECT * FROM read_parquet({truth}/responses*.parquet');
CREATE TEMP VIEW found AS
    SELECT
        true_records.record_key,
        split_part(true_records.record_key, ':', 1) AS source,
        true_records.true_person_id,
        string_split(coalesce(true_records.mistakes, ''), ' ') AS mistakes,
        records.person_id
    FROM true_records
    JOIN records ON records.record_key = true_records.record_key;
CREATE TEMP VIEW players AS
    SELECT cases.case_name, found.*
    FROM cases
    JOIN found ON found.true_person_id = cases.value
    WHERE cases.kind = 'person';
"""


def case(*names: str) -> Callable[[Test], Test]:
    """Say which planted cases a test is about, as truth/cases.csv names them."""

    def marked(test: Test) -> Test:
        for name in names:
            TESTS.setdefault(name, []).append(test)
        return test

    return marked


class NotPlanted(Exception):
    """The world does not hold what a test is about; no expected failure may hide that."""


def given(is_planted: bool, what: str) -> None:
    """Say what must be in the world for a test to mean anything. Not an assertion: those are about the night."""
    if not is_planted:
        raise NotPlanted(what)


def later(reason: str, raises: type[Exception] = AssertionError) -> pytest.MarkDecorator:
    """Expected to fail until a later issue brings what `reason` says; strict, and for no other cause than `raises`."""
    return pytest.mark.xfail(strict=True, raises=raises, reason=reason)


@contextmanager
def beside_truth(project: Path) -> Iterator[Connection]:
    """The project's current night with its private tables, read-only, and `cases`, `true_*`, `found`, `players` beside them."""
    connection = published_connection(project / "store" / "current", private=True)
    try:
        truth = literal(str(project / "truth"))[:-1]  # each view closes the quotation after the file's name
        connection.execute(VIEWS.format(truth=truth))
        yield connection
    finally:
        connection.close()


def people_of(connection: Connection, name: str) -> set[str]:
    """The people that the night takes the records of a case's people for."""
    return {person for (person,) in query(connection, "SELECT person_id FROM players WHERE case_name = ?", [name])}


def person_of(connection: Connection, name: str) -> str:
    """The one person of a case of one person."""
    [person] = people_of(connection, name)
    return person


def strangers_in_one_person(connection: Connection, name: str) -> list[str]:
    """True people of a case whom the night takes for the same person as another of them."""
    rows = query(
        connection,
        """SELECT DISTINCT a.true_person_id FROM players AS a
        JOIN players AS b ON b.person_id = a.person_id AND b.case_name = a.case_name AND b.true_person_id <> a.true_person_id
        WHERE a.case_name = ? ORDER BY ALL""",
        [name],
    )
    return [person for (person,) in rows]


def about(connection: Connection, name: str, kind: str) -> list[str]:
    """The things of a kind that a case is about: record, device, sku, handle, anonymous."""
    rows = query(
        connection, "SELECT DISTINCT value FROM cases WHERE case_name = ? AND kind = ? ORDER BY value", [name, kind]
    )
    return [value for (value,) in rows]


def number(connection: Connection, sql: str, *values: Any) -> Any:
    """The one value that a query gives."""
    [(value,)] = query(connection, sql, list(values))
    return value
