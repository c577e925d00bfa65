"""The words of the demo world: names by frequency, towns, streets and the catalogue, from the CSV files in `words/`.

Belongs here: reading the lists. Does not belong here: choosing from them (see people and orders).
The lists were written for this project from general knowledge; names stand in falling order of how common they feel.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("words")


@dataclass(frozen=True)
class FirstName:
    """A given name and the short forms that its bearer may sign with."""

    name: str
    short_forms: tuple[str, ...]


@dataclass(frozen=True)
class Town:
    """A town, the beginning of its postal codes, and the telephone block that its regulator keeps for fiction."""

    name: str
    postal_code_stem: str
    landline_block: str


@dataclass(frozen=True)
class Product:
    """One article of the catalogue; the price is in cents."""

    sku: str
    name: str
    category: str
    price_cents: int


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def first_names(country: str, gender: str) -> tuple[FirstName, ...]:
    """Given names of a country ('GB', 'DE', 'FR') and a gender ('f', 'm'), most common first."""
    rows = _rows("first_names.csv")
    wanted = [row for row in rows if row["country"] == country and row["gender"] == gender]
    return tuple(FirstName(row["first_name"], tuple(row["short_forms"].split())) for row in wanted)


@cache
def last_names(country: str) -> tuple[str, ...]:
    """Family names of a country, most common first."""
    return tuple(row["last_name"] for row in _rows("last_names.csv") if row["country"] == country)


@cache
def towns(country: str) -> tuple[Town, ...]:
    """Towns of a country, largest first."""
    rows = [row for row in _rows("towns.csv") if row["country"] == country]
    return tuple(Town(row["town"], row["postal_code_stem"], row["reserved_landlines"]) for row in rows)


@cache
def streets(country: str) -> tuple[str, ...]:
    """Street names of a country, most common first."""
    return tuple(row["street"] for row in _rows("streets.csv") if row["country"] == country)


@cache
def products() -> tuple[Product, ...]:
    """The catalogue, in order of sku within category."""
    return tuple(
        Product(row["sku"], row["product"], row["category"], int(row["price_cents"])) for row in _rows("products.csv")
    )
