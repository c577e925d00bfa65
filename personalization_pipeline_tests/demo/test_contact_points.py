"""Contact points: valid in form, each once, and nobody real behind them."""

from __future__ import annotations

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType, carrier

from personalization_pipeline.demo import words
from personalization_pipeline.demo.contact_points import ContactPoints, mail_word
from personalization_pipeline.demo.world import World


@pytest.mark.parametrize("country", ["GB", "DE", "FR"])
def test_mobiles_are_valid_distinct_and_of_no_carrier(country: str) -> None:
    points = ContactPoints(seed=5)
    numbers = [points.mobile(country) for _ in range(300)]
    read = [phonenumbers.parse(number) for number in numbers]
    assert len(set(numbers)) == 300
    assert {phonenumbers.region_code_for_number(number) for number in read} == {country}
    assert {phonenumbers.number_type(number) for number in read} == {PhoneNumberType.MOBILE}
    assert {carrier.name_for_number(number, "en") for number in read} == {""}


@pytest.mark.parametrize("country", ["GB", "DE", "FR"])
def test_landlines_of_every_town_are_valid(country: str) -> None:
    points = ContactPoints(seed=5)
    for town in words.towns(country):
        number = phonenumbers.parse(points.landline(points.address(country, town)))
        assert phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE, town.name


def test_a_town_whose_numbers_are_used_up_gets_no_more_landlines() -> None:
    points = ContactPoints(seed=5)
    home = points.address("GB", words.towns("GB")[0])
    numbers = [points.landline(home) for _ in range(1001)]
    assert len(set(numbers[:1000])) == 1000
    assert numbers[1000] == ""


def test_mailboxes_are_distinct_and_lie_in_reserved_domains() -> None:
    points = ContactPoints(seed=5)
    mailboxes = [points.mailbox("Zoé", "Müller", 1980) for _ in range(200)]
    assert len(set(mailboxes)) == 200
    reserved = ("example.com", "example.org", "example.net")
    domains = {mailbox.split("@")[1] for mailbox in mailboxes}
    assert all(domain in reserved or domain.endswith(".example") for domain in domains)


def test_a_name_in_a_mailbox_is_small_ascii_letters() -> None:
    assert [mail_word(name) for name in ("Müller", "Çelik", "Da Silva", "Le Gall")] == [
        "mueller",
        "celik",
        "dasilva",
        "legall",
    ]


def test_no_mailbox_or_mobile_belongs_to_two_households(world: World) -> None:
    households: dict[str, set[str]] = {}
    for person in world.people:
        for value in (person.mobile, person.email, person.other_email):
            households.setdefault(value, set()).add(person.household_id)
    assert all(len(ids) == 1 for ids in households.values())
