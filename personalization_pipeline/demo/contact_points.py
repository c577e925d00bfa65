"""Where people of the demo world can be reached: addresses, telephone numbers, mailboxes.

Belongs here: the shape of an address, a number and a mailbox. Does not belong here: who has which (see people).
Nobody real is reached by any of them: mail domains are reserved (RFC 2606, RFC 6761), landlines lie in the blocks that
Ofcom, the Bundesnetzagentur and ARCEP keep for fiction, and mobiles in blocks that no carrier had been given when
phonenumbers 9.0.43 was made. The blocks for fictitious mobiles (GB 07700 900xxx, FR 06 39 98) are not used: checkers of
numbers call them invalid.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import polars as pl
from anyascii import anyascii

from personalization_pipeline.demo import words
from personalization_pipeline.demo.chance import Draws, Numbers
from personalization_pipeline.demo.words import COUNTRIES

DIALLING_CODES = {"GB": "44", "DE": "49", "FR": "33"}
LANDLINE_DIGITS = {"GB": 11, "DE": 11, "FR": 10}  # in national format
MOBILE_BLOCKS = {"GB": ("720", 7), "DE": ("1581", 7), "FR": ("799", 6)}  # beginning without the zero, further digits
MAIL_DOMAINS = (
    ("example.com", 0.30),
    ("mail.example", 0.20),
    ("example.org", 0.14),
    ("post.example", 0.12),
    ("example.net", 0.10),
    ("inbox.example", 0.08),
    ("web.example", 0.06),
)
HABITS = (
    ("first.last", 0.28),
    ("first.lastyy", 0.18),
    ("flastyy", 0.16),
    ("firstyy", 0.12),
    ("last.first", 0.10),
    ("firstlast", 0.08),
    ("f.last", 0.08),
)
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})


def addresses(home: Draws, town: Draws, country: Numbers) -> pl.DataFrame:
    """Homes in these countries ('GB', 'DE', 'FR'): street, house_number, postal_code, city, landline_block.

    A street of a town has one postal code. `town` draws the town, `home` the rest.
    """
    which = np.searchsorted(sorted(COUNTRIES), country)
    keys, towns, streets = tuple(sorted(COUNTRIES)), words.towns(), words.streets()
    place = towns.starts(keys, which) + town.common("town", towns.lengths(keys, which))
    street = streets.starts(keys, which) + home.common("street", streets.lengths(keys, which))
    return pl.DataFrame(
        {
            "street": streets.column("street").gather(street),
            "house_number": home.between("house number", 1, 120),
            "postal_code": towns.column("postal_code_stem").gather(place)
            + streets.column("postal_code_ending").gather(street),
            "city": towns.column("town").gather(place),
            "landline_block": towns.column("reserved_landlines").gather(place),
        }
    )


def mobiles(numbers: Numbers, country: pl.Series) -> pl.Series:
    """E.164 mobiles, one per number and country: no two are alike (FR: within a million)."""
    found = pl.DataFrame({"country": country, "n": numbers})
    made = pl.lit("")
    for code, (block, digits) in MOBILE_BLOCKS.items():
        # Steps without a common factor with ten reach every number once, in no visible order.
        number = (pl.col("n") * 7_368_787 % 10**digits).cast(pl.String).str.zfill(digits)
        made = pl.when(country=code).then(pl.lit(f"+{DIALLING_CODES[code]}{block}") + number).otherwise(made)
    return found.select(mobile=made)["mobile"]


def mailbox_names(first: pl.Series, last: pl.Series, born: pl.Series, habit: pl.Series) -> pl.Series:
    """The part before the @, by one of the HABITS of people; born is a year."""
    f, name, year = _mail_words(first), _mail_words(last), (born % 100).cast(pl.String).str.zfill(2)
    parts = pl.DataFrame({"f": f, "l": name, "y": year, "i": f.str.slice(0, 1), "habit": habit})
    shapes = {
        "first.last": pl.col("f") + "." + pl.col("l"),
        "first.lastyy": pl.col("f") + "." + pl.col("l") + pl.col("y"),
        "flastyy": pl.col("i") + pl.col("l") + pl.col("y"),
        "firstyy": pl.col("f") + pl.col("y"),
        "last.first": pl.col("l") + "." + pl.col("f"),
        "firstlast": pl.col("f") + pl.col("l"),
        "f.last": pl.col("i") + "." + pl.col("l"),
    }
    made = pl.lit("")
    for name_of_habit, shape in shapes.items():
        made = pl.when(habit=name_of_habit).then(shape).otherwise(made)
    return parts.select(made.alias("local"))["local"]


def _mail_words(names: pl.Series) -> pl.Series:
    distinct = names.unique()
    return names.replace_strict(distinct, [mail_word(name) for name in distinct], return_dtype=pl.String)


@cache
def mail_word(name: str) -> str:
    """A name as it stands in a mailbox: small ASCII letters only."""
    return re.sub("[^a-z]", "", anyascii(name.translate(UMLAUTS)).lower())
