"""The golden record: which of a person's records speaks for her in each field, and what is nobody's best value."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest

from personalization_pipeline.foundation.declarations import GoldenField
from personalization_pipeline.foundation.errors import ProjectError
from personalization_pipeline.foundation.project import load_project
from personalization_pipeline.resolve.standardise import standardise
from personalization_pipeline.resolve.survivorship import field_rules, rules, source_ranks
from personalization_pipeline_tests.conftest import HandMade
from personalization_pipeline_tests.resolve.contacts import contacts

Rows = list[tuple[Any, ...]]
SAID = ("source", "language", "created_at", "updated_at")


def golden(by_hand: HandMade, *rows: dict[str, Any], columns: str = "field, value, record_key") -> Rows:
    """The fields of p1, whose records these are; `source` is the record key's, words are said on the 1st unless told."""
    plain = contacts(*({key: value for key, value in row.items() if key not in SAID} for row in rows))
    by_hand.put("computed.field_rules", "field, rule", *field_rules(by_hand.building).rows())
    by_hand.put("records", "record_key, person_id", *[(key, "p1") for key in plain["record_key"]])
    for name, frame in (("standardised", standardise(plain, "DE")), ("contacts", plain)):
        by_hand.put(name, ", ".join(frame.columns), *frame.rows())
    for key, row in zip(plain["record_key"], rows, strict=True):
        told = {"source": key.split(":")[0], "updated_at": "2026-01-01", **row}
        by_hand.connection.execute(
            "UPDATE contacts SET source = ?, language = ?, created_at = ?, updated_at = ? WHERE record_key = ?",
            [*(told.get(name) for name in SAID), key],
        )
    by_hand.make("people_words")
    return by_hand.make("people_fields", columns)


def test_each_field_is_the_latest_word_that_is_not_blank_and_says_whose_it_is(by_hand: HandMade) -> None:
    found = golden(
        by_hand,
        {"record_key": "crm:1", "email": "ann@x.example", "created_at": "2020-01-01", "updated_at": "2026-01-01 10:00:00.2"},
        {"record_key": "shop:a:7", "email": "old@x.example", "created_at": "2026-01-09", "updated_at": "2026-01-01 10:00:00.1"},
        {"record_key": "till:3", "language": "de", "updated_at": None},
        columns="field, value, record_key, source, CAST(said_at AS VARCHAR), rule",
    )  # fmt: skip
    assert found == [
        ("email", "ann@x.example", "crm:1", "crm", "2026-01-01 10:00:00.2", "latest"),
        ("language", "de", "till:3", "till", None, "latest"),
    ]


def test_of_two_words_of_one_moment_the_greater_record_key_speaks(by_hand: HandMade) -> None:
    rows = [{"record_key": key, "email": f"{key[0]}@x.example"} for key in ("a:1", "b:1")]
    for given in (rows, rows[::-1]):
        assert golden(by_hand, *given) == [("email", "b@x.example", "b:1")]


def test_a_slip_said_last_is_not_her_name_nor_her_birthday(by_hand: HandMade) -> None:
    said = [
        ("a:1", "Patrick", "Berg", "1980-01-02", "2026-01-01"),
        ("b:1", "patrick", "Berg", "1980-01-02", "2026-01-02"),
        ("c:1", "Parick", "Brg", "1908-01-02", "2026-01-03"),
    ]
    names = ("record_key", "first_name", "last_name", "birth_date", "updated_at")
    rows = [dict(zip(names, row, strict=True)) | {"birth_date": date.fromisoformat(row[3])} for row in said]
    assert golden(by_hand, *rows, columns="field, value") == [
        ("birth_date", "1980-01-02"),
        ("first_name", "patrick"),
        ("last_name", "Berg"),
    ]


def test_an_initial_is_her_first_name_only_where_she_never_said_more(by_hand: HandMade) -> None:
    signed = [{"record_key": f"{source}:1", "first_name": "M."} for source in ("shop", "till", "web")]
    assert golden(by_hand, *signed, columns="value") == [("M.",)]
    assert golden(by_hand, *signed, {"record_key": "crm:1", "first_name": "Masha"}, columns="value") == [("Masha",)]


def test_town_and_postal_code_come_from_a_record_with_a_street(by_hand: HandMade) -> None:
    found = golden(
        by_hand,
        {"record_key": "a:1", "street": "Am Wall 1", "city": "Graz", "postal_code": "8010", "updated_at": "2026-01-01"},
        {"record_key": "b:1", "city": "Wien", "updated_at": "2026-01-05"},
        columns="field, value",
    )
    assert found == [("city", "Graz"), ("postal_code", "8010"), ("street", "Am Wall 1")]


