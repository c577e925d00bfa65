"""Where people of the demo world can be reached: addresses, telephone numbers, mailboxes; each handed out once.

Belongs here: the shape of an address, a number and a mailbox. Does not belong here: who has which (see people).
Nobody real is reached by any of them: mail domains are reserved (RFC 2606, RFC 6761), landlines lie in the blocks that
Ofcom, the Bundesnetzagentur and ARCEP keep for fiction, and mobiles in blocks that no carrier had been given when
phonenumbers 9.0.43 was made. The blocks for fictitious mobiles (GB 07700 900xxx, FR 06 39 98) are not used: checkers of
numbers call them invalid.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from anyascii import anyascii

from personalization_pipeline.demo import words
from personalization_pipeline.demo.chance import Chance

DIALLING_CODES = {"GB": "44", "DE": "49", "FR": "33"}
LENGTHS = {"GB": 11, "DE": 11, "FR": 10}  # of a landline in national format
MOBILE_BLOCKS = {"GB": ("0720", 7), "DE": ("01581", 7), "FR": ("0799", 6)}  # beginning, further digits
MAIL_DOMAINS = (
    ("example.com", 0.30),
    ("mail.example", 0.20),
    ("example.org", 0.14),
    ("post.example", 0.12),
    ("example.net", 0.10),
    ("inbox.example", 0.08),
    ("web.example", 0.06),
)
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


@dataclass(frozen=True)
class Address:
    """A place to live: the street without its number, and the town."""

    street: str
    house_number: int
    postal_code: str
    town: words.Town
    country: str


def international(national: str, country: str) -> str:
    """A national number with its trunk zero as E.164."""
    return f"+{DIALLING_CODES[country]}{national[1:]}"


class ContactPoints:
    """Hands out addresses, numbers and mailboxes of one world; no number and no mailbox twice."""

    def __init__(self, seed: int) -> None:
        self._chance = Chance(seed, "contact points")
        self._numbers: defaultdict[str, set[str]] = defaultdict(set)  # given so far, by block
        self._mailboxes: set[str] = set()

    def address(self, country: str, town: words.Town | None = None) -> Address:
        """A home in the country, in the given town or a common one; a street of a town has one postal code."""
        streets = words.streets(country)
        place = town or self._chance.pick_common(words.towns(country))
        street = self._chance.pick_common(streets)
        number = streets.index(street)
        letters = "ABDEFGHJLNPQRSTUWXYZ"
        ending = {
            "GB": f" {number % 9 + 1}{letters[number * 7 % 20]}{letters[number * 3 % 20]}",
            "DE": f"{number * 7 % 100:02d}",
            "FR": f"{number * 3 % 100:02d}",
        }[country]
        return Address(street, self._chance.between(1, 120), place.postal_code_stem + ending, place, country)

    def mobile(self, country: str) -> str:
        """A mobile number of the country as E.164."""
        block, digits = MOBILE_BLOCKS[country]
        return international(self._number(block, digits), country)

    def landline(self, home: Address) -> str:
        """A landline near the home as E.164, or '' when the block of its town is used up."""
        block = home.town.landline_block
        digits = LENGTHS[home.country] - len(block)
        if len(self._numbers[block]) == 10**digits:
            return ""
        return international(self._number(block, digits), home.country)

    def mailbox(self, first_name: str, last_name: str, born: int) -> str:
        """A mailbox by one of the habits of people; a taken one gets a number, as mail services do."""
        first, last, year = mail_word(first_name), mail_word(last_name), f"{born % 100:02d}"
        habits = (
            (f"{first}.{last}", 0.28),
            (f"{first}.{last}{year}", 0.18),
            (f"{first[0]}{last}{year}", 0.16),
            (f"{first}{year}", 0.12),
            (f"{last}.{first}", 0.10),
            (f"{first}{last}", 0.08),
            (f"{first[0]}.{last}", 0.08),
        )
        local = self._chance.pick_weighted(habits)
        domain = self._chance.pick_weighted(MAIL_DOMAINS)
        mailbox, number = f"{local}@{domain}", 1
        while mailbox in self._mailboxes:
            number += 1
            mailbox = f"{local}{number}@{domain}"
        self._mailboxes.add(mailbox)
        return mailbox

    def _number(self, block: str, digits: int) -> str:
        """A number of the block that nobody has, in national format. Drawn, not counted: no two are alike by design."""
        taken = self._numbers[block]
        while (number := f"{block}{self._chance.between(0, 10**digits - 1):0{digits}d}") in taken:
            pass
        taken.add(number)
        return number


def mail_word(name: str) -> str:
    """A name as it stands in a mailbox: small ASCII letters only."""
    return re.sub("[^a-z]", "", anyascii(name.translate(UMLAUTS)).lower())
