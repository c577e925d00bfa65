"""Who lives together in the demo world, and which people are easily taken for one another.

Belongs here: countries, names, ages, families, look-alikes. Does not belong here: addresses and numbers (see people),
planted people (see planted).

A *unit* is a group of people made together: a single, a couple, a family, or a pair of look-alikes. It never crosses a
chunk, so chunks can be made in any order.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from personalization_pipeline.demo import words
from personalization_pipeline.demo.chance import Draws, Luck, Numbers

TODAY = date(2026, 7, 1)  # the first night
COUNTRIES = (("GB", 0.40), ("DE", 0.35), ("FR", 0.25))
SCRIPTS = (("", 0.93), ("cyrillic", 0.04), ("greek", 0.03))  # where a unit's names come from another alphabet
Words = NDArray[Any]
# (kind, how many people, how often)
UNITS = (
    ("single", 1, 0.550),
    ("couple", 2, 0.285),
    ("family", 3, 0.080),
    ("large_family", 4, 0.045),
    ("siblings", 2, 0.017),
    ("namesakes", 2, 0.011),  # one town, two homes
    ("short_form", 2, 0.006),
    ("parent_and_child", 2, 0.006),
)
KINDS = tuple(kind for kind, _, _ in UNITS)
LOOKALIKES = ("siblings", "namesakes", "short_form", "parent_and_child")
TAKES_NAME_SHARE = 0.75  # of wives
KNOWN_BY_FORMER_NAME_SHARE = 0.16  # of those
_KIND = {kind: number for number, kind in enumerate(KINDS)}


def members(seed: int, first_n: int, count: int) -> pl.DataFrame:
    """People first_n ... first_n + count - 1 as members of units: one row each, in order.

    unit_n and household_n are the numbers of the first person in each. `role` counts within the unit; 0 is the man of a
    couple. `script` is '' for names of the country.
    """
    n = np.arange(first_n, first_n + count, dtype=np.int64)
    unit_n, role, kind = _units(seed, first_n, count)
    unit, person = Draws(seed, unit_n), Draws(seed, n)
    kind_name = np.array(KINDS)[kind]
    alike = kind >= _KIND["siblings"]
    paired = (kind >= _KIND["couple"]) & (kind <= _KIND["large_family"])
    country = unit.weighted("country", COUNTRIES)
    script = np.where(alike, "", unit.weighted("script", SCRIPTS))
    woman = np.where(
        paired & (role < 2), role == 1, np.where(alike, unit.happens("gender", 0.5), person.happens("gender", 0.5))
    )
    gender = np.where(woman, "f", "m")
    groups = np.where(script == "", country, script)
    first, last, former = _names(unit, person, groups, gender, kind, role)
    first = _alike(first, groups, gender, kind, role, person)
    names, family = words.first_names(), words.last_names()
    found = pl.DataFrame(
        {
            "person_n": n,
            "unit_n": unit_n,
            "household_n": np.where(kind == _KIND["namesakes"], n, unit_n),
            "role": role,
            "kind": kind_name,
            "country": country,
            "script": script,
            "gender": gender,
            "first_name": names.column("name").gather(first),
            "short_forms": names.column("short_forms").gather(first),
            "native_first_name": names.column("native").gather(first),
            "first_spellings": names.column("spellings").gather(first),
            "last_name": family.column("name").gather(last),
            "native_last_name": family.column("native").gather(last),
            "last_spellings": family.column("spellings").gather(last),
            "old_last_name": pl.Series(np.where(former >= 0, family.column("name").gather(abs(former)), "")),
            "age_days": _ages(unit, person, kind, role),
        }
    )
    called = (pl.col("kind") == "short_form") & (pl.col("role") == 1)
    return found.with_columns(
        birth_date=pl.lit(TODAY) - pl.duration(days="age_days"),
        signs_with_initial=(pl.col("kind") == "siblings") & (pl.col("role") == 1),
        first_name=pl.when(called).then(pl.col("short_forms").str.split(" ").list.first()).otherwise("first_name"),
        short_forms=pl.when(called).then(pl.lit("")).otherwise("short_forms"),
    ).drop("age_days")


def _units(seed: int, first_n: int, count: int) -> tuple[Numbers, Numbers, Numbers]:
    """Of each person the unit's number, her place in it, and its kind. The last unit of a chunk is cut to singles."""
    candidates = np.arange(first_n, first_n + count, dtype=np.int64)
    kinds = np.asarray(
        Draws(seed, candidates).weighted("unit", [(number, share) for number, (*_, share) in enumerate(UNITS)])
    )
    sizes = np.array([size for _, size, _ in UNITS])[kinds]
    starts = np.cumsum(sizes) - sizes
    used = starts < count
    whole = np.repeat(np.arange(int(used.sum())), sizes[used])[:count]
    role = np.arange(count) - starts[whole]
    kind = kinds[whole]
    cut = whole == whole[-1] if starts[used][-1] + sizes[used][-1] > count else np.zeros(count, dtype=bool)
    kind = np.where(cut, 0, kind)
    role = np.where(cut, 0, role)
    return first_n + np.arange(count) - role, role, kind