@pytest.mark.parametrize(
    "nothing",
    [
        {"email": "test@test.com"},
        {"email": "noemail@x.example"},
        {"email": "ann@"},
        {"phone": "0000000000"},
        {"first_name": "Unknown"},
        {"last_name": "xxx"},
        {"postal_code": "00000"},
        {"country": "Atlantis"},
    ],
)
def test_what_says_nothing_is_nobodys_best_value_even_if_it_is_her_only_one(
    by_hand: HandMade, nothing: dict[str, str]
) -> None:
    assert golden(by_hand, {"record_key": "a:1", **nothing}) == []
    by_hand.make("people_fields")
    assert by_hand.make("people", f"person_id, {next(iter(nothing))}") == [("p1", None)]


def test_an_address_that_too_many_share_is_not_golden_but_a_role_mailbox_is(by_hand: HandMade) -> None:
    rows = [{"record_key": "a:1", "email": "info@firm.example", "phone": "+4930901820"}]
    by_hand.put("shared_values", "kind, value, reason", ("email", "info@firm.example", "role mailbox"))
    assert [field for field, *_ in golden(by_hand, *rows)] == ["email", "phone"]
    by_hand.put("shared_values", "kind, value, reason", ("phone", "+4930901820", "too many people"))
    assert [field for field, *_ in golden(by_hand, *rows)] == ["email"]


def test_a_source_that_the_project_puts_first_speaks_before_all_others(by_hand: HandMade) -> None:
    rows = [
        {"record_key": "crm:1", "email": "crm@x.example", "updated_at": "2020-01-01"},
        {"record_key": "shop:1", "email": "shop@x.example", "updated_at": "2021-01-01"},
        {"record_key": "till:1", "email": "till@x.example", "updated_at": "2026-01-01"},
    ]
    by_hand.put("computed.source_ranks", "field, source, place", ("email", "shop", 1), ("email", "crm", 2))
    assert golden(by_hand, *rows, columns="value, rule") == [("shop@x.example", "source first")]
    assert golden(by_hand, rows[0], rows[2], columns="value, rule") == [("crm@x.example", "source first")]
    assert golden(by_hand, rows[2], columns="value, rule") == [("till@x.example", "latest")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{email: [customers]}", ""),
        ("{e_mail: [customers]}", "survivorship.e_mail"),
        ("{email: [customer]}", "unknown source 'customer'\nFix: did you mean customers"),
    ],
)
def test_a_project_ranks_sources_that_there_are_in_fields_that_there_are(
    by_hand: HandMade, starter: Path, line: str, words: str
) -> None:
    with (starter / "project.yaml").open("a", encoding="utf-8") as file:
        file.write(f"survivorship: {line}\n")
    if words:
        with pytest.raises(ProjectError, match=words):
            load_project(starter)
    else:
        by_hand.building.project = load_project(starter)
        assert source_ranks(by_hand.building).rows() == [("email", "customers", 1)]


def test_every_field_of_the_golden_record_has_a_rule_and_a_column(by_hand: HandMade) -> None:
    columns = set(by_hand.building.columns("people"))
    assert set(rules()) == set(get_args(GoldenField)) <= columns
    assert columns - set(rules()) == {"person_id", "kind", "founded_at", "record_count", "external_id"}


def test_what_she_said_yesterday_holds_until_a_record_says_something_else_and_is_gone_when_she_is(
    by_hand: HandMade,
) -> None:
    record = {"record_key": "a:1", "email": "ann@x.example"}
    golden(by_hand, record)
    [(_, digest)] = by_hand.make("people_words")
    kept = [(person, "email", "kept@x.example", "a:1") for person in ("p1", "gone", "gone long ago")]
    by_hand.put("yesterday.people_fields", "person_id, field, value, record_key", *kept)
    by_hand.put("yesterday.people_words", "person_id, words_digest", ("p1", digest), ("gone", digest))
    assert golden(by_hand, record, columns="person_id, value") == [("p1", "kept@x.example")]
    assert golden(by_hand, {**record, "email": "new@x.example"}, columns="person_id, value") == [
        ("p1", "new@x.example")
    ]


def test_a_person_without_a_word_is_a_person(by_hand: HandMade) -> None:
    assert golden(by_hand, {"record_key": "shop:a:7"}, {"record_key": "crm:2"}) == []
    assert by_hand.make("people", "person_id, kind, record_count, external_id, email") == [
        ("p1", "known", 2, "2", None)
    ]
