"""How two systems saw the people of the demo world: shop accounts and CRM entries, each with its share of mistakes.

Belongs here: which records exist, and what of the truth is in each. Does not belong here: the form of the files (see
landing). The rates below are the dials of the puzzle; `hardness` measures what they come to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from personalization_pipeline.demo import mistakes
from personalization_pipeline.demo.chance import Chance
from personalization_pipeline.demo.contact_points import DIALLING_CODES
from personalization_pipeline.demo.orders import History
from personalization_pipeline.demo.people import Person

SHOP, CRM = "web_orders", "crm_customers"
SECOND_ACCOUNT_SHARE = 0.22  # of customers with two orders or more
CRM_DUPLICATE_SHARE = 0.09  # of the people in the CRM
NAME_TYPO_SHARE, PHONE_TYPO_SHARE, EMAIL_TYPO_SHARE = 0.07, 0.05, 0.02
SHORT_FORM_SHARE, INITIAL_SHARE, NO_ACCENTS_SHARE, SWAPPED_SHARE = 0.12, 0.04, 0.25, 0.012
BIRTH_DATES = (("right", 0.83), ("none", 0.14), ("placeholder", 0.015), ("swapped", 0.015))
NO_EMAIL, NO_PHONE, NO_BIRTHDAY = "noemail@example.com", "+{code}000000000", date(1900, 1, 1)  # typed to fill a field
# A record beyond the first that would share nothing but the name with it nearly always keeps its address.
KEEPS_SOMETHING_SHARE = 0.85

Weights = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Habits:
    """How often a kind of record holds which of a person's contact points."""

    email: Weights
    phone: Weights
    address: Weights


FIRST_ACCOUNT = Habits(
    email=(("main", 0.86), ("other", 0.14)),
    phone=(("mobile", 0.82), ("landline", 0.08), ("none", 0.10)),
    address=(("current", 0.7), ("former", 0.3)),
)
SECOND_ACCOUNT = Habits(
    email=(("unused", 1.0),),
    phone=(("mobile", 0.76), ("landline", 0.09), ("none", 0.15)),
    address=(("current", 0.8), ("former", 0.2)),
)
CRM_ENTRY = Habits(
    email=(("main", 0.68), ("other", 0.16), ("none", 0.152), ("placeholder", 0.008)),
    phone=(("mobile", 0.75), ("landline", 0.09), ("none", 0.152), ("placeholder", 0.008)),
    address=(("current", 0.55), ("former", 0.38), ("none", 0.07)),
)


@dataclass(frozen=True)
class Record:
    """One person in one system. '' or None where the system knows nothing; the phone is E.164 however it is written."""

    source: str
    record_id: str
    person_id: str
    household_id: str
    first_name: str
    last_name: str
    email: str
    phone: str
    street: str
    postal_code: str
    city: str
    country: str
    birth_on: date | None
    mistakes: tuple[str, ...]  # what differs from the truth beyond a missing value
    first_purchase: int  # the shop account is used from this purchase of the person on

    @property
    def record_key(self) -> str:
        """The key that the pipeline will give it."""
        return f"{self.source}:{self.record_id}"


@dataclass(frozen=True)
class _Held:
    """Which contact points a record holds."""

    email: str
    phone: str
    address: str


def records(people: Sequence[Person], histories: Mapping[str, History], seed: int) -> tuple[Record, ...]:
    """All records of all people, person after person: accounts of customers who bought, entries of people in the CRM."""
    clerk = _Clerk(seed)
    found: list[Record] = []
    for person in people:
        history = histories.get(person.person_id)
        found += clerk.file(person, len(history.purchases) if history else 0)
    return tuple(found)


