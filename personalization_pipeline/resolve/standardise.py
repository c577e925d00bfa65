"""Records made comparable: one spelling per name, address, e-mail and phone, and no value that nobody meant.

Belongs here: what turns a contact's text into the text that is matched on, value by distinct value, without looking at
other records. Does not belong here: which columns are compared (comparisons).
What people would argue about lies beside this file: bad_values.yaml and words.yaml.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import phonenumbers
import polars as pl
import yaml
from anyascii import anyascii
from nicknames import NickNamer

_HOUSE_FIRST = re.compile(r"(\d+[a-z]?(?:[-/]\d+[a-z]?)?)\s+(\D.*|\d+(?:st|nd|rd|th)\b.*)")
_HOUSE_LAST = re.compile(r"(.*?[a-z].*?)\s*\b(\d+(?:\s?[a-z])?(?:\s?[-/]\s?\d+\s?[a-z]?)?)")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_GMAIL = ("gmail.com", "googlemail.com")


def standardise(contacts: pl.DataFrame, default_country: str | None = None) -> pl.DataFrame:
    """Contacts made comparable, one row per record and in the given order; whatever cannot serve as evidence is null.

    Takes record_key, first_name, last_name, email, phone, birth_date (DATE), street, postal_code, city and country.
    Gives record_key, first_name_std, first_name_roots (the first name and every name that it may be short for),
    last_name_std, email_std, email_local (where it says more than the name), phone_std (E.164), birth_date, street_std,
    house_number, postal_code_std, city_std and country_std (ISO 3166, two letters).
    `default_country` is where phone numbers are dialled from when a contact names no country.
    """
    first_name, last_name = standardise_names(contacts["first_name"]), standardise_names(contacts["last_name"])
    email = standardise_emails(contacts["email"])
    country = standardise_countries(contacts["country"])
    further = {
        "middle_name": ("middle_name_std", standardise_names),
        "national_id": ("national_id_std", _letters_and_digits),
        "gender": ("gender_std", _first_letters),
        "birth_place": ("birth_place_std", standardise_places),
        "occupation": ("occupation_std", standardise_places),
        "birth_year": ("birth_year", _years),
    }
    street = _by_distinct(contacts["street"], _street_and_house).str.split_exact("|", 1).struct
    return pl.DataFrame(
        {
            "record_key": contacts["record_key"],
            "first_name_std": first_name,
            "first_name_roots": _by_distinct(first_name, _roots).str.split("|"),
            "last_name_std": last_name,
            "email_std": email,
            "email_local": _telling_locals(email, first_name, last_name),
            "phone_std": standardise_phones(contacts["phone"], country.fill_null(default_country or "")),
            "birth_date": _birth_dates(contacts["birth_date"]),
            "street_std": _not_empty(street.field("field_0")),
            "house_number": _not_empty(street.field("field_1")),
            "postal_code_std": standardise_postal_codes(contacts["postal_code"]),
            "city_std": standardise_places(contacts["city"]),
            "country_std": country,
            **{column: standard(contacts[given]) for given, (column, standard) in further.items() if given in contacts},
        }
    )


def standardise_names(names: pl.Series) -> pl.Series:
    """First or last names in lower-case ASCII without titles and placeholders: 'Dr. Łukasz' -> 'lukasz'."""
    titles = frozenset(_words_file()["titles"])

    def standard(text: str) -> str | None:
        words = [word for word in _words(text).split() if word not in titles and not word.isdigit()]
        return _meant(" ".join(words), "names")

    return _by_distinct(names, standard)


def standardise_emails(emails: pl.Series) -> pl.Series:
    """E-mail addresses as one mailbox writes them: lower case, no +tag, no dots and one domain for Gmail.

    What is not an address, or is an address that nobody meant, becomes null.
    """

    def standard(text: str) -> str | None:
        email = text.strip().lower()
        if not _EMAIL.fullmatch(email):
            return None
        local, domain = email.split("@")
        local = local.split("+")[0]
        if domain in _GMAIL:
            local, domain = local.replace(".", ""), _GMAIL[0]
        if not local or _meant(local, "email_locals") is None:
            return None
        return _meant(f"{local}@{domain}", "emails")

    return _by_distinct(emails, standard)


def standardise_phones(phones: pl.Series, countries: pl.Series) -> pl.Series:
    """Phone numbers as E.164, read as somebody in that country would dial them; null where no such number can exist.

    Without a country (see `standardise_countries`) only numbers that begin with + or 00 can be read.
    """
    given = pl.DataFrame({"phone": phones.cast(pl.String), "country": standardise_countries(countries)})
    distinct = given.filter(pl.col("phone").is_not_null()).unique().sort("phone", "country")
    standard = pl.Series("standard", [_e164(*row) for row in distinct.iter_rows()], dtype=pl.String)
    return given.join(
        distinct.with_columns(standard), on=["phone", "country"], how="left", nulls_equal=True, maintain_order="left"
    )["standard"].rename(phones.name)


def standardise_postal_codes(postal_codes: pl.Series) -> pl.Series:
    """Postal codes in lower case without spaces, country and ZIP+4: 'D-10115' -> '10115', 'SW1A 1AA' -> 'sw1a1aa'."""

    def standard(text: str) -> str | None:
        code = re.sub(r"^[a-z]{1,3}-(?=\d)", "", _ascii(text).strip())
        code = re.sub(r"^(\d{5})-\d{4}$", r"\1", code)
        return _meant(re.sub(r"[^a-z0-9]", "", code), "postal_codes")

    return _by_distinct(postal_codes, standard)


def standardise_places(places: pl.Series) -> pl.Series:
    """Towns, or other words for one thing, in lower-case ASCII without punctuation and placeholders."""
    return _by_distinct(places, lambda text: _meant(_words(text), "cities"))


def standardise_countries(countries: pl.Series) -> pl.Series:
    """Two-letter codes (ISO 3166) of countries given as a code or by name in some language; null where unknown."""
    names = _country_names()
    return _by_distinct(countries, lambda text: names.get(_words(text)))


def _by_distinct(values: pl.Series, standard: Callable[[str], str | None]) -> pl.Series:
    """Apply a slow text function once per distinct value."""
    texts = values.cast(pl.String)
    distinct = texts.drop_nulls().unique().sort()
    standards = pl.Series([standard(text) for text in distinct], dtype=pl.String)
    return texts.replace_strict(distinct, standards, default=None, return_dtype=pl.String)


def _telling_locals(emails: pl.Series, first_names: pl.Series, last_names: pl.Series) -> pl.Series:
    """The part before the @ where it is more than the name again: 'anna.berg84@...' of Anna Berg tells little new."""
    given = pl.DataFrame({"email": emails, "first_name": first_names, "last_name": last_names})
    distinct = given.filter(pl.col("email").is_not_null()).unique().sort("email", "first_name", "last_name")
    locals_ = [_telling_local(*row) for row in distinct.iter_rows()]
    told = distinct.with_columns(pl.Series("email_local", locals_, dtype=pl.String))
    return given.join(told, on=given.columns, how="left", nulls_equal=True, maintain_order="left")["email_local"]


def _telling_local(email: str, first_name: str | None, last_name: str | None) -> str | None:
    local = email.split("@")[0]
    letters = re.sub(r"[^a-z0-9]", "", local)
    letters = re.sub(r"(?<=[a-z])\d{1,2}$", "", letters)  # a year of birth, or what a mail service adds for a namesake
    last = (last_name or "").replace(" ", "")
    firsts = [first_name.replace(" ", ""), *_roots(first_name).split("|")] if first_name else [""]
    for first in firsts:
        if letters in (first + last, last + first, first[:1] + last, last + first[:1], first + last[:1], first, last):
            return None
    return local


def _words(text: str) -> str:
    """Lower-case ASCII words with single spaces; apostrophes and dots join, other punctuation parts."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", re.sub(r"['`.]", "", _ascii(text))).split())


