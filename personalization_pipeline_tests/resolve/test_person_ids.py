"""What becomes of a person_id over the nights: the tables records, person_history and person_ids, by hand.

Belongs here: ids over given clusters. Does not belong here: who is clustered with whom (test_cluster, test_memory).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from personalization_pipeline.foundation.checks import metrics_sql
from personalization_pipeline.foundation.judge import judge
from personalization_pipeline.foundation.warehouse import put_table, query, row
from personalization_pipeline_tests.conftest import HandMade

START = datetime(2026, 2, 1, 1)
TABLES = ("records", "former_ids", "person_history", "person_ids")
Rows = list[tuple[Any, ...]]


class Nights:
    """One night after the other over clusters that a test writes down: records by a space, a changed one with a prime."""

    def __init__(self, by_hand: HandMade) -> None:
        self.by_hand, self.count = by_hand, 0
        self.kept: dict[str, tuple[str, Rows]] = {}
        self.keys: set[str] = set()

    def next(self, *clusters: str) -> dict[str, str]:
        """Build a night; person by record."""
        made = self.by_hand
        made.tonight(str(START + timedelta(days=self.count)))
        for name, (columns, rows) in self.kept.items():
            made.put(f"yesterday.{name}", columns, *rows)
        members = [[key.rstrip("'") for key in cluster.split()] for cluster in clusters]
        made.put("clusters", "record_key, cluster_key", *((key, min(keys)) for keys in members for key in keys))
        keys = {key for keys in members for key in keys}
        changed = {key.rstrip("'") for key in " ".join(clusters).split() if key.endswith("'")} | (keys ^ self.keys)
        made.put("computed.changed_contacts", "record_key", *((key,) for key in changed))
        self.keys = keys
        found = dict(made.make("records", "record_key, person_id"))
        for name in TABLES[1:]:
            made.make(name)
        for name in TABLES:
            checks = made.building.catalogue.tables[name].checks
            target = made.building.catalogue.tables[name].target
            assert [v for v in judge(row(made.connection, metrics_sql(checks, target)), checks) if not v.passed] == []
        for name in TABLES:
            columns = ", ".join(made.building.catalogue.tables[name].memory)
            target = made.building.catalogue.tables[name].target
            self.kept[name] = (columns, query(made.connection, f"SELECT {columns} FROM {target}"))
        self.count += 1
        return found

    def history(self) -> Rows:
        """What happened in the last night: person, change, other person, record."""
        last = START + timedelta(days=self.count - 1)
        sql = "SELECT person_id, change, other_person_id, record_key FROM person_history WHERE changed_at = ? ORDER BY ALL"
        return query(self.by_hand.connection, sql, [last])

    def current(self) -> dict[str, str | None]:
        return dict(query(self.by_hand.connection, "SELECT person_id, current_person_id FROM person_ids"))


@pytest.fixture
def nights(by_hand: HandMade) -> Nights:
    """No night yet."""
    return Nights(by_hand)


def test_everybody_is_created_once_by_the_smallest_of_her_records(nights: Nights) -> None:
    who = nights.next("a:1 a:2", "b:1")
    assert nights.history() == sorted(
        [(who["a:1"], "created", None, "a:1"), (who["b:1"], "created", None, "b:1")], key=str
    )
    nights.next("a:1 a:2", "b:1")
    assert nights.history() == []


def test_a_merge_names_the_record_that_caused_it_and_the_old_id_means_the_one_that_stayed(nights: Nights) -> None:
    before = nights.next("a:1", "b:1", "c:1")
    after = nights.next("a:1 b:1 b:2", "c:1")
    stayed = after["b:2"]
    (gone,) = {before["a:1"], before["b:1"]} - {stayed}
    assert nights.history() == [(gone, "merged", stayed, "b:2")]
    assert nights.current() == {stayed: stayed, gone: stayed, before["c:1"]: before["c:1"]}


def test_an_old_id_is_followed_through_one_merge_after_the_other_until_all_records_are_gone(nights: Nights) -> None:
    first = nights.next("a:1", "b:1", "c:1 c:2 c:3")
    nights.next("a:1 b:1", "c:1 c:2 c:3")
    last = nights.next("a:1 b:1 c:1 c:2 c:3")["a:1"]
    assert set(nights.current().values()) == {last}
    assert set(nights.current()) == set(first.values())
    nights.next("d:1")
    assert (last, "retired", None, None) in nights.history()
    assert {nights.current()[person] for person in first.values()} == {None}


def test_what_is_split_off_says_from_whom_and_which_changed_record_did_it(nights: Nights) -> None:
    old = nights.next("a:1 a:2 a:3")["a:1"]
    after = nights.next("a:1", "a:2 a:3'")
    assert after["a:2"] == old != after["a:1"]
    assert nights.history() == sorted(
        [(after["a:1"], "created", old, None), (old, "split", after["a:1"], "a:3")], key=str
    )
    assert nights.current() == {old: old, after["a:1"]: after["a:1"]}


def test_a_part_that_goes_over_to_somebody_known_is_a_split_too(nights: Nights) -> None:
    before = nights.next("a:1 a:2 a:3", "b:1")
    after = nights.next("a:1 a:2", "a:3' b:1")
    assert (after["a:1"], after["a:3"]) == (before["a:1"], before["b:1"])
    assert nights.history() == [(before["a:1"], "split", before["b:1"], "a:3")]


def test_records_that_come_back_are_a_new_person(nights: Nights) -> None:
    first = nights.next("a:1", "b:1")["a:1"]
    nights.next("b:1")
    assert nights.history() == [(first, "retired", None, None)]
    again = nights.next("a:1", "b:1")["a:1"]
    assert again != first
    assert nights.current()[first] is None


def test_who_is_split_off_again_has_her_id_back_whichever_part_is_larger(nights: Nights) -> None:
    """The older id stays with the record that it came with, though most records came with the other one."""
    before = nights.next("a:1")
    before |= nights.next("a:1", "b:1 b:2 b:3")
    old, young = before["a:1"], before["b:1"]
    assert set(nights.next("a:1 b:1 b:2 b:3").values()) == {old}
    assert nights.current()[young] == old
    after = nights.next("a:1", "b:1 b:2 b:3 b:4")
    assert after == before | {"b:4": young}
    assert nights.history() == sorted([(old, "split", young, "b:4"), (young, "restored", old, "b:4")], key=str)
    assert nights.current() == {old: old, young: young}


def test_an_id_that_was_merged_away_does_not_come_back_to_a_lesser_part_of_its_records(nights: Nights) -> None:
    before = nights.next("a:1", "b:1 b:2 b:3")
    nights.next("a:1 b:1 b:2 b:3")
    after = nights.next("a:1 b:1 b:2", "b:3")
    assert after["b:3"] not in before.values()


def test_an_id_means_who_has_most_of_its_records_when_those_part_after_its_end(nights: Nights) -> None:
    first = nights.next("c:1", "a:1 a:2", "b:1 b:2 b:3")
    last = [nights.next(*clusters) for clusters in (["c:1", "a:1 a:2 b:1 b:2 b:3"], ["c:1 a:1 a:2 b:1 b:2 b:3"])]
    (end,) = set(last[-1].values())
    assert set(nights.current().values()) == {end}
    after = nights.next("c:1", "a:1 a:2 b:1 b:2 b:3")
    assert after == {**last[0], "c:1": first["c:1"]}
    assert nights.current()[first["a:1"]] == nights.current()[first["b:1"]] == after["a:1"]


def issued(key: str, as_of: str, attempt: str, digits: int = 11) -> str:
    """An id as the design says it: base-36 digits of the md5 of the smallest record key and the night."""
    digest = int(hashlib.md5(f"{key}|{as_of}{attempt}".encode()).hexdigest()[:15], 16)
    return "p" + "".join("0123456789abcdefghijklmnopqrstuvwxyz"[digest // 36**place % 36] for place in range(digits))


@pytest.mark.parametrize("where", ["person_ids", "records"])
def test_an_id_that_somebody_had_is_not_issued_again_but_the_next_digest(by_hand: HandMade, where: str) -> None:
    by_hand.tonight(str(START))
    taken = [issued("a:1", "20260201T010000Z", attempt) for attempt in ("", "|1")]
    rows: dict[str, Rows] = {
        "person_ids": [(person,) for person in taken],
        "records": [("z:1", taken[0]), ("z:2", taken[1])],
    }
    by_hand.put(f"yesterday.{where}", "person_id" if where == "person_ids" else "record_key, person_id", *rows[where])
    by_hand.put("clusters", "record_key, cluster_key", ("a:1", "a:1"))
    assert by_hand.make("records", "person_id") == [(issued("a:1", "20260201T010000Z", "|2"),)]


def test_two_new_people_whose_digests_are_the_same_get_two_ids(by_hand: HandMade) -> None:
    """With two digits instead of eleven such digests are easily found."""
    by_hand.tonight(str(START))
    first: dict[str, str] = {}
    keys = (f"a:{number}" for number in range(1000))
    one, other = next(
        (first[person], key)
        for key in keys
        if (person := issued(key, "20260201T010000Z", "", 2)) in first or first.setdefault(person, key) != key
    )
    by_hand.put("clusters", "record_key, cluster_key", (one, one), (other, other))
    by_hand.put("computed.unsettled_records", "record_key", (one,), (other,))
    table = by_hand.building.catalogue.tables["records"]
    put_table(by_hand.connection, table.target, table.sql.replace("range(11)", "range(2)"), "", {})
    found = dict(query(by_hand.connection, "SELECT record_key, person_id FROM records"))
    assert found == {key: issued(key, "20260201T010000Z", "|1", 2) for key in (one, other)}


Partition = list[int]
# For each of eight records and each night: in which cluster it is, 0 for not there.
NIGHTS = st.lists(st.lists(st.integers(0, 4), min_size=8, max_size=8), min_size=2, max_size=5)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NIGHTS)
def test_no_id_is_ever_another_persons_and_each_means_somebody_while_records_are_left(
    by_hand: HandMade, partitions: list[Partition]
) -> None:
    nights, was = Nights(by_hand), dict[str, str]()
    owners: dict[str, set[str]] = {}  # the records that an id has ever had
    for partition in partitions:
        who = nights.next(*named(partition))
        alive, was_alive, current = set(who.values()), set(was.values()), nights.current()
        for person in alive:
            keys = {key for key, holder in who.items() if holder == person}
            assert person not in owners or keys & owners[person], "an id went to records of which none ever had it"
            owners.setdefault(person, set()).update(keys)
        assert set(current) == owners.keys(), "every id that was ever issued is known"
        assert {person: current[person] for person in alive} == {person: person for person in alive}
        assert {other for other in current.values() if other} <= alive
        ended = {person for person, change, *_ in nights.history() if change in ("merged", "retired")}
        assert ended == was_alive - alive
        was = who
    assert_counted(nights, owners)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 4), min_size=8, max_size=8), st.lists(st.integers(1, 4), max_size=4))
def test_whatever_is_merged_night_after_night_and_parted_again_is_who_it_was(
    by_hand: HandMade, partition: Partition, merging: list[int]
) -> None:
    nights = Nights(by_hand)
    before = nights.next(*named(partition))
    for place in merging:
        nights.next(*named([1 if cluster <= place else cluster for cluster in partition]))
    assert nights.next(*named(partition)) == before
    assert nights.by_hand.make("former_ids", "record_key") == []
    assert (
        set(query(nights.by_hand.connection, "SELECT person_id FROM records WHERE founded_at <> ?", [START])) == set()
    )


def named(partition: Partition) -> list[str]:
    """The clusters of a night: eight records, a:0 to a:7, those of 0 are not there."""
    clusters = [[f"a:{k}" for k, place in enumerate(partition) if place == cluster] for cluster in range(1, 5)]
    return [" ".join(keys) for keys in clusters if keys]


def assert_counted(nights: Nights, ever: Iterable[str]) -> None:
    """created + restored - merged - retired = people: the history adds up."""
    count = (
        "SELECT count(*) FILTER (change = 'created'), count(*) FILTER (change = 'restored'), "
        "count(*) FILTER (change IN ('merged', 'retired')) FROM person_history"
    )
    ((created, restored, ended),) = query(nights.by_hand.connection, count)
    ((people,),) = query(nights.by_hand.connection, "SELECT count(DISTINCT person_id) FROM records")
    assert (created, created + restored - ended) == (len(set(ever)), people)
