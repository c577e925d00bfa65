"""Made-up person records in any number: who they are is a function of a seed.

Belongs here: people, their records in several registers, and what goes wrong in these. Does not belong here: the demo shop
(personalization_pipeline.demo), whose people have a life; these have a name and an address only.

Surnames and towns are as unequal as real ones (the most common surname is one in 150). Households share surname and
address. About two records a person: of one in eight a name is misspelt, one in four has moved or changed an address or
a number, and every fact is missing somewhere.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

SYLLABLES = [a + b for a in "bdfgjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "el", "er", "in", "ol")]
DOMAINS = ("mail.example", "post.example", "web.example", "inbox.example", "home.example")
FIRST_DAY, DAYS = "1935-01-01", 27_000  # on which people are born
AT_HOME = 0.45  # of the people live with the one before
Rng = np.random.Generator
Texts = NDArray[np.object_]


def person_records(count: int, seed: int) -> pl.DataFrame:
    """`count` contacts as `standardise` takes them, and `true` (whose they are), in no particular order."""
    rng = np.random.default_rng(seed)
    people = _people(count // 2 + 1, rng)
    whose = np.sort(rng.integers(0, people.height, count))
    records = people[whose].with_columns(
        true=pl.Series(whose), record_key=pl.format("r{}", pl.int_range(count).cast(pl.String).str.zfill(8))
    )
    return _mistaken(records, people, rng).sample(fraction=1, shuffle=True, seed=seed)


def _words(count: int, syllables: int) -> Texts:
    """Different words; a later one is a rarer one."""
    base = len(SYLLABLES)
    numbers = (np.arange(count) * 7_919 + 13) % base**syllables
    return np.array(
        ["".join(SYLLABLES[n // base**place % base] for place in range(syllables)) for n in numbers.tolist()],
        dtype=object,
    )


def _unequal(rng: Rng, values: Texts, size: int, evenness: int) -> Texts:
    """Values drawn as names and towns are: the chance of the n-th is as 1 / (n + evenness)."""
    chance = 1 / (np.arange(len(values)) + evenness)
    return values[rng.choice(len(values), size, p=chance / chance.sum())]


def _people(count: int, rng: Rng) -> pl.DataFrame:
    home = np.where(rng.random(count) < AT_HOME, 0, 1).cumsum()
    homes = home[-1] + 1
    town = _unequal(rng, np.arange(3_000, dtype=object), homes, 30).astype(int)
    first, last = _unequal(rng, _words(3_000, 2), count, 15), _unequal(rng, _words(60_000, 3), homes, 20)[home]
    number = rng.integers(1, 1_000, count).astype(str)
    address = [f"{one}.{two}{n}@{DOMAINS[len(two) % 5]}" for one, two, n in zip(first, last, number, strict=True)]
    street = _unequal(rng, _words(8_000, 3), homes, 40) + np.array(" street ", dtype=object)
    return pl.DataFrame(
        {
            "first_name": first,
            "last_name": last,
            "email": address,
            "phone": [f"+49151{digits:08d}" for digits in rng.integers(0, 10**8, count).tolist()],
            "birth_date": np.datetime64(FIRST_DAY) + rng.integers(0, DAYS, count),
            "street": (street + rng.integers(1, 120, homes).astype(str).astype(object))[home],
            "postal_code": np.char.zfill((10_000 + town * 20 + rng.integers(0, 12, homes)).astype(str), 5)[home],
            "city": _words(3_000, 2)[town][home],
        },
        schema_overrides={"first_name": pl.String, "last_name": pl.String, "street": pl.String, "city": pl.String},
    ).with_columns(pl.col("birth_date").cast(pl.Date), country=pl.lit("DE"))


def _mistaken(records: pl.DataFrame, people: pl.DataFrame, rng: Rng) -> pl.DataFrame:
    """The records with what is wrong in them."""

    def some(share: float) -> pl.Series:
        return pl.Series(rng.random(records.height) < share)

    others = people[rng.integers(0, people.height, records.height)]
    moved, born = some(0.1), pl.col("birth_date").dt
    swapped = records.select(pl.date(born.year(), born.day().clip(1, 12), born.month()))
    records = records.with_columns(
        **{column: _either(moved, others[column], records[column]) for column in ("street", "postal_code", "city")},
        email=_either(some(0.12), others["email"].str.replace("@", ".x@"), records["email"]),
        phone=_either(some(0.12), others["phone"], records["phone"]),
        birth_date=_either(some(0.03), swapped.to_series(), records["birth_date"]),
    )
    slips = {
        column: _slipped(records[column], some(share), rng)
        for column, share in (("first_name", 0.06), ("last_name", 0.06), ("street", 0.04))
    }
    records = records.with_columns(**slips)
    missing = {"first_name": 0.03, "email": 0.35, "phone": 0.4, "birth_date": 0.25, "street": 0.2, "postal_code": 0.1}
    return records.with_columns(
        **{column: _either(some(share), pl.Series([None]), records[column]) for column, share in missing.items()}
    )


def _either(is_first: pl.Series, first: pl.Series, second: pl.Series) -> pl.Series:
    return pl.select(pl.when(is_first).then(first).otherwise(second)).to_series()


def _slipped(texts: pl.Series, wrong: pl.Series, rng: Rng) -> pl.Series:
    """The texts with a letter replaced, left out, doubled or swapped with the next where `wrong`."""
    slips: tuple[Callable[[str, int], str], ...] = (
        lambda text, at: text[:at] + "e" + text[at + 1 :],
        lambda text, at: text[:at] + text[at + 1 :],
        lambda text, at: text[:at] + text[at] + text[at:],
        lambda text, at: text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :],
    )
    numbers = rng.integers(0, 1 << 30, len(texts)).tolist()
    pairs = zip(texts.to_list(), wrong.to_list(), numbers, strict=True)
    slipped = [slips[n % 4](text, n // 4 % len(text)) if is_wrong else text for text, is_wrong, n in pairs]
    return pl.Series(texts.name, slipped, dtype=pl.String)
