"""Records made comparable, value by value."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalization_pipeline.resolve.standardise import (
    standardise,
    standardise_countries,
    standardise_emails,
    standardise_names,
    standardise_phones,
    standardise_postal_codes,
)
from personalization_pipeline_tests.resolve.contacts import contacts


def names(*texts: str | None) -> list[str | None]:
    return standardise_names(pl.Series(texts, dtype=pl.String)).to_list()


def emails(*texts: str | None) -> list[str | None]:
    return standardise_emails(pl.Series(texts, dtype=pl.String)).to_list()


def phone(text: str, country: str | None) -> str | None:
    return str_or_none(standardise_phones(pl.Series([text]), pl.Series([country], dtype=pl.String))[0])


def str_or_none(value: object) -> str | None:
    return None if value is None else str(value)


def test_a_name_loses_its_title_accents_and_punctuation() -> None:
    assert names("Dr. Łukasz", "Иванов", "O'Brien-Smith", "Frau Prof. Zoé") == [
        "lukasz",
        "ivanov",
        "obrien smith",
        "zoe",
    ]


def test_an_umlaut_is_spelled_as_people_without_that_key_spell_it() -> None:
    composed, decomposed = "Müller", "Mu\u0308ller"
    assert names(composed, decomposed, "Mueller") == ["mueller"] * 3


def test_a_name_that_is_no_name_is_null() -> None:
    assert names("unknown", "n/a", "Test", "", "Herr", "123", None) == [None] * 7


def test_a_mailbox_written_in_several_ways_is_one() -> None:
    ways = ("Anna.Berg+shop@GoogleMail.com", " annaberg@gmail.com ", "ANNA.BERG@gmail.com")
    assert emails(*ways) == ["annaberg@gmail.com"] * 3


def test_dots_count_everywhere_but_at_gmail() -> None:
    assert emails("anna.berg@web.example") == ["anna.berg@web.example"]


def test_an_address_that_nobody_meant_or_that_is_none_is_null() -> None:
    assert (
        emails("test@test.com", "noreply@shop.example", "kasse@shop.example", "anna@", "a@b", "+x@y.example")
        == [None] * 6
    )


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("030 901820", "DE", "+4930901820"),
        ("030 901820", "Deutschland", "+4930901820"),
        ("0049 30 901820", None, "+4930901820"),
        ("0049 30 901820", "FR", "+4930901820"),
        ("+49 (30) 901820", "GB", "+4930901820"),
        ("030 901820", None, None),
        ("000000", "DE", None),
        ("0000000000", "GB", None),
        ("no phone", "DE", None),
    ],
)
def test_a_phone_number_is_read_as_somebody_in_that_country_would_dial_it(
    text: str, country: str | None, expected: str | None
) -> None:
    assert phone(text, country) == expected


def test_postal_codes_lose_spaces_country_and_zip_plus_four() -> None:
    codes = pl.Series(["D-10115", " SW1A 1AA", "12345-6789", "1234 AB", "000000", "00000"])
    assert standardise_postal_codes(codes).to_list() == ["10115", "sw1a1aa", "12345", "1234ab", None, None]


def test_a_country_is_known_by_code_or_by_name_in_several_languages() -> None:
    given_as = pl.Series(["de", "Germany", "Deutschland", "Allemagne", "UK", "Royaume-Uni", "USA", "Atlantis"])
    assert standardise_countries(given_as).to_list() == ["DE", "DE", "DE", "DE", "GB", "GB", "US", None]


@pytest.mark.parametrize(
    ("line", "street", "house"),
    [
        ("Hauptstraße 12 a", "hauptstr", "12a"),
        ("Hauptstr. 12a", "hauptstr", "12a"),
        ("12 Main Street", "main st", "12"),
        ("12 Main St., Apt 4", "main st", "12"),
        ("5112 145th st", "145th st", "5112"),
        ("7, rue de la Poste", "rue de la poste", "7"),
        ("7 r. de la Poste", "rue de la poste", "7"),
        ("12-14 High Road", "high rd", "12-14"),
        ("Str. des 17. Juni 135", "str des 17 juni", "135"),
        ("Am Markt", "am markt", None),
        ("unknown", None, None),
    ],
)
def test_a_street_line_becomes_a_street_and_a_house_number(line: str, street: str | None, house: str | None) -> None:
    row = standardise(contacts({"street": line})).row(0, named=True)
    assert (row["street_std"], row["house_number"]) == (street, house)


def test_a_birth_date_that_is_a_default_is_no_birth_date() -> None:
    days = [date(1900, 1, 1), date(1970, 1, 1), date(1984, 3, 9), None]
    found = standardise(contacts(*({"birth_date": day} for day in days)))["birth_date"].to_list()
    assert found == [None, None, date(1984, 3, 9), None]


def test_a_nickname_leads_to_every_name_that_it_may_be_short_for() -> None:
    found = standardise(contacts({"first_name": "Masha"}, {"first_name": "Bob"}, {"first_name": "Hans-Peter"}))
    masha, bob, hans = found["first_name_roots"].to_list()
    assert masha == ["masha", "maria"]
    assert bob[0] == "bob"
    assert "robert" in bob
    assert {"hans", "johann", "johannes"} <= set(hans)


@pytest.mark.parametrize(
    ("email", "says_more"),
    [
        ("anna.berg@x.example", False),
        ("a.berg@x.example", False),
        ("berg_anna84@x.example", False),
        ("anna2@x.example", False),
        ("anna.berg1984@x.example", True),
        ("teapot@x.example", True),
    ],
)
def test_a_mailbox_that_only_repeats_the_name_says_nothing_more(email: str, says_more: bool) -> None:
    row = standardise(contacts({"first_name": "Anna", "last_name": "Berg", "email": email})).row(0, named=True)
    assert (row["email_local"] is not None) is says_more


def test_a_phone_number_without_a_country_is_dialled_from_the_default_one() -> None:
    found = standardise(contacts({"phone": "030 901820"}, {"phone": "020 7219 3000", "country": "GB"}), "DE")
    assert found["phone_std"].to_list() == ["+4930901820", "+442072193000"]
    assert found["country_std"].to_list() == [None, "GB"]


def test_no_contacts_are_no_records_of_the_same_shape() -> None:
    some, none = standardise(contacts({"first_name": "Anna"})), standardise(contacts())
    assert none.height == 0
    assert none.schema == some.schema


@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), max_size=10))
def test_what_is_standard_stays_as_it_is(texts: list[str | None]) -> None:
    given_names = pl.Series("names", texts, dtype=pl.String)
    for standard in (standardise_names, standardise_emails, standardise_postal_codes):
        once = standard(given_names)
        assert standard(once).to_list() == once.to_list()


@given(st.emails())
def test_a_standard_mailbox_stays_as_it_is(email: str) -> None:
    (once,) = emails(email)
    assert once is None or emails(once) == [once]


@given(st.permutations(["Anna", "Dr. Bob", None, "anna", "Łukasz"]))
def test_the_order_of_records_does_not_matter(order: list[str | None]) -> None:
    found = standardise_names(pl.Series(order, dtype=pl.String)).to_list()
    expected = {"Anna": "anna", "Dr. Bob": "bob", None: None, "anna": "anna", "Łukasz": "lukasz"}
    assert found == [expected[text] for text in order]