def _ascii(text: str) -> str:
    """Lower-case ASCII, umlauts spelled out as people do who have no key for them: Müller is Mueller (DIN 5007-2)."""
    return anyascii(unicodedata.normalize("NFC", text.lower()).translate(_UMLAUTS)).lower()


def _meant(text: str, kind: str) -> str | None:
    """The text, or None if it is empty or listed as something that nobody meant."""
    return None if not text or text in _bad_values()[kind] else text


def _letters_and_digits(texts: pl.Series) -> pl.Series:
    return _by_distinct(texts, lambda text: re.sub(r"[^a-z0-9]", "", _ascii(text)) or None)


def _first_letters(texts: pl.Series) -> pl.Series:
    return _by_distinct(texts, lambda text: _words(text)[:1] or None)


def _years(texts: pl.Series) -> pl.Series:
    years = texts.cast(pl.String).str.extract(r"^\s*(\d{4})\b").cast(pl.Int32)
    return years.set((years < 1000) | (years > 2100), None)


def _not_empty(texts: pl.Series) -> pl.Series:
    return texts.set(texts == "", None)


def _roots(first_name: str) -> str:
    """Every name that a first name may be short for, itself first, parted by |."""
    first_word = first_name.split()[0]
    longer = _nicknamer().canonicals_of(first_word) | _more_nicknames().get(first_word, frozenset())
    return "|".join([first_word, *sorted(longer - {first_word})])


