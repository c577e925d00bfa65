"""Contact points: valid in form, each once, and nobody real behind them."""

from __future__ import annotations

import numpy as np
import phonenumbers
import polars as pl
import pytest
from phonenumbers import PhoneNumberType, carrier

from personalization_pipeline.demo.chance import Draws
from personalization_pipeline.demo.contact_points import addresses, mail_word, mailbox_names, mobiles
from personalization_pipeline.foundation.warehouse import Connection, query

RESERVED = ("example.com", "example.org", "example.net")


@pytest.mark.parametrize("country", ["GB", "DE", "FR"])
def test_mobiles_are_valid_distinct_and_of_no_carrier(country: str) -> None:
    numbers = mobiles(np.arange(1, 301), pl.Series([country] * 300)).to_list()
    read = [phonenumbers.parse(number) for number in numbers]
    assert len(set(numbers)) == 300
    assert {phonenumbers.region_code_for_number(number) for number in read} == {country}
    assert {phonenumbers.number_type(number) for number in read} == {PhoneNumberType.MOBILE}
    assert {carrier.name_for_number(number, "en") for number in read} == {""}


def test_a_street_of_a_town_has_one_postal_code() -> None:
    draws = Draws(5, np.arange(2000))
    homes = addresses(draws, draws, np.array(["GB", "DE"] * 1000))
    codes = homes.group_by("city", "street").agg(pl.col("postal_code").n_unique())
    assert codes["postal_code"].max() == 1


def test_landlines_are_valid_belong_to_one_household_and_end_with_their_block(made_world: Connection) -> None:
    rows = query(
        made_world,
        "SELECT landline, count(DISTINCT household_n) FROM people WHERE landline <> '' GROUP BY landline ORDER BY landline",
    )
    assert len(rows) > 500
    assert {count for _, count in rows} == {1}
    kinds = {phonenumbers.number_type(phonenumbers.parse(number)) for number, _ in rows}
    assert kinds == {PhoneNumberType.FIXED_LINE}


def test_mailboxes_lie_in_reserved_domains_and_belong_to_one_household(made_world: Connection) -> None:
    rows = query(
        made_world,
        "SELECT mailbox, count(DISTINCT household_n), count(DISTINCT person_n) FROM "
        "(SELECT email AS mailbox, household_n, person_n FROM people UNION ALL SELECT other_email, household_n, person_n FROM people) "
        "GROUP BY mailbox",
    )
    domains = {mailbox.split("@")[1] for mailbox, *_ in rows}
    assert all(domain in RESERVED or domain.endswith(".example") for domain in domains)
    assert {count for _, count, _ in rows} == {1}
    assert any(people > 1 for *_, people in rows)  # families that share one
    assert any("_2@" in mailbox for mailbox, *_ in rows)  # namesakes: the second gets a number


def test_a_mailbox_follows_its_habit() -> None:
    habits = pl.Series(["first.last", "flastyy", "last.first"])
    same = [pl.Series([text] * 3) for text in ("Zoé", "Müller")]
    assert mailbox_names(*same, pl.Series([1980, 2005, 1980]), habits).to_list() == [
        "zoe.mueller",
        "zmueller05",
        "mueller.zoe",
    ]


def test_a_name_in_a_mailbox_is_small_ascii_letters() -> None:
    assert [mail_word(name) for name in ("Müller", "Çelik", "Da Silva")] == ["mueller", "celik", "dasilva"]
