"""The true people of the demo world: members of households who have an address, numbers and mailboxes.

Belongs here: who exists and how they can be reached. Does not belong here: who lives with whom (see households), how
systems saw them (see records), what they buy (see orders).
"""

from __future__ import annotations

from dataclasses import dataclass

from personalization_pipeline.demo.chance import Chance
from personalization_pipeline.demo.contact_points import Address, ContactPoints
from personalization_pipeline.demo.households import Household, Member, groups


@dataclass(frozen=True)
class Person:
    """One true person. Numbers are E.164; '' or None where there is nothing."""

    person_id: str
    household_id: str
    member: Member
    mobile: str
    landline: str  # shared by the household
    email: str
    other_email: str  # an older one, or one for shopping; sometimes shared by the household
    address: Address
    former_address: Address | None
    lookalike_id: str  # the person that this one is easily taken for


def people(count: int, seed: int) -> tuple[Person, ...]:
    """`count` people in order of household. At least 10, so that the planted ones fit."""
    chance, points = Chance(seed, "people"), ContactPoints(seed)
    found: list[Person] = []
    households = 0
    for group in groups(count, seed):
        first_of_group = len(found)
        town = None
        for household in group:
            households += 1
            home = points.address(household[0].country, town)
            town = home.town
            found += _settle(household, f"h{households:05d}", len(found), home, chance, points)
        alike = [person for person in found[first_of_group:] if person.member.lookalike_kind]
        if alike:
            ...
    return tuple(found)
