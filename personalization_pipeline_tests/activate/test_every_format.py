"""The contract of a destination format, for each one that is found: a new file is tested the moment it exists."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalization_pipeline.activate.formats import Format, format_for, format_names, load_format
from personalization_pipeline.activate.render import render
from personalization_pipeline.foundation.declarations import Destination
from personalization_pipeline_tests.activate.rendering import MEMBER, members, read_back, spreadsheet

HASH_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

NASTY: list[dict[str, str | None]] = [
    {"person_id": "p01", "external_id": "x1", "email": "", "phone": "", "first_name": "", "last_name": " "},
    {
        "person_id": "p02",
        "external_id": "x2",
        "email": "  ANNA.M+x@GMail.com ",
        "phone": "0171 2345678",
        "country": "de",
    },
    {"person_id": "p03", "external_id": "x2", "email": "annam@gmail.com"},
    {"person_id": "p04", "external_id": 'a"b,c;d\te|f\ng', "email": "quotes@example.com", "first_name": 'An "A", Jr.'},
    {
        "person_id": "p05",
        "first_name": "line\nbreak",
        "last_name": "carriage\rreturn",
        "postal_code": "1",
        "country": "??",
    },
    {"person_id": "p06", "external_id": "=1+1", "first_name": "=cmd", "last_name": "@x", "email": "=1@example.com"},
    {"person_id": "p07", "email": "a" * 64, "phone": "e3b0c442" * 8, "first_name": HASH_OF_NOTHING},
    {
        "person_id": "p08",
        "external_id": "東京",
        "first_name": "정",
        "last_name": "İı",
        "postal_code": "1",
        "country": "KR",
    },
    {"person_id": "p09", "external_id": "'0171", "phone": "+A BCD EFG", "email": "@googlemail.com"},
    {"person_id": "p10", "first_name": "Zoë", "last_name": "Pérez", "postal_code": "WC2H 8LG", "country": "GB"},
    {"person_id": "p11", "first_name": "Zoe\u0308", "last_name": "Pérez", "postal_code": "WC2H 8LG", "country": "GB"},
    {"person_id": "p12"},
]


def all_formats() -> list[Format]:
    everything = Destination.model_validate(
        {
            "description": "every field that may be chosen",
            "format": "generic_csv",
            "addresses": ["email", "phone", "record"],
            "consents": [{"purpose": "marketing", "channel": "any"}],
            "columns": {f"our {field}": field for field in MEMBER},
        }
    )
    return [*map(load_format, format_names()), format_for(everything, Path("all.yaml")), spreadsheet()]


@pytest.fixture(params=all_formats(), ids=lambda format: f"{format.name}-{len(format.columns)}")
def format(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found


def test_a_receiver_reads_the_header_and_as_many_rows_as_were_rendered(format: Format) -> None:
    rendered = render(format, members(*NASTY))
    header, *rows = read_back(format, rendered)
    assert header == [column.header for column in format.columns]
    assert len(rows) == rendered.rows > 0
    assert all(len(row) == len(header) for row in rows)


def test_the_rows_are_sorted_and_none_stands_twice(format: Format) -> None:
    rows = read_back(format, render(format, members(*NASTY)))[1:]
    assert rows == sorted(rows)
    assert len({tuple(row) for row in rows}) == len(rows)


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(len(NASTY))))
def test_the_order_of_the_members_does_not_matter(order: list[int]) -> None:
    for each in all_formats():
        one, other = render(each, members(*NASTY)), render(each, members(*(NASTY[i] for i in order)))
        assert one.content == other.content
        assert one.rejects.equals(other.rejects)


def test_nothing_is_never_hashed_and_a_hash_is_never_hashed_twice(format: Format) -> None:
    header, *rows = read_back(format, render(format, members(*NASTY)))
    hashed = {column.header for column in format.columns if column.hash}
    cells = [cell for row in rows for name, cell in zip(header, row, strict=True) if name in hashed and cell]
    assert HASH_OF_NOTHING not in cells
    assert all(len(cell) == 64 and set(cell) <= set("0123456789abcdef") for cell in cells)


def test_no_value_that_must_be_hashed_stands_in_plain_text(format: Format) -> None:
    content = render(format, members(*NASTY)).content.decode(format.encoding).lower()
    hashed = {column.field for column in format.columns if column.hash}
    values = [row.get(field) or "" for row in NASTY for field in hashed]
    assert not [value for value in values if len(value.strip()) > 3 and value.strip().lower() in content]


def test_every_row_is_identified_and_an_address_stands_once(format: Format) -> None:
    rows = read_back(format, render(format, members(*NASTY)))[1:]
    fields = [column.field for column in format.columns]
    for group in format.dedupe:
        found = [tuple(row[fields.index(field)] for field in group) for row in rows]
        whole = [address for address in found if all(address)]
        assert len(set(whole)) == len(whole)
    assert all(any(all(row[fields.index(f)] for f in group) for group in format.identity) for row in rows)


def test_every_member_is_in_the_file_or_rejected_once(format: Format) -> None:
    """Each alone, so that nobody is a duplicate: a row, or a reason."""
    for row in NASTY:
        rendered = render(format, members(row))
        assert rendered.rows + rendered.rejects.height == 1


def test_a_format_says_for_what_people_must_have_consented_or_leaves_it_to_every_destination(format: Format) -> None:
    assert format.consents or format.choices