def _birth_dates(dates: pl.Series) -> pl.Series:
    nobodys = [date.fromisoformat(text) for text in sorted(_bad_values()["birth_dates"])]
    return dates.set(dates.is_in(nobodys), None)


def _street_and_house(text: str) -> str | None:
    """'Hauptstraße 12 a' and '12a Hauptstr.' -> 'hauptstr|12a'; either part may be empty."""
    words = _words_file()
    line = " ".join(re.sub(r"[^a-z0-9/-]+", " ", re.sub(r"['`.]+", " ", _ascii(text))).split())
    line = re.sub(rf"\b(?:{'|'.join(words['street_units'])})\b.*$", "", line).strip(" -/")
    street, house = line, ""
    if found := _HOUSE_FIRST.fullmatch(line):
        house, street = found.groups()
    elif found := _HOUSE_LAST.fullmatch(line):
        street, house = found.groups()
    street = " ".join(words["street_words"].get(word, word) for word in re.split(r"[ /-]+", street.strip(" -/")))
    for ending, short in words["street_endings"].items():
        street = re.sub(rf"{ending}\b", short, street)
    return f"{_meant(street, 'streets') or ''}|{house.replace(' ', '')}"


# The numbers of records are those of addresses, and reading one is the slowest of all that is done to a value.
@functools.lru_cache(maxsize=1_000_000)
def _e164(phone: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(re.sub(r"^\s*00", "+", phone), country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@functools.cache
def _bad_values() -> dict[str, frozenset[str]]:
    return {kind: frozenset(reasons) for kind, reasons in _yaml("bad_values.yaml").items()}


@functools.cache
def _words_file() -> dict[str, Any]:
    return _yaml("words.yaml")


@functools.cache
def _nicknamer() -> NickNamer:
    return NickNamer()


@functools.cache
def _more_nicknames() -> dict[str, frozenset[str]]:
    """Short form -> full names, for the languages that the package nicknames knows little of."""
    full: dict[str, set[str]] = {}
    for name, short_forms in _words_file()["nicknames"].items():
        for short in short_forms:
            full.setdefault(short, set()).add(name)
    return {short: frozenset(names) for short, names in full.items()}


@functools.cache
def _country_names() -> dict[str, str]:
    """Folded name or code -> two-letter code. A name that means two countries in two languages keeps the first code."""
    from phonenumbers.geodata.locale import LOCALE_DATA  # large: only where a country is read

    names: dict[str, str] = {}
    for code, by_language in sorted(LOCALE_DATA.items()):
        for language, name in sorted(by_language.items()):
            real = by_language.get(name[1:], "") if name.startswith("*") else name
            if real and language in ("en", "de", "fr", "es", "it", "nl"):
                names.setdefault(_words(real), code)
    return names | {code.lower(): code for code in LOCALE_DATA} | dict(_words_file()["countries"])


def _yaml(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))
    return content
