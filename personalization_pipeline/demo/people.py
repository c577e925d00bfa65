"""The true people of the demo world: members of households who have an address, numbers and mailboxes.

Belongs here: who exists and how they can be reached. Does not belong here: who lives with whom (see households), how
systems saw them (see records), what they buy (see orders).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from personalization_pipeline.demo.chance import Chance
from personalization_pipeline.demo.contact_points import Address, ContactPoints
from personalization_pipeline.demo.households import Household, Member, groups

LANDLINE_SHARE = 0.55  # of households
MOVED_SHARE = 0.12  # of households: some system still has the address before
SHARED_MAILBOX_SHARE = 0.08  # of households of two or more


@dataclass(frozen=True)
class Person:
    """One true person. Numbers are E.164; '' or None where there is nothing."""

    person_id: str
    household_id: str
    member: Member
    mobile: str
    landline: str  # shared by the household
    email: str
    other_email: str  # an older one, or one for shopping; in some households one mailbox of all
    address: Address
    former_address: Address | None
    lookalike_id: str  # the person that this one is easily taken for


def people(count: int, seed: int) -> tuple[Person, ...]:
    """`count` true people, household after household, the planted ones first."""
    chance, points = Chance(seed, "people"), ContactPoints(seed)
    found: list[Person] = []
    household_count = 0
    for group in groups(count, seed):
        town = None
        newcomers: list[Person] = []
        for household in group:
            household_count += 1
            home = points.address(household[0].country, town)
            town = home.town
            first_number = len(found) + len(newcomers) + 1
            newcomers += _settle(household, f"h{household_count:05d}", first_number, home, chance, points)
        found += _introduce(newcomers)
    return tuple(found)


def _settle(
    household: Household, household_id: str, first_number: int, home: Address, chance: Chance, points: ContactPoints
) -> list[Person]:
    landline = points.landline(home) if chance.happens(LANDLINE_SHARE) else ""
    former = points.address(home.country) if chance.happens(MOVED_SHARE) else None
    shared = _mailbox(household[0], points) if len(household) > 1 and chance.happens(SHARED_MAILBOX_SHARE) else ""
    return [
        Person(
            person_id=f"t{number:05d}",
            household_id=household_id,
            member=member,
            mobile=points.mobile(home.country),
            landline=landline,
            email=_mailbox(member, points),
            other_email=shared or _mailbox(member, points),
            address=home,
            former_address=former,
            lookalike_id="",
        )
        for number, member in enumerate(household, first_number)
    ]


def _mailbox(member: Member, points: ContactPoints) -> str:
    return points.mailbox(member.first_name.name, member.last_name, member.birth_on.year)


def _introduce(newcomers: list[Person]) -> list[Person]:
    """Tell the two look-alikes of a group, if it has them, who the other is."""
    alike = [person.person_id for person in newcomers if person.member.lookalike_kind]
    other = dict(zip(alike, reversed(alike), strict=True))
    return [replace(person, lookalike_id=other.get(person.person_id, "")) for person in newcomers]
