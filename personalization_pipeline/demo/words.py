"""The words of the demo world: names by frequency, towns, streets and the catalogue, from the CSV files in `words/`.

Belongs here: reading the lists, and laying them out so that a number picks a word. Does not belong here: choosing.
The lists were written for this project from general knowledge; names stand in falling order of how common they feel.
"""

from __future__ import annotations

import csv
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from personalization_pipeline.foundation.errors import LookAtTheData

FOLDER = Path(__file__).with_name("words")
COUNTRIES = ("GB", "DE", "FR")
SCRIPTS = ("cyrillic", "greek")
Key = TypeVar("Key", bound=Hashable)


def rows(name: str) -> list[dict[str, str]]:
    """The rows of one list."""
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Lists(Generic[Key]):
    """Several lists laid end to end: `start[key]` and `length[key]` say where one lies among the `rows`."""

    rows: tuple[dict[str, str], ...]
    start: dict[Key, int]
    length: dict[Key, int]

    def column(self, name: str) -> pl.Series:
        """One column of all rows, so that places can be gathered from it."""
        return pl.Series(name, [row[name] for row in self.rows], dtype=pl.String)

    def starts(self, keys: Sequence[Key], which: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the list of each thing begins; `which` names a key by its place."""
        return np.array([self.start[key] for key in keys], dtype=np.int64)[which]

    def lengths(self, keys: Sequence[Key], which: NDArray[np.int64]) -> NDArray[np.int64]:
        """How long the list of each thing is."""
        return np.array([self.length[key] for key in keys], dtype=np.int64)[which]


def _lists(found: list[tuple[Key, dict[str, str]]]) -> Lists[Key]:
    start: dict[Key, int] = {}
    length: dict[Key, int] = {}
    for place, (key, _) in enumerate(found):
        start.setdefault(key, place)
        length[key] = length.get(key, 0) + 1
    if any(found[start[key] + step][0] != key for key in start for step in range(length[key])):
        raise LookAtTheData("rows of one list do not stand together", fix="sort the list in demo/words/ by its key")
    return Lists(tuple(row for _, row in found), start, length)


NAME_KEYS = tuple((group, gender) for group in (*COUNTRIES, *SCRIPTS) for gender in ("f", "m"))


@cache
def first_names() -> Lists[tuple[str, str]]:
    """Given names by (country or script, gender), most common first: name, short_forms, native, spellings."""
    own = [
        (
            (row["country"], row["gender"]),
            {"name": row["first_name"], "short_forms": row["short_forms"], "native": "", "spellings": ""},
        )
        for row in rows("first_names.csv")
    ]
    return _lists(own + [((row["script"], row["gender"]), _spelled(row)) for row in _other("first")])


@cache
def last_names() -> Lists[str]:
    """Family names by country or script, most common first: name, native, spellings."""
    own = [
        (row["country"], {"name": row["last_name"], "native": "", "spellings": ""}) for row in rows("last_names.csv")
    ]
    return _lists(own + [(row["script"], _spelled(row)) for row in _other("last")])


def _other(part: str) -> list[dict[str, str]]:
    return [row for row in rows("other_scripts.csv") if row["part"] == part]


def _spelled(row: dict[str, str]) -> dict[str, str]:
    """A name of another script: the passport's spelling first, then what clerks make of it."""
    passport, *others = row["spellings"].split()
    return {"name": passport, "short_forms": "", "native": row["native"], "spellings": " ".join(others)}


@cache
def towns() -> Lists[str]:
    """Towns by country, largest first: town, postal_code_stem, and the telephone block that its regulator keeps for fiction."""
    return _lists([(row["country"], row) for row in rows("towns.csv")])


@cache
def streets() -> Lists[str]:
    """Streets by country, most common first, with the ending of the postal code that each has in every town."""
    found: list[tuple[str, dict[str, str]]] = []
    places = dict.fromkeys(COUNTRIES, 0)
    for row in rows("streets.csv"):
        country = row["country"]
        found.append((country, row | {"postal_code_ending": _ending(country, places[country])}))
        places[country] += 1
    return _lists(found)


def _ending(country: str, place: int) -> str:
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    return {
        "GB": f" {place % 9 + 1}{letters[place * 7 % 20]}{letters[place * 3 % 20]}",
        "DE": f"{place * 7 % 100:02d}",
        "FR": f"{place * 3 % 100:02d}",
    }[country]


def table(name: str) -> pl.DataFrame:
    """A list as a frame of texts, blank cells null."""
    found = pl.DataFrame(rows(f"{name}.csv"), orient="row")
    return found.with_columns(pl.all().replace("", None))


@cache
def products() -> pl.DataFrame:
    """The catalogue of both brands, one row per article; money in cents, cycles in days."""
    return table("products").with_columns(pl.col("price_cents", "cycle_days", "margin_percent").cast(pl.Int64))
