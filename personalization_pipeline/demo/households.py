"""Who lives together in the demo world, and which people are easily taken for one another.

Belongs here: names, ages, families, look-alikes, planted people. Does not belong here: addresses and numbers (see people).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from personalization_pipeline.demo import words
from personalization_pipeline.demo.chance import Chance

TODAY = date(2026, 7, 1)  # the morning after the last landed day
COUNTRIES = (("GB", 0.40), ("DE", 0.35), ("FR", 0.25))
SHAPES = (("single", 0.58), ("couple", 0.30), ("family", 0.12))
CUSTOMER_SHARE = 0.72  # the others are prospects, known to the CRM only
CRM_SHARE = 0.64  # of the customers
# Every LOOKALIKE_EVERY-th household is a pair that looks like one person; the hardest kind comes once a round.
LOOKALIKE_EVERY = 28
LOOKALIKES = ("siblings", "namesakes", "short_form", "siblings", "namesakes", "siblings", "parent_and_child")


@dataclass(frozen=True)
class Member:
    """One person as a member of a household."""

    country: str
    gender: str  # f or m
    first_name: words.FirstName
    last_name: str
    birth_on: date
    former_last_name: str = ""
    is_customer: bool = True  # buys in the web shop
    is_in_crm: bool = True
    signs_with_initial: bool = False  # 'M. Kelley' in the web shop
    lookalike_kind: str = ""  # one of LOOKALIKES; the pair is in one group
    persona: str = ""  # planted people that tests and documentation call by name


Household = tuple[Member, ...]
Group = tuple[Household, ...]  # households of one town; nearly always one


def groups(count: int, seed: int) -> Iterator[Group]:
    """Households until `count` people are reached exactly: the planted ones, then by chance."""
    chance = Chance(seed, "households")
    left = count
    for planted in _planted():
        left -= sum(map(len, planted))
        yield planted
    turn = 0
    while left > 0:
        turn += 1
        group = _lookalikes(chance, turn // LOOKALIKE_EVERY) if turn % LOOKALIKE_EVERY == 0 else _family(chance)
        if sum(map(len, group)) > left:
            group = ((_member(chance, chance.pick_weighted(COUNTRIES)),),)
        left -= sum(map(len, group))
        yield group


def _planted() -> tuple[Group, ...]:
    """M. Kelley of the shop and Masha Kelley of the CRM: one person in the first home, two sisters in the second."""
    masha, mary = words.FirstName("Masha", ()), words.FirstName("Mary", ())
    alone = Member("GB", "f", masha, "Kelley", date(1984, 3, 9), signs_with_initial=True, persona="kelley_alone")
    sister = Member("GB", "f", masha, "Kelley", date(1991, 11, 2), is_customer=False, persona="kelley_sisters")
    other = replace(sister, first_name=mary, birth_on=date(1993, 5, 27), is_customer=True, signs_with_initial=True)
    pair = tuple(replace(member, lookalike_kind="siblings") for member in (sister, replace(other, is_in_crm=False)))
    return ((alone,),), (pair,)


def _member(chance: Chance, country: str, gender: str = "", last_name: str = "", age: int = 0) -> Member:
    gender = gender or chance.pick(("f", "m"))
    birth_on = TODAY - timedelta(days=365 * (age or chance.between(19, 82)) + chance.between(5, 360))
    is_customer = chance.happens(CUSTOMER_SHARE)
    return Member(
        country,
        gender,
        chance.pick_common(words.first_names(country, gender)),
        last_name or chance.pick_common(words.last_names(country)),
        birth_on,
        is_customer=is_customer,
        is_in_crm=chance.happens(CRM_SHARE) if is_customer else True,
    )


def _family(chance: Chance) -> Group:
    country = chance.pick_weighted(COUNTRIES)
    shape = chance.pick_weighted(SHAPES)
    if shape == "single":
        return ((_member(chance, country),),)
    age = chance.between(46, 72) if shape == "family" else chance.between(22, 78)
    man = _member(chance, country, "m", age=age)
    woman = _member(chance, country, "f", age=max(19, age + chance.between(-6, 4)))
    if chance.happens(0.75):
        woman = replace(
            woman, last_name=man.last_name, former_last_name=woman.last_name if chance.happens(0.12) else ""
        )
    if shape == "couple":
        return ((man, woman),)
    child = _member(chance, country, last_name=man.last_name, age=age - chance.between(25, 27))
    while child.first_name in (man.first_name, woman.first_name):  # namesakes in one home are planted, see _lookalikes
        child = replace(child, first_name=chance.pick_common(words.first_names(country, child.gender)))
    return ((man, woman, child),)


def _lookalikes(chance: Chance, round_number: int) -> Group:
    """Two people of one family name and one home (namesakes: one town) whose first names do not tell them apart well."""
    kind = LOOKALIKES[round_number % len(LOOKALIKES)]
    country = chance.pick_weighted(COUNTRIES)
    one = replace(_member(chance, country, age=chance.between(44, 70)), lookalike_kind=kind)
    years = chance.between(2, 9) if kind == "siblings" else chance.between(23, 25)
    other = replace(
        _member(chance, country, one.gender, one.last_name, (TODAY - one.birth_on).days // 365 - years),
        lookalike_kind=kind,
    )
    names = words.first_names(country, one.gender)
    if kind == "siblings":
        alike = [name for name in names if name.name[0] == one.first_name.name[0] and name != one.first_name]
        other = replace(other, first_name=chance.pick(alike or names), signs_with_initial=True)
        return ((one, other),)
    if kind == "short_form":
        full = chance.pick([name for name in names if name.short_forms])
        called = words.FirstName(full.short_forms[0], ())
        return ((replace(one, first_name=full), replace(other, first_name=called)),)
    other = replace(other, first_name=one.first_name)
    if kind == "parent_and_child":
        return ((replace(one, is_in_crm=True), replace(other, is_in_crm=True)),)
    return ((one,), (other,))
