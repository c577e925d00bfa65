"""Mistakes: small enough that the true value can still be seen behind them."""

from __future__ import annotations

from datetime import date

import jellyfish
import numpy as np
import phonenumbers
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalization_pipeline.demo import mistakes
from personalization_pipeline.demo.chance import Luck
from personalization_pipeline.demo.contact_points import mobiles

lucks = st.integers(0, 2**64 - 1).map(Luck)
styles = ("national", "spaced", "international", "zeros", "e164")


@settings(deadline=None)
@given(lucks, st.sampled_from(["Kelley", "Martina", "Çelik", "Guérin", "Weiß", "Aaaa"]))
def test_a_typo_is_one_slip_that_leaves_the_first_letter(luck: Luck, name: str) -> None:
    written = mistakes.typo(name, luck)
    assert jellyfish.damerau_levenshtein_distance(name, written) <= 1
    assert written[0] == name[0]


def test_a_typo_of_a_short_name_is_no_typo() -> None:
    assert mistakes.typo("Lee", Luck(1)) == "Lee"


def test_most_typos_change_the_name() -> None:
    assert all(mistakes.typo("Martina", Luck(bits)) != "Martina" for bits in range(200))


@settings(deadline=None)
@given(lucks)
def test_a_wrong_digit_is_one_slip_of_equal_length(luck: Luck) -> None:
    written = mistakes.wrong_digit("+447201234567", luck)
    assert jellyfish.damerau_levenshtein_distance(written, "+447201234567") == 1
    assert len(written) == 13


@settings(deadline=None)
@given(st.integers(1, 10**6), st.sampled_from(["GB", "DE", "FR"]), st.sampled_from(styles))
def test_a_number_reads_the_same_in_every_style(n: int, country: str, style: str) -> None:
    number = mobiles(np.array([n]), pl.Series([country]))[0]
    read = phonenumbers.parse(mistakes.phone_as_written(number, country, style), country)
    assert phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164) == number


@pytest.mark.parametrize(
    ("true", "written"),
    [
        (date(1984, 3, 9), date(1984, 9, 3)),
        (date(1984, 3, 19), date(1984, 3, 19)),
        (date(1984, 3, 3), date(1984, 3, 3)),
    ],
)
def test_day_and_month_are_swapped_where_that_is_a_date(true: date, written: date) -> None:
    assert mistakes.day_for_month(true) == written


@given(st.integers(0, 2**64 - 1))
def test_names_without_accents_are_ascii_and_follow_one_of_two_habits(bits: int) -> None:
    assert mistakes.without_accents("Müller", Luck(bits)) in ("Mueller", "Muller")
    assert mistakes.without_accents("Zoé Çelik", Luck(bits)) == "Zoe Celik"


@pytest.mark.parametrize(
    ("street", "country", "written"),
    [
        ("High Street", "GB", {"High St"}),
        ("Goethestraße", "DE", {"Goethestr.", "Goethestrasse"}),
        ("rue Lamartine", "FR", {"r. Lamartine"}),
        ("Am Sportplatz", "DE", {"Am Sportplatz"}),
    ],
)
def test_streets_are_abbreviated_as_the_country_does(street: str, country: str, written: set[str]) -> None:
    assert {mistakes.street_as_written(street, country, Luck(bits)) for bits in range(20)} == written


@given(lucks)
def test_a_slip_in_a_mailbox_leaves_its_domain(luck: Luck) -> None:
    written = mistakes.email_typo("martina.kelley@mail.example", luck)
    assert written.endswith("@mail.example")
    assert jellyfish.damerau_levenshtein_distance(written, "martina.kelley@mail.example") <= 1
