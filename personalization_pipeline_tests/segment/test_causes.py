"""Every entry and exit has exactly one cause: tiny nights by hand, one for each cause and some for two at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from personalization_pipeline.analyze.scoring import READY
from personalization_pipeline.foundation.night import Store
from personalization_pipeline.foundation.warehouse import query
from personalization_pipeline.segment.causes import _moved
from personalization_pipeline_tests.conftest import HandMade
from personalization_pipeline_tests.segment.nights_by_hand import NO_MODELS, TwoNights

SEGMENTS = {
    "loyal": "order_count >= 2",
    "away": "days_since_last_order > 30",
    "german": "country = 'DE'",
    "reachable": "is_reachable_email",
}


def declare(project: Path, kind: str, name: str, where: str) -> None:
    """Write the rule of a segment or of the audience, and leave the rest of its file."""
    file = project / kind / f"{name}.yaml"
    before = file.read_text(encoding="utf-8") if file.exists() else "description: x\nwhere: x\n"
    lines = [f"where: {where}" if line.startswith("where:") else line for line in before.splitlines()]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def nights(starter: Path, tmp_path: Path) -> Iterator[TwoNights]:
    """Ann (records a, b), Bo (c) and Cid (d), who has ordered once, a month before the second night; nobody is held out."""
    settings = starter / "project.yaml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("share: 0.05", "share: 0"), encoding="utf-8")
    for name, where in SEGMENTS.items():
        declare(starter, "segments", name, where)
    hand = HandMade(starter)
    made = TwoNights(hand, tmp_path)
    for record, person in ("a", "ann"), ("b", "ann"), ("c", "bo"), ("d", "cid"):
        made.shop.add(record, person)
    made.shop.orders = [("a", "2026-06-25"), ("c", "2026-06-26"), ("d", "2026-06-01")]
    yield made
    hand.connection.close()


def counts(nights: TwoNights) -> list[tuple[object, ...]]:
    """Everything that the changes do not explain."""
    return query(nights.building.connection, "SELECT * FROM membership_counts WHERE rest_count <> 0")


def steps(nights: TwoNights) -> list[str]:
    """What was asked of the segments, in its order."""
    sql = "SELECT cause FROM computed.segment_steps WHERE place > 0 GROUP BY ALL ORDER BY min(place)"
    return [cause for (cause,) in query(nights.building.connection, sql)]


def test_a_first_night_has_no_changes(nights: TwoNights) -> None:
    nights.tonight()
    assert nights.changes("german") == set()
    assert query(nights.building.connection, "SELECT * FROM membership_counts") == []


def test_where_nothing_differs_nobody_moves_and_nothing_is_asked(nights: TwoNights) -> None:
    nights.passes()
    nights.tonight("2026-07-01 03:00:00")
    sql = "SELECT count(*) FROM segment_changes UNION ALL SELECT count(*) FROM audience_changes"
    assert query(nights.building.connection, sql) == [(0,), (0,)]
    assert steps(nights) == []


def test_a_new_order_is_a_new_fact(nights: TwoNights) -> None:
    nights.passes()
    nights.shop.orders.append(("b", "2026-07-02"))
    nights.tonight()
    assert nights.changes("loyal") == {("ann", "entered", "new fact")}


def test_an_order_that_ends_an_absence_is_a_new_fact(nights: TwoNights) -> None:
    nights.shop.orders.append(("d", "2026-05-01"))
    nights.passes("2026-07-05 02:00:00")
    nights.shop.orders.append(("d", "2026-07-06"))
    nights.tonight("2026-07-06 02:00:00")
    assert nights.changes("away") == {("cid", "left", "new fact")}


def test_a_new_person_and_a_deleted_one_are_new_facts(nights: TwoNights) -> None:
    nights.passes()
    nights.shop.add("e", "eve")
    nights.shop.people.pop("c")
    nights.shop.orders.pop(1)
    nights.tonight()
    assert nights.changes("german") == {("eve", "entered", "new fact"), ("bo", "left", "new fact")}


def test_a_moved_address_is_a_new_fact(nights: TwoNights) -> None:
    nights.passes()
    nights.shop.countries["c"] = "FR"
    nights.tonight()
    assert nights.changes("german") == {("bo", "left", "new fact")}


def test_what_comes_by_the_calendar_alone_is_time(nights: TwoNights) -> None:
    nights.passes()
    nights.tonight()
    assert nights.changes("away") == {("cid", "entered", "time")}
    assert steps(nights) == ["time"]


def test_a_consent_withdrawn_or_given_is_consent(nights: TwoNights) -> None:
    nights.shop.granted.discard("d")
    nights.passes()
    nights.shop.granted = {"a", "b", "d"}
    nights.tonight()
    expected = {("bo", "left", "consent"), ("cid", "entered", "consent")}
    assert nights.changes("reachable") == nights.changes() == nights.delivered() == expected


def test_a_changed_threshold_is_a_rule(nights: TwoNights) -> None:
    nights.passes()
    declare(nights.building.project.folder, "segments", "loyal", "order_count >= 1")
    nights.tonight("2026-07-01 03:00:00")
    assert {cause for *_, cause in nights.changes("loyal")} == {"rule"}
    assert {person for person, *_ in nights.changes("loyal")} == {"ann", "bo", "cid"}


def test_a_segment_that_is_new_or_gone_is_a_rule(nights: TwoNights) -> None:
    nights.passes()
    folder = nights.building.project.folder
    (folder / "segments" / "german.yaml").unlink()
    declare(folder, "segments", "buyers", "order_count >= 1")
    nights.tonight()
    assert nights.changes("german") == {(person, "left", "rule") for person in ("ann", "bo", "cid")}
    assert nights.changes("buyers") == {(person, "entered", "rule") for person in ("ann", "bo", "cid")}


def test_without_the_text_of_yesterday_the_rule_is_asked_first(nights: TwoNights) -> None:
    nights.passes()
    declare(nights.building.project.folder, "segments", "loyal", "order_count >= 1")
    for copy in (Store(nights.building.project.store).root / "projects").glob("*/project.yaml"):
        copy.unlink()
    nights.tonight()
    assert {cause for *_, cause in nights.changes("loyal")} == {"rule"}
    assert nights.changes("away") == {("cid", "entered", "time")}


def test_a_merge_is_identity(nights: TwoNights) -> None:
    nights.passes()
    nights.shop.people["c"] = "ann"
    nights.tonight()
    assert nights.changes("loyal") == {("ann", "entered", "identity")}
    assert nights.changes("german") == {("bo", "left", "identity")}


def test_what_is_told_of_a_person_alone_goes_where_most_of_her_records_went(nights: TwoNights) -> None:
    """A household names no record: whoever was Bo yesterday is Ann."""
    nights.passes()
    nights.building.connection.execute("INSERT INTO last_warehouse.main.households (person_id) VALUES ('bo'), ('cid')")
    nights.shop.people["c"] = "ann"
    nights.tonight()
    moved = _moved(nights.building, "households")
    assert query(nights.building.connection, f"SELECT person_id FROM ({moved}) ORDER BY 1") == [("ann",), ("cid",)]


def test_a_split_is_identity(nights: TwoNights) -> None:
    nights.shop.orders.append(("b", "2026-06-27"))
    nights.passes()
    nights.shop.people["b"] = "bea"
    nights.tonight()
    assert nights.changes("loyal") == {("ann", "left", "identity")}
    assert nights.changes("german") == {("bea", "entered", "identity")}


def test_a_record_that_is_gone_goes_where_the_rest_of_her_went(nights: TwoNights) -> None:
    nights.passes()
    nights.shop.people.pop("b")
    nights.shop.people["a"] = "bo"
    nights.tonight()
    assert nights.changes("german") == {("ann", "left", "identity")}


def test_a_retrained_model_is_a_score(nights: TwoNights) -> None:
    parameters = {"r": 1.0, "alpha": 10.0, "a": 1.0, "b": 2.0}
    few = {**NO_MODELS, "bgnbd": {**NO_MODELS["bgnbd"], "status": READY, "parameters": parameters}}
    many = {**few, "bgnbd": {**few["bgnbd"], "parameters": {**parameters, "alpha": 0.1}}}
    declare(nights.building.project.folder, "audiences", "newsletter", "expected_orders > 3")
    nights.models = few
    nights.passes()
    nights.models = many
    nights.tonight("2026-07-01 03:00:00")
    assert nights.changes() == {(person, "entered", "score") for person in ("ann", "bo", "cid")}


def test_of_two_causes_that_each_suffice_the_earlier_counts(nights: TwoNights) -> None:
    nights.passes()
    nights.shop.people["c"] = "ann"
    nights.shop.orders.append(("b", "2026-07-02"))
    nights.tonight()
    assert nights.changes("loyal") == {("ann", "entered", "identity")}


def test_of_two_causes_that_need_each_other_the_later_counts(nights: TwoNights) -> None:
    declare(nights.building.project.folder, "segments", "loyal", "order_count >= 3")
    nights.passes()
    nights.shop.people["c"] = "ann"
    nights.shop.orders.append(("b", "2026-07-02"))
    nights.tonight()
    assert nights.changes("loyal") == {("ann", "entered", "new fact")}


def test_who_moves_because_another_did_has_the_cause_of_that(nights: TwoNights) -> None:
    """Bo's only address is Ann's too, and the smaller id has it, until Ann moves away from the audience."""
    declare(nights.building.project.folder, "audiences", "newsletter", "country = 'DE'")
    nights.shop.mailboxes["c"] = "a"
    nights.passes()
    nights.shop.countries |= {"a": "FR", "b": "FR"}
    nights.tonight()
    assert nights.changes() == {("ann", "left", "new fact")}
    assert nights.delivered() == {("ann", "left", "new fact"), ("bo", "entered", "new fact")}
    assert counts(nights) == []


PEOPLE = st.sampled_from(["ann", "bo", "cid", "dee"])
RECORDS = st.dictionaries(st.sampled_from("abcdefg"), PEOPLE, min_size=1)
ORDERS = st.lists(st.tuples(st.sampled_from("abcdefg"), st.sampled_from(["2026-05-30", "2026-06-01", "2026-06-30"])))
NIGHT = st.tuples(RECORDS, ORDERS, st.sets(st.sampled_from("abcdefg")), st.sampled_from([1, 2, 3]))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(yesterday=NIGHT, tonight=NIGHT)
def test_causes_explain_the_difference_whatever_happened(nights: TwoNights, yesterday: tuple, tonight: tuple) -> None:  # type: ignore[type-arg]
    for (people, orders, refused, threshold), makes in (yesterday, nights.passes), (tonight, nights.tonight):
        nights.shop.people = people
        nights.shop.countries = dict.fromkeys(people, "DE")
        nights.shop.granted = set(people) - refused
        nights.shop.orders = sorted({(record, on) for record, on in orders if record in people})
        declare(nights.building.project.folder, "segments", "loyal", f"order_count >= {threshold}")
        makes()
    c = nights.building.connection
    assert counts(nights) == []
    sql = "SELECT count(*), count(DISTINCT segment || person_id), count(cause) FROM segment_changes"
    ((rows, changed, caused),) = query(c, sql)
    assert rows == changed == caused
    failed = [v.check for built in nights.building.results.values() for v in built.verdicts if not v.passed]
    assert failed == []
