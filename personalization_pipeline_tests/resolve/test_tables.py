"""The tables of phase resolve, one at a time, over rows that stand in the test."""

from __future__ import annotations

import hashlib
import random

import pytest

from personalization_pipeline_tests.conftest import HandMade

AS_OF = "2026-02-01 01:00:00"
WORD = "record_key, address_kind, address, brand, purpose, channel, status, decided_at, expires_at, basis"
EMAIL = ("email", "ann@x.example", "", "email:ann@x.example")
Word = tuple[object, ...]


def word(
    status: str,
    day: str,
    *,
    until: str | None = None,
    basis: str = "consent",
    brand: str | None = None,
    channel: str = "email",
    purpose: str = "marketing",
) -> Word:
    return ("crm:1", "email", "ann@x.example", brand, purpose, channel, status, f"2026-01-{day}", until, basis)


def state(by_hand: HandMade, *words: Word, columns: str = "status") -> list[tuple[object, ...]]:
    by_hand.tonight(AS_OF)
    by_hand.put("standard_addresses", "address_kind, address, country, standard_address", EMAIL)
    by_hand.put("consents", WORD, *words)
    return by_hand.make("consent_state", columns)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([word("granted", "01")], "granted"),
        ([word("granted", "01"), word("refused", "02")], "refused"),
        ([word("refused", "01"), word("granted", "02")], "granted"),
        ([word("granted", "01"), word("refused", "01")], "refused"),
        ([word("granted", "01"), word("granted", "01")], "granted"),
        ([word("granted", "01"), word("pending", "02")], "refused"),
        ([word("granted", "01", until=AS_OF)], "refused"),
        ([word("granted", "01", until="2026-02-01 01:00:01")], "granted"),
        ([word("granted", "01"), word("granted", "02", until="2026-01-20")], "refused"),
    ],
)
def test_the_latest_word_decides_and_whatever_is_not_a_live_grant_is_no(
    by_hand: HandMade, words: list[Word], expected: str
) -> None:
    assert state(by_hand, *words) == [(expected,)]
    assert state(by_hand, *reversed(words)) == [(expected,)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([word("granted", "09", basis="declared")], ("granted", "declared")),
        ([word("granted", "09", basis="declared"), word("refused", "01")], ("refused", "consent")),
        ([word("granted", "09", basis="declared"), word("pending", "01")], ("refused", "consent")),
        ([word("granted", "09", basis="declared"), word("granted", "01")], ("granted", "consent")),
        ([word("refused", "09", basis="declared"), word("granted", "01")], ("refused", "declared")),
    ],
)
def test_a_declared_grant_never_overrules_what_the_person_said(
    by_hand: HandMade, words: list[Word], expected: tuple[str, str]
) -> None:
    assert state(by_hand, *words, columns="status, basis") == [expected]


def test_a_word_dated_after_the_night_is_not_heard(by_hand: HandMade) -> None:
    ahead = ("crm:1", "email", "ann@x.example", None, "marketing", "email", "granted", "2026-02-02", None, "declared")
    assert state(by_hand, ahead) == []
    assert state(by_hand, word("refused", "01"), ahead) == [("refused",)]


def test_brands_purposes_and_channels_answer_apart(by_hand: HandMade) -> None:
    words = [
        word("granted", "01", brand="tea"),
        word("refused", "02", brand="coffee"),
        word("refused", "03", channel="any"),
        word("granted", "04", purpose="profiling"),
    ]
    assert state(by_hand, *words, columns="brand, purpose, channel, status") == [
        ("", "marketing", "any", "refused"),
        ("", "profiling", "email", "granted"),
        ("coffee", "marketing", "email", "refused"),
        ("tea", "marketing", "email", "granted"),
    ]


def test_a_number_written_in_two_ways_is_one_address_and_an_unusable_one_is_none(by_hand: HandMade) -> None:
    by_hand.tonight(AS_OF)
    by_hand.put("contacts", "record_key, country", ("crm:1", "GB"), ("crm:2", None))
    by_hand.put(
        "standard_addresses",
        "address_kind, address, country, standard_address",
        ("phone", "020 7946 0018", "GB", "phone:+442079460018"),
        ("phone", "+44 20 7946 0018", "", "phone:+442079460018"),
    )
    by_hand.put(
        "consents",
        WORD,
        ("crm:1", "phone", "020 7946 0018", None, "marketing", "sms", "granted", "2026-01-01", None, "consent"),
        ("crm:2", "phone", "+44 20 7946 0018", None, "marketing", "sms", "refused", "2026-01-02", None, "consent"),
        ("crm:2", "phone", "020 7946 0018", None, "marketing", "sms", "granted", "2026-01-03", None, "consent"),
        ("crm:2", "record", "crm:2", None, "profiling", "any", "granted", "2026-01-03", None, "consent"),
    )
    assert by_hand.make("consent_state", "address, status") == [
        ("phone:+442079460018", "refused"),
        ("record:crm:2", "granted"),
    ]


