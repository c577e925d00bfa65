"""What the people of the demo world buy, and when: the assumptions of the buy-till-you-die models, with known parameters.

Belongs here: behaviour and the purchases that follow from it. Does not belong here: under which shop account a purchase
is made (see records), and how it is written into files (see landing).

BG/NBD (Fader, Hardie and Lee 2005): a customer buys at a rate of her own until, after some repeat purchase, she stops for
good. Here rates follow a gamma distribution with r = 1 and alpha = RATE_ALPHA weeks, the probabilities to stop a beta
distribution with a = 1 and b = DROPOUT_B: the shapes whose inverse is a closed form. Spend is independent of both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from personalization_pipeline.demo import words
from personalization_pipeline.demo.chance import Chance
from personalization_pipeline.demo.people import Person

OPENED_AT = datetime(2024, 7, 1)
CLOSED_AT = datetime(2026, 7, 1)  # nothing later has been landed; two hours before the pinned as_of
RATE_ALPHA = 13.0
DROPOUT_B = 4.0
HOURS = tuple(zip(range(5, 23), (1, 2, 3, 4, 4, 4, 4, 5, 4, 4, 4, 5, 6, 8, 9, 8, 6, 3), strict=True))
PAYMENTS = (("card", 0.42), ("wallet", 0.30), ("invoice", 0.20), ("direct_debit", 0.08))
CANCELLED_SHARE = 0.02  # of orders, whole, within hours
REFUNDED_SHARE = 0.03  # of lines, within weeks
CATEGORIES = tuple(sorted({product.category for product in words.products()}))


@dataclass(frozen=True)
class Behaviour:
    """How one customer buys."""

    purchase_rate: float  # orders per week while alive
    dropout_probability: float  # after each repeat order
    spend_level: float  # 1 is typical
    promo_share: float  # of her orders that use a promotion
    favourite_category: str
    payment: str


@dataclass(frozen=True)
class Line:
    """One booked line, money in cents; a refund or cancellation is a negative line of its own, booked later."""

    line_number: int
    booked_at: datetime
    product: words.Product
    quantity: int
    total_cents: int  # after the discount
    discount_cents: int
    status: str  # paid, cancelled, refunded


@dataclass(frozen=True)
class Purchase:
    """One order of one person."""

    created_at: datetime
    payment: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class History:
    """All that one customer did until CLOSED_AT; is_alive: she has not stopped for good."""

    behaviour: Behaviour
    purchases: tuple[Purchase, ...]
    is_alive: bool


def histories(people: Sequence[Person], seed: int) -> dict[str, History]:
    """The history of every customer among the people, by person_id, in the order of people."""
    chance = Chance(seed, "orders")
    return {person.person_id: _history(chance) for person in people if person.member.is_customer}


def _history(chance: Chance) -> History:
    behaviour = Behaviour(
        purchase_rate=chance.exponential(1 / RATE_ALPHA),
        dropout_probability=chance.beta_one(DROPOUT_B),
        spend_level=math.exp(0.45 * chance.normal()),
        promo_share=chance.beta_one(2.5),
        favourite_category=chance.pick(CATEGORIES),
        payment=chance.pick_weighted(PAYMENTS),
    )
    moments, is_alive = _moments(behaviour, chance)
    return History(behaviour, tuple(_purchase(moment, behaviour, chance) for moment in moments), is_alive)


def _moments(behaviour: Behaviour, chance: Chance) -> tuple[list[datetime], bool]:
    """The times of the orders, ascending, and whether more would come; the day is the model's, the hour is the shop's."""
    span = (CLOSED_AT - OPENED_AT).days
    day = chance.uniform() * span
    days, is_alive = [int(day)], True
    while is_alive:
        day += chance.exponential(7 / behaviour.purchase_rate)
        if day >= span:
            break
        days.append(int(day))
        is_alive = not chance.happens(behaviour.dropout_probability)
    moments = [
        OPENED_AT
        + timedelta(
            days=day, hours=chance.pick_weighted(HOURS), minutes=chance.between(0, 59), seconds=chance.between(0, 59)
        )
        for day in days
    ]
    return sorted(moments), is_alive


def _purchase(created_at: datetime, behaviour: Behaviour, chance: Chance) -> Purchase:
    size = 1 + sum(chance.happens(share) for share in (0.45, 0.3, 0.15))
    basket: list[words.Product] = []
    while len(basket) < size:
        product = chance.pick_weighted([(product, _appeal(product, behaviour)) for product in words.products()])
        if product not in basket:
            basket.append(product)
    discount = chance.pick((10, 15, 20)) if chance.happens(behaviour.promo_share) else 0
    lines = [_line(number, created_at, product, discount, chance) for number, product in enumerate(basket, 1)]
    lines += _taken_back(lines, chance)
    payment = behaviour.payment if chance.happens(0.85) else chance.pick_weighted(PAYMENTS)
    return Purchase(created_at, payment, tuple(line for line in lines if line.booked_at < CLOSED_AT))


def _appeal(product: words.Product, behaviour: Behaviour) -> float:
    """Four times as much in the favourite category, and falling with the distance from the price that she is used to."""
    distance = abs(math.log(product.price_cents / (1400 * behaviour.spend_level)))
    return (4 if product.category == behaviour.favourite_category else 1) * math.exp(-1.5 * distance)


def _line(number: int, booked_at: datetime, product: words.Product, discount: int, chance: Chance) -> Line:
    quantity = chance.pick_weighted(((1, 0.78), (2, 0.17), (3, 0.05)))
    full = product.price_cents * quantity
    discount_cents = (full * discount + 50) // 100
    return Line(number, booked_at, product, quantity, full - discount_cents, discount_cents, "paid")


def _taken_back(lines: Sequence[Line], chance: Chance) -> list[Line]:
    """The lines that undo others: all of a cancelled order, or single ones refunded."""
    if chance.happens(CANCELLED_SHARE):
        after = timedelta(minutes=chance.between(10, 300))
        return [_undo(line, len(lines) + line.line_number, after, "cancelled") for line in lines]
    refunded = [line for line in lines if chance.happens(REFUNDED_SHARE)]
    after = timedelta(days=chance.between(3, 20), minutes=chance.between(0, 600))
    return [_undo(line, len(lines) + place, after, "refunded") for place, line in enumerate(refunded, 1)]


def _undo(line: Line, number: int, after: timedelta, status: str) -> Line:
    return replace(
        line,
        line_number=number,
        booked_at=line.booked_at + after,
        quantity=-line.quantity,
        total_cents=-line.total_cents,
        discount_cents=-line.discount_cents,
        status=status,
    )