def _names(
    unit: Draws, person: Draws, groups: Words, gender: Words, kind: Numbers, role: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Places of first name, last name and (or -1) the last name before a wedding, in the lists of words."""
    listed = tuple(sorted((*words.COUNTRIES, *words.SCRIPTS)))
    group = np.searchsorted(listed, groups)
    first_keys, first_key = tuple((name, letter) for name in listed for letter in "fm"), group * 2 + (gender == "m")
    names, family = words.first_names(), words.last_names()
    first = names.starts(first_keys, first_key) + person.common("first name", names.lengths(first_keys, first_key))
    start, length = family.starts(listed, group), family.lengths(listed, group)
    shared, own = start + unit.common("last name", length), start + person.common("last name", length)
    is_wife = (role == 1) & (kind >= _KIND["couple"]) & (kind <= _KIND["large_family"])
    keeps = is_wife & ~person.happens("takes name", TAKES_NAME_SHARE)
    known = is_wife & ~keeps & person.happens("former name", KNOWN_BY_FORMER_NAME_SHARE) & (own != shared)
    return first, np.where(keeps, own, shared), np.where(known, own, -1)


def _alike(first: Numbers, groups: Words, gender: Words, kind: Numbers, role: Numbers, person: Draws) -> Numbers:
    """First names that do not tell a pair of look-alikes apart well; and no two of one name in a family."""
    names, bits = words.first_names(), person.bits("alike")
    first = first.copy()
    for at in np.flatnonzero((kind >= _KIND["siblings"]) & (role == 1)):
        listed, one, luck = _listed(groups[at], gender[at]), int(first[at - 1]), Luck(int(bits[at]))
        if kind[at] == _KIND["siblings"]:
            letter = names.rows[one]["name"][0]
            first[at] = luck.pick(
                [place for place in listed if names.rows[place]["name"][0] == letter and place != one] or listed
            )
        elif kind[at] == _KIND["short_form"]:
            first[at - 1] = first[at] = luck.pick([place for place in listed if names.rows[place]["short_forms"]])
        else:
            first[at] = one
    for at in np.flatnonzero((kind >= _KIND["family"]) & (kind <= _KIND["large_family"]) & (role >= 2)):
        listed, home = _listed(groups[at], gender[at]), {int(first[at - back]) for back in range(1, int(role[at]) + 1)}
        while int(first[at]) in home:
            first[at] = listed[(int(first[at]) - listed[0] + 1) % len(listed)]
    return first


def _listed(group: str, gender: str) -> range:
    names = words.first_names()
    start = names.start[(str(group), str(gender))]
    return range(start, start + names.length[(str(group), str(gender))])


def _ages(unit: Draws, person: Draws, kind: Numbers, role: Numbers) -> Numbers:
    """Ages in days on TODAY; everybody is grown up."""
    single = person.between("age", 19, 82)
    couple = unit.between("age of a couple", 22, 78)
    parents = unit.between("age of parents", 46, 72)
    alike = unit.between("age of look-alikes", 44, 70)
    base = np.select(
        [kind == 0, kind == _KIND["couple"], kind <= _KIND["large_family"]], [single, couple, parents], alike
    )
    wife = np.maximum(19, base + person.between("younger by", -6, 4))
    child = parents - person.between("a generation", 25, 27)
    sibling = alike - unit.between("years apart", 2, 9)
    younger = alike - unit.between("a generation apart", 23, 25)
    is_pair = kind >= _KIND["siblings"]
    later = np.select(
        [is_pair & (kind == _KIND["siblings"]), is_pair, role == 1, role >= 2], [sibling, younger, wife, child], base
    )
    return 365 * np.where(role == 0, base, later) + person.between("birthday", 5, 360)