class _Clerk:
    """Writes records down and numbers them so that no number tells who came next to whom."""

    def __init__(self, seed: int) -> None:
        self._chance = Chance(seed, "records")
        self._count = 0

    def file(self, person: Person, purchases: int) -> list[Record]:
        """The records of one person; the first one holds the most."""
        chance, found, first = self._chance, list[Record](), None
        plain = bool(person.member.persona)
        if purchases:
            first = self._held(person, FIRST_ACCOUNT, None)
            found.append(self._record(person, SHOP, first, 0))
            if purchases > 1 and not plain and chance.happens(SECOND_ACCOUNT_SHARE):
                second = self._held(person, SECOND_ACCOUNT, first)
                found.append(self._record(person, SHOP, second, chance.between(1, purchases - 1)))
        if person.member.is_in_crm:
            for _ in range(2 if not plain and chance.happens(CRM_DUPLICATE_SHARE) else 1):
                held = self._held(person, CRM_ENTRY, first)
                first = first or held
                found.append(self._record(person, CRM, held, 0))
        return found

    def _held(self, person: Person, habits: Habits, first: _Held | None) -> _Held:
        if person.member.persona:
            return _Held("other" if first else "main", "mobile", "current")
        pick = self._chance.pick_weighted
        email, phone, address = pick(habits.email), pick(habits.phone), pick(habits.address)
        if email == "unused":
            email = "other" if first and first.email == "main" else "main"
        if person.member.lookalike_kind or (phone == "landline" and not person.landline):
            phone = "mobile"  # who is often taken for another takes care to give a number of her own
        if address == "former" and person.former_address is None:
            address = "current"
        if first is None:
            return _Held(email, phone, address)
        shared = {"main", "other", "mobile", "landline", "current", "former"}
        agrees = any(
            mine == theirs and mine in shared
            for mine, theirs in ((email, first.email), (phone, first.phone), (address, first.address))
        )
        if not agrees and self._chance.happens(KEEPS_SOMETHING_SHARE):
            address = first.address
        return _Held(email, phone, address)

    def _record(self, person: Person, source: str, held: _Held, first_purchase: int) -> Record:
        chance, plain = self._chance, bool(person.member.persona)
        first_name, last_name, slips = self._names(person, source)
        email = {"main": person.email, "other": person.other_email, "placeholder": NO_EMAIL}.get(held.email, "")
        if email and not plain and chance.happens(EMAIL_TYPO_SHARE):
            local, domain = email.split("@")
            email = f"{mistakes.typo(local, chance)}@{domain}"
            slips.append("email_typo")
        nobody = NO_PHONE.format(code=DIALLING_CODES[person.member.country])
        phone = {"mobile": person.mobile, "landline": person.landline, "placeholder": nobody}.get(held.phone, "")
        if held.phone in ("mobile", "landline") and not plain and chance.happens(PHONE_TYPO_SHARE):
            phone = mistakes.wrong_digit(phone, chance)
            slips.append("phone_typo")
        address = {"current": person.address, "former": person.former_address}.get(held.address)
        birth_on = self._birth_on(person, slips) if source == CRM else None
        self._count += 1
        number = 100_000 + self._count * 654_323 % 900_000  # without a common factor: each once, in no visible order
        return Record(
            source=source,
            record_id=f"C{number}" if source == SHOP else str(number),
            person_id=person.person_id,
            household_id=person.household_id,
            first_name=first_name,
            last_name=last_name,
            email=email,
            phone=phone,
            street=mistakes.street_line(address, chance) if address else "",
            postal_code=address.postal_code if address else "",
            city=address.town.name if address else "",
            country=person.member.country,
            birth_on=birth_on,
            mistakes=tuple(slips),
            first_purchase=first_purchase,
        )

    def _names(self, person: Person, source: str) -> tuple[str, str, list[str]]:
        """First and last name as written, and the mistakes in them."""
        chance, member = self._chance, person.member
        first, last, slips = member.first_name.name, member.last_name, list[str]()
        if source == SHOP and (member.signs_with_initial or chance.happens(INITIAL_SHARE)):
            first = f"{first[0]}."
            slips.append("initial")
        elif member.first_name.short_forms and chance.happens(SHORT_FORM_SHARE):
            first = chance.pick(member.first_name.short_forms)
            slips.append("short_form")
        if member.persona:
            return first, last, slips
        if member.former_last_name and chance.happens(0.5):
            last = member.former_last_name
            slips.append("former_name")
        if not f"{first}{last}".isascii() and chance.happens(NO_ACCENTS_SHARE):
            first, last = mistakes.without_accents(first, chance), mistakes.without_accents(last, chance)
            slips.append("accents")
        if chance.happens(NAME_TYPO_SHARE):
            written = (first, last)
            if chance.happens(0.4):
                first = mistakes.typo(first, chance)
            else:
                last = mistakes.typo(last, chance)
            slips += ["name_typo"] if (first, last) != written else []
        if chance.happens(SWAPPED_SHARE):
            first, last = last, first
            slips.append("names_swapped")
        return first, last, slips

    def _birth_on(self, person: Person, slips: list[str]) -> date | None:
        kind = "right" if person.member.persona else self._chance.pick_weighted(BIRTH_DATES)
        true = person.member.birth_on
        written = {"right": true, "placeholder": NO_BIRTHDAY, "swapped": mistakes.day_for_month(true)}.get(kind)
        if written is not None and written != true:
            slips.append(f"birth_date_{kind}")
        return written