def test_every_address_of_every_record_is_an_identifier_of_its_person(by_hand: HandMade) -> None:
    by_hand.put("records", "record_key, person_id", ("crm:1", "p1"), ("shop:a:7", "p1"), ("crm:2", "p2"))
    by_hand.put(
        "contacts",
        "record_key, email, phone, country",
        ("crm:1", "Ann@X.example", "020 7946 0018", "GB"),
        ("shop:a:7", "ann@x.example", None, None),
        ("crm:2", "nonsense", None, None),
    )
    by_hand.put(
        "standard_addresses",
        "address_kind, address, country, standard_address",
        ("email", "Ann@X.example", "", "email:ann@x.example"),
        ("email", "ann@x.example", "", "email:ann@x.example"),
        ("phone", "020 7946 0018", "GB", "phone:+442079460018"),
        ("phone", "020 7946 0018", "", "phone:+490000000"),
    )
    assert by_hand.make("identifiers", "person_id, record_key, address, value") == [
        ("p1", "crm:1", "email:ann@x.example", "Ann@X.example"),
        ("p1", "crm:1", "phone:+442079460018", "020 7946 0018"),
        ("p1", "crm:1", "record:crm:1", "1"),
        ("p1", "shop:a:7", "email:ann@x.example", "ann@x.example"),
        ("p1", "shop:a:7", "record:shop:a:7", "a:7"),
        ("p2", "crm:2", "record:crm:2", "2"),
    ]


def ids(by_hand: HandMade, before: dict[str, tuple[str, str]], clusters: dict[str, str]) -> dict[str, str]:
    """Person by record; `before`: record -> (person, day of the id), `clusters`: the records of each, by a space."""
    by_hand.tonight(AS_OF)
    rows = [(key, person, f"2025-01-{day}") for key, (person, day) in before.items()]
    by_hand.put("yesterday.records", "record_key, person_id, founded_at", *rows)
    members = [(key, min(keys.split())) for keys in clusters.values() for key in keys.split()]
    random.Random(1).shuffle(members)
    by_hand.put("clusters", "record_key, cluster_key", *members)
    return dict(by_hand.make("records", "record_key, person_id"))


def test_an_id_lasts_as_long_as_its_records_stay_together(by_hand: HandMade) -> None:
    before = {"a:1": ("p1", "01"), "a:2": ("p1", "01"), "a:3": ("p3", "02")}
    assert ids(by_hand, before, {"x": "a:1 a:2", "y": "a:3"}) == {"a:1": "p1", "a:2": "p1", "a:3": "p3"}


def test_when_people_merge_the_oldest_id_stays_and_its_day_with_it(by_hand: HandMade) -> None:
    before = {"a:1": ("p1", "05"), "a:2": ("p1", "05"), "a:3": ("p9", "02")}
    assert set(ids(by_hand, before, {"x": "a:1 a:2 a:3"}).values()) == {"p9"}
    assert {str(day) for (day,) in by_hand.make("records", "founded_at")} == {"2025-01-02 00:00:00"}
    tied = {"a:1": ("p9", "05"), "a:3": ("p1", "05")}
    assert set(ids(by_hand, tied, {"x": "a:1 a:3"}).values()) == {"p1"}


def test_when_a_person_splits_her_id_goes_where_most_records_go(by_hand: HandMade) -> None:
    before = {f"a:{k}": ("p1", "01") for k in range(1, 6)}
    after = ids(by_hand, before, {"small": "a:1 a:2", "large": "a:3 a:4 a:5"})
    assert {after["a:3"], after["a:4"], after["a:5"]} == {"p1"}
    assert after["a:1"] == after["a:2"] != "p1"


def test_when_a_person_splits_in_halves_the_smallest_record_key_keeps_the_id(by_hand: HandMade) -> None:
    before = {f"a:{k}": ("p1", "01") for k in range(1, 5)}
    after = ids(by_hand, before, {"x": "a:2 a:3", "y": "a:1 a:4"})
    assert after["a:1"] == after["a:4"] == "p1" != after["a:2"] == after["a:3"]


def test_an_id_that_lost_its_records_to_an_older_one_is_given_to_nobody(by_hand: HandMade) -> None:
    """p2 goes with most of its records into p1's cluster, where p1 is older; what p2 left behind gets a new id."""
    before = {"a:1": ("p1", "01"), "a:2": ("p2", "02"), "a:3": ("p2", "02"), "a:4": ("p2", "02")}
    after = ids(by_hand, before, {"x": "a:1 a:2 a:3", "y": "a:4"})
    assert "p2" not in after.values()
    assert after["a:1"] == after["a:3"] == "p1" != after["a:4"]


def test_a_new_id_is_eleven_digits_of_the_digest_of_the_smallest_record_key_and_the_night(by_hand: HandMade) -> None:
    digest = int(hashlib.md5(b"a:1|20260201T010000Z").hexdigest()[:15], 16)
    digits = "".join("0123456789abcdefghijklmnopqrstuvwxyz"[digest // 36**place % 36] for place in range(11))
    assert ids(by_hand, {}, {"x": "a:2 a:1", "y": "b:1"})["a:2"] == f"p{digits}"
    assert [str(day) for (day,) in by_hand.make("records", "founded_at")] == [AS_OF] * 3
