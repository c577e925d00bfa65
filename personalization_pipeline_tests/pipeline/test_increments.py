"""Three nights of the demo, each with its own files, beside one night that sees all of them at once.

Belongs here: what must be equal but for the names of people, and how much is done in a night with little news. Does not
belong here: phase resolve alone over random arrivals (resolve/test_memory).
"""

from __future__ import annotations

import contextlib
import csv
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.foundation.warehouse import published_connection, query
from personalization_pipeline.questions import why
from personalization_pipeline.starting import start_demo
from personalization_pipeline_tests.conftest import Night

DAYS = ("2026-07-02", "2026-07-03")
LAST = f"{DAYS[-1]}T02:00:00Z"
# Nobody's name in them: equal as they are.
NAMELESS = (
    "standardised",
    "standard_addresses",
    "edges",
    "inner_pairs",
    "clusters",
    "contacts",
    "consents",
    "consent_state",
)
# Equal when both nights' ids are those of the smallest record; without what tells when an id was issued.
NAMED = {
    "records": "record_key",
    "people": "* EXCLUDE (person_id, founded_at)",
    "identifiers": "* EXCLUDE (person_id)",
    "reach": "* EXCLUDE (person_id)",
    "orders": "* EXCLUDE (person_id)",
    "order_lines": "* EXCLUDE (person_id)",
    "events": "* EXCLUDE (person_id)",
    "segment_members": "* EXCLUDE (person_id)",
    "audience_candidates": "* EXCLUDE (person_id)",
}

# Four nights, one of them whole: the property over tiny ones is in resolve/test_memory.
pytestmark = [pytest.mark.slow, pytest.mark.replay]


@dataclass(frozen=True)
class Nights:
    """`increments`: a project after three nights; `full`: one with the same files that has seen the last night only."""

    increments: Path
    full: Path


def give_away(project: Path) -> None:
    """On the last day five contacts of the CRM become those of somebody else: every second row, with the values of the one before."""
    with (project / "landing" / "salesforce_contacts" / "2026-06-30.csv").open(encoding="utf-8", newline="") as file:
        known = list(csv.DictReader(file))[:10]
    kept = ("Id", "MasterRecordId", "IsDeleted", "Loyalty_Number__c", "CreatedDate")
    given = [
        {**one, **{name: other[name] for name in kept}, "SystemModstamp": "2026-07-02T09:00:00.000Z"}
        for one, other in zip(known[::2], known[1::2], strict=True)
    ]
    target = project / "arrivals" / DAYS[-1] / "salesforce_contacts" / "2026-07-02-given-away.csv"
    target.parent.mkdir(exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(known[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(given)


@pytest.fixture(scope="module")
def nights(night: Night, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Both projects. Shared: read them, never change them."""
    folder = tmp_path_factory.mktemp("increments")
    made = Nights(folder / "increments", folder / "full")
    start_demo(made.increments, people=150, seed=7, nights=3)
    give_away(made.increments)
    shutil.copytree(made.increments, made.full)
    for day in DAYS:
        shutil.copytree(made.full / "arrivals" / day, made.full / "landing", dirs_exist_ok=True)
    assert night(made.full, LAST)[0] == 0
    assert night(made.increments)[0] == 0
    for day in DAYS:
        shutil.copytree(made.increments / "arrivals" / day, made.increments / "landing", dirs_exist_ok=True)
        code, said = night(made.increments, f"{day}T02:00:00Z")
        assert code == 0, said
    return made


def rows(project: Path, sql: str, night: str = "current") -> list[tuple[Any, ...]]:
    place = project / "store" / ("current" if night == "current" else f"nights/{night}")
    with contextlib.closing(published_connection(place.resolve(), private=True)) as connection:
        return query(connection, sql)


@pytest.mark.parametrize("table", NAMELESS)
def test_what_names_no_person_is_equal(nights: Nights, table: str) -> None:
    one, other = (rows(project, f"FROM {table} ORDER BY ALL") for project in (nights.increments, nights.full))
    assert one
    assert one == other


@pytest.mark.parametrize("table", NAMED)
def test_what_names_people_is_equal_but_for_their_ids(nights: Nights, table: str) -> None:
    sql = (
        "WITH names AS (SELECT person_id, min(record_key) AS person FROM records GROUP BY person_id) "
        f"SELECT person, {NAMED[table]} FROM {table} LEFT JOIN names USING (person_id) ORDER BY ALL"
    )
    one, other = (rows(project, sql) for project in (nights.increments, nights.full))
    assert one
    assert one == other


def test_a_night_does_what_is_new_and_no_more(nights: Nights) -> None:
    """Counted by what was standardised and what contacts really say; a pair has two ends, so twice the share at most."""
    work = {name: (total, done) for _, name, total, done in rows(nights.increments, "FROM increments")}
    compared = "record_key, first_name, last_name, email, phone, birth_date, street, postal_code, city, country"
    before, now = (
        set(rows(nights.increments, f"SELECT {compared} FROM contacts", name))
        for name in ("20260702T020000Z-r1", "current")
    )
    assert work["records"] == (len(now), len(now - before))
    share = len(now - before) / len(now)
    assert 0 < share < 0.1
    landed = [path for path in (nights.full / "arrivals" / DAYS[-1]).rglob("*") if path.is_file()]
    receipts = list((nights.increments / "landing" / "_receipts").glob("*__20260702T020000Z__*"))
    assert work["files"][1] == len(landed) + len(receipts)
    assert work["pairs"][1] / work["pairs"][0] < 3 * share
    assert work["addresses"][1] / work["addresses"][0] < 2 * share


def test_the_first_night_does_everything(nights: Nights) -> None:
    assert {total - done for _, _, total, done in rows(nights.full, "FROM increments")} == {0}


def test_every_id_that_a_night_has_given_means_somebody_tonight(nights: Nights) -> None:
    given = {
        (person, night)
        for night in ("20260701T020000Z-r1", "20260702T020000Z-r1", "current")
        for (person,) in rows(nights.increments, "SELECT DISTINCT person_id FROM records", night)
    }
    current = dict(rows(nights.increments, "SELECT person_id, current_person_id FROM person_ids"))
    alive = {person for (person,) in rows(nights.increments, "SELECT person_id FROM people WHERE kind = 'known'")}
    assert {person for person, _ in given} == set(current)
    assert {now for now in current.values() if now} == alive
    merged = {old: now for old, now in current.items() if now not in (None, old)}
    history = dict(rows(nights.increments, "SELECT person_id, record_key FROM person_history WHERE change = 'merged'"))
    assert merged
    assert set(merged) == set(history)
    assert all(key.startswith("salesforce_contacts:") for key in history.values()), "the contacts that were given away"
    project, (old, now) = load_project(nights.increments), next(iter(merged.items()))
    assert why(project, old) == why(project, str(now))


def test_history_begins_with_everybodys_creation_and_adds_up(nights: Nights) -> None:
    by_night = rows(
        nights.increments,
        "SELECT CAST(changed_at AS DATE), count(*) FILTER (change IN ('created', 'restored')), count(*) FILTER (change IN ('merged', 'retired')) "
        "FROM person_history GROUP BY 1 ORDER BY 1",
    )
    ((people,),) = rows(nights.increments, "SELECT count(*) FROM people WHERE kind = 'known'")
    ((first,),) = rows(nights.increments, "SELECT count(*) FROM people WHERE kind = 'known'", "20260701T020000Z-r1")
    assert by_night[0][1:] == (first, 0)
    assert sum(created - ended for _, created, ended in by_night) == people
