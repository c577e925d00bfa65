"""Mistakes: small enough that the true value can still be seen behind them."""

from __future__ import annotations

from datetime import date

import jellyfish
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalization_pipeline.demo import mistakes
from personalization_pipeline.demo.chance import Chance
from personalization_pipeline.demo.contact_points import ContactPoints

seeds = st.integers(0, 10_000)
styles = ("national", "spaced", "international", "zeros", "e164")


@settings(deadline=None)
@given(seeds, st.sampled_from(["Kelley", "Martina", "Çelik", "Guérin", "Weiß", "Aaaa"]))
def test_a_typo_is_one_slip_that_leaves_the_first_letter(seed: int, name: str) -> None:
    written = mistakes.typo(name, Chance(seed, "typo"))
    assert jellyfish.damerau_levenshtein_distance(name, written) <= 1
    assert written[0] == name[0]


def test_a_typo_of_a_short_name_is_no_typo() -> None:
    assert mistakes.typo("Lee", Chance(1, "typo")) == "Lee"


def test_most_typos_change_the_name() -> None:
    chance = Chance(3, "typo")
    assert sum(mistakes.typo("Martina", chance) != "Martina" for _ in range(200)) == 200


@settings(deadline=None)
@given(seeds)
def test_a_wrong_digit_is_one_slip_of_equal_length(seed: int) -> None:
    written = mistakes.wrong_digit("+447201234567", Chance(seed, "digit"))
    assert jellyfish.damerau_levenshtein_distance(written, "+447201234567") == 1
    assert len(written) == 13


@settings(deadline=None)
@given(seeds, st.sampled_from(["GB", "DE", "FR"]), st.sampled_from(styles))
def test_a_number_reads_the_same_in_every_style(seed: int, country: str, style: str) -> None:
    number = ContactPoints(seed).mobile(country)
    written = mistakes.phone_as_written(number, country, [style], Chance(seed, "style"))
    read = phonenumbers.parse(written, country)
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


@settings(deadline=None)
@given(seeds)
def test_names_without_accents_are_ascii_and_follow_one_of_two_habits(seed: int) -> None:
    assert mistakes.without_accents("Müller", Chance(seed, "accents")) in ("Mueller", "Muller")
    assert mistakes.without_accents("Zoé Çelik", Chance(seed, "accents")) == "Zoe Celik"


@settings(deadline=None, max_examples=60)
@given(seeds, st.sampled_from(["GB", "DE", "FR"]))
def test_a_street_keeps_its_number_and_stands_on_the_countrys_side(seed: int, country: str) -> None:
    address = ContactPoints(seed).address(country)
    line = mistakes.street_line(address, Chance(seed, "street"))
    number = str(address.house_number)
    assert line.endswith(f" {number}") if country == "DE" else line.startswith(number)
