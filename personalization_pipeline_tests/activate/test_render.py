"""What stands in a file, what is left out of it and why."""

from __future__ import annotations

import hashlib

import pytest

from personalization_pipeline.activate.formats import load_format
from personalization_pipeline.activate.render import render
from personalization_pipeline_tests.activate.rendering import members, read_back, spreadsheet

GOOGLE = load_format("google_customer_match")
POSTAL = {"first_name": "Anna", "last_name": "Muster", "postal_code": "10115", "country": "DE"}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_person_becomes_one_row_of_hashes_with_country_and_zip_in_plain_text() -> None:
    one = members({"person_id": "p1", "email": "Anna.Muster@gmail.com", "phone": "030 23125000", **POSTAL})
    header, row = read_back(GOOGLE, render(GOOGLE, one))
    assert dict(zip(header, row, strict=True)) == {
        "Email": sha256("annamuster@gmail.com"),
        "Phone": sha256("+493023125000"),
        "First Name": sha256("anna"),
        "Last Name": sha256("muster"),
        "Country": "DE",
        "Zip": "10115",
    }


def test_half_a_postal_address_is_not_sent() -> None:
    """Google matches all four or nothing: a name without a postal code would be personal data without a use."""
    half = members({"person_id": "p1", "email": "a@example.com", **POSTAL, "postal_code": None})
    assert read_back(GOOGLE, render(GOOGLE, half))[1] == [sha256("a@example.com"), "", "", "", "", ""]


def test_an_address_of_two_people_stands_once_and_both_are_delivered_by_what_else_they_have() -> None:
    family = members(
        {"person_id": "p1", "email": "family@example.com", "phone": "+4930231250"},
        {"person_id": "p2", "email": "family@example.com", "phone": "+4930231251"},
    )
    rendered = render(GOOGLE, family)
    rows = read_back(GOOGLE, rendered)[1:]
    assert sorted(row[0] for row in rows) == ["", sha256("family@example.com")]
    assert sorted(row[1] for row in rows) == sorted([sha256("+4930231250"), sha256("+4930231251")])
    assert rendered.rejects.height == 0


def test_two_spellings_of_one_gmail_box_are_one_address() -> None:
    twice = members(
        {"person_id": "p1", "email": "anna.m@gmail.com"},
        {"person_id": "p1", "email": "annam+shop@gmail.com"},
    )
    assert render(GOOGLE, twice).rows == 1


def test_who_only_repeats_the_address_of_another_is_a_duplicate() -> None:
    twice = members({"person_id": "p2", "email": "a@example.com"}, {"person_id": "p1", "email": "A@example.com "})
    rendered = render(GOOGLE, twice)
    assert rendered.rows == 1
    assert rendered.rejects.rows() == [("p2", "duplicate_address")]


def test_a_member_is_rejected_once_for_what_came_furthest_and_only_if_no_row_is_left() -> None:
    some = members(
        {"person_id": "in", "email": "in@example.com"},
        {"person_id": "in", "email": "no address"},
        {"person_id": "no email", "email": "no address"},
        {"person_id": "no email"},
        {"person_id": "no phone", "phone": "0171 2345678"},
        {"person_id": "nothing"},
        {"person_id": "same", "email": "no address"},
        {"person_id": "same", "email": "in@example.com"},
    )
    assert render(GOOGLE, some).rejects.rows() == [
        ("no email", "email_malformed"),
        ("no phone", "phone_without_country"),
        ("nothing", "no_address"),
        ("same", "duplicate_address"),
    ]


@pytest.mark.parametrize(
    ("blank", "emails", "rejects"),
    [
        # an empty cell leaves what is there: fine for nobody's and for a wrong e-mail; a second p4 would be written twice
        ("keep", ["", "", "four@example.com"], [("p4b", "duplicate_address")]),
        # an empty cell clears: what we could not read must not clear anything
        ("null", ["", "four@example.com"], [("p2", "email_malformed"), ("p4b", "duplicate_address")]),
        # an empty cell says nothing: the second p4 stays, by its id
        ("omit", ["", "", "", "four@example.com"], []),
        # an empty cell is an error
        (
            "forbid",
            ["four@example.com"],
            [("p1", "email_missing"), ("p2", "email_malformed"), ("p4b", "duplicate_address")],
        ),
    ],
)
def test_what_a_blank_means_decides_which_rows_may_have_one(
    blank: str, emails: list[str], rejects: list[tuple[str, str]]
) -> None:
    format = spreadsheet(blank=blank)
    rendered = render(
        format,
        members(
            {"person_id": "p1", "external_id": "1", "email": " "},
            {"person_id": "p2", "external_id": "2", "email": "no address"},
            {"person_id": "p4", "external_id": "4", "email": "four@example.com"},
            {"person_id": "p4b", "external_id": "4b", "email": "four@example.com"},
        ),
    )
    assert sorted(row[1] for row in read_back(format, rendered)[1:]) == emails
    assert rendered.rejects.rows() == rejects


def test_what_a_spreadsheet_would_run_is_escaped_for_people_and_exact_for_machines() -> None:
    """The two vectors of OWASP's page on CSV injection, and the starts that it lists."""
    nasty = ['=1+2";=1+2', "=1+2'\" ;,=1+2", "+1", "-1", "@SUM(1)", "＝1", "fine"]
    some = members(*({"person_id": f"p{i}", "external_id": text} for i, text in enumerate(nasty)))
    people, machines = spreadsheet(), spreadsheet(formula_escape=False)
    assert {row[0] for row in read_back(people, render(people, some))[1:]} == {
        *(f"'{text}" for text in nasty[:-1]),
        "fine",
    }
    assert {row[0] for row in read_back(machines, render(machines, some))[1:]} == set(nasty)
    assert b'"\'=1+2"";=1+2"' in render(people, some).content


@pytest.mark.parametrize("header", ["a;b", 'a"b', "a\nb", " a "])
def test_a_header_is_quoted_like_a_cell(header: str) -> None:
    columns = [{"header": header, "field": "external_id", "normaliser": "generic.external_id", "blank": "keep"}]
    keys = [["external_id"]]
    format = spreadsheet(columns=columns, identity=keys, dedupe=keys, formula_escape=False)
    assert read_back(format, render(format, members({"person_id": "p1", "external_id": "1"}))) == [[header], ["1"]]


def test_an_audience_of_nobody_is_a_header() -> None:
    rendered = render(GOOGLE, members())
    assert rendered.content == b"Email,Phone,First Name,Last Name,Country,Zip\n"
    assert (rendered.rows, rendered.rejects.height) == (0, 0)
