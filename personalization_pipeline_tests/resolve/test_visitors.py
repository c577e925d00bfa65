"""Browsers and apps: whose they are, what becomes hers that she did before she signed in, and who stays anonymous."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from personalization_pipeline_tests.conftest import HandMade

AS_OF = "2026-06-01 01:00:00"
ANN, BOB = "crm:ann", "crm:bob"
Rows = list[tuple[Any, ...]]


def browse(by_hand: HandMade, *uses: tuple[str, str, str | None], days: int = 30) -> Rows:
    """The people of events (day in 2026, browser, record that signed in or None), one row each, in order of time."""
    project = by_hand.building.project
    settings = project.settings.model_copy(update={"stitching_days": days})
    by_hand.building.project = replace(project, settings=settings)
    by_hand.tonight(AS_OF)
    by_hand.put("records", "record_key, person_id", (ANN, "p1"), (BOB, "p2"), ("shop:ann", "p1"))
    events = [(f"e{n}", f"2026-{day}", visitor, record) for n, (day, visitor, record) in enumerate(uses)]
    by_hand.put("facts.events", "event_key, occurred_at, visitor_key, record_key", *events)
    by_hand.make("visitors")
    return [person for _, person in by_hand.make("events", "event_key, person_id")]


def is_anonymous(person: Any) -> bool:
    return isinstance(person, str) and person.startswith("a")


def test_what_somebody_did_before_and_between_and_after_her_sign_ins_is_hers(by_hand: HandMade) -> None:
    found = browse(
        by_hand,
        ("03-01", "web:x", None),
        ("03-10", "web:x", ANN),
        ("03-15", "web:x", None),
        ("03-20", "web:x", "shop:ann"),
        ("03-25", "web:x", None),
    )
    assert found == ["p1"] * 5
    assert by_hand.make("visitors", "person_id, is_known, signed_in_count, event_count") == [("p1", True, 1, 5)]


@pytest.mark.parametrize(("days", "hers"), [(30, ["02-08", "04-09"]), (29, []), (400, ["01-01", "02-08", "04-09"])])
def test_stitching_reaches_as_many_days_as_the_project_says(by_hand: HandMade, days: int, hers: list[str]) -> None:
    """Before the first sign-in and after the last; beyond that nothing tells who it was."""
    unsigned = ["01-01", "02-08", "04-09"]
    uses = [(day, "web:x", None) for day in unsigned] + [("03-10", "web:x", ANN)]
    found = browse(by_hand, *uses, days=days)
    assert found == [*("p1" if day in hers else None for day in unsigned), "p1"]


def test_on_a_browser_of_two_people_everybody_keeps_her_own_and_the_rest_is_nobodys_that_is_known(
    by_hand: HandMade,
) -> None:
    first, ann, middle, bob = browse(
        by_hand, ("03-01", "web:x", None), ("03-02", "web:x", ANN), ("03-03", "web:x", None), ("03-04", "web:x", BOB)
    )
    assert (ann, bob) == ("p1", "p2")
    assert first == middle
    assert is_anonymous(first)


def test_an_account_that_no_source_knows_is_somebody_else(by_hand: HandMade) -> None:
    found = browse(by_hand, ("03-01", "web:x", None), ("03-02", "web:x", ANN), ("03-03", "web:x", "web:unheard-of"))
    assert is_anonymous(found[0])
    assert found[1:] == ["p1", None]


def test_an_anonymous_person_keeps_her_id_and_it_means_who_she_turns_out_to_be(by_hand: HandMade) -> None:
    [before] = browse(by_hand, ("03-01", "web:x", None))
    assert is_anonymous(before)
    assert browse(by_hand, ("03-01", "web:x", None), ("03-02", "web:x", ANN)) == ["p1", "p1"]
    assert by_hand.make("visitors", "anonymous_id, person_id") == [(before, "p1")]


def test_anonymous_people_are_people_without_a_record_and_counted_apart(by_hand: HandMade) -> None:
    browse(by_hand, ("03-01", "web:x", None), ("03-02", "web:y", None), ("03-03", "web:z", ANN))
    people = by_hand.make("people", "kind, person_id LIKE 'a%', record_count, CAST(founded_at AS VARCHAR)")
    assert [row for row in people if row[0] == "anonymous"] == [
        ("anonymous", True, 0, "2026-03-01 00:00:00"),
        ("anonymous", True, 0, "2026-03-02 00:00:00"),
    ]
    assert {row[1] for row in people if row[0] == "known"} == {False}


def test_nobody_anonymous_is_asked_for_features_or_reach(by_hand: HandMade) -> None:
    browse(by_hand, ("03-01", "web:x", None))
    by_hand.make("people")
    for table in ("reach", "order_features", "person_features", "features"):
        assert {person for (person,) in by_hand.make(table, "person_id")} == {"p1", "p2"}


def test_an_event_without_a_browser_is_who_signed_in_or_nobody(by_hand: HandMade) -> None:
    """As at a kiosk: a device that is no visitor lends its sessions to nobody."""
    by_hand.tonight(AS_OF)
    by_hand.put("records", "record_key, person_id", (ANN, "p1"))
    by_hand.put("facts.events", "event_key, record_key", ("e1", ANN), ("e2", None), ("e3", "crm:unheard-of"))
    by_hand.make("visitors")
    assert by_hand.make("events", "event_key, person_id") == [("e1", "p1"), ("e2", None), ("e3", None)]
