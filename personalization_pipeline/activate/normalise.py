"""One normaliser per destination and field: the text that a destination hashes or reads, or why there is none.

Belongs here: the rules of one value, each with the page that states it.
Does not belong here: hashing and whole files (activate.render), and the standard form in which the platform itself
compares addresses (resolve): a destination's rules are its own, and two destinations differ.

A blank value has no outcome (None), an unusable one a `Refusal`; neither is ever hashed. Text is brought to Unicode NFC
and lower-cased without a locale.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from enum import Enum

import phonenumbers


class Refusal(Enum):
    """Why a value cannot be delivered, as a short code. It never holds the value."""

    ALREADY_HASHED = "already_hashed"
    EMAIL_MALFORMED = "email_malformed"
    PHONE_MALFORMED = "phone_malformed"
    PHONE_WITHOUT_COUNTRY = "phone_without_country"
    NAME_MALFORMED = "name_malformed"
    COUNTRY_NOT_ISO = "country_not_iso"
    POSTAL_CODE_MALFORMED = "postal_code_malformed"


Outcome = str | Refusal
Normaliser = Callable[[str, str | None], Outcome]

# What a source delivers as MD5, SHA-1, SHA-256, SHA-512 (hex) or SHA-256 (base64) would be hashed twice and match nobody.
HASH = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128}|[0-9A-Za-z+/]{43}=")
# A shape only: whether the mailbox exists is known to the receiver. Excluded characters are those that only appear when
# a display name or two addresses were written into one field.
EMAIL = re.compile(r'[^\s@<>()\[\],;:\\"]+@[\w-]+(\.[\w-]+)+')
GMAIL = ("gmail.com", "googlemail.com")
TITLES = ("mr", "mrs", "ms", "miss", "mx", "dr", "prof")
GENERATIONS = ("jr", "sr", "ii", "iii", "iv")
FORMULA_STARTS = ("=", "+", "-", "@")
US_ZIP = re.compile(r"[0-9]{5}(-?[0-9]{4})?")
POSTAL_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z -]{1,11}")


def normalise(kind: str, value: str | None, country: str | None = None) -> str | None:
    """The value as the destination wants it, before hashing; None where there is nothing to deliver.

    `kind` is a key of NORMALISERS, `country` the person's country as ISO 3166-1 alpha-2 (any case), if known.
    """
    outcome = judge(kind, value, country)
    return None if isinstance(outcome, Refusal) else outcome


def judge(kind: str, value: str | None, country: str | None = None) -> Outcome | None:
    """`normalise`, with the reason in place of a value that cannot be used, and None only for a blank one."""
    text = unicodedata.normalize("NFC", value or "").strip()
    return NORMALISERS[kind](text, country) if text else None


def _google_email(text: str, _: str | None) -> Outcome:
    """Lower, no whitespace; Gmail also without dots and without +suffix.

    https://developers.google.com/data-manager/api/devguides/concepts/formatting. Google's Python library of 2025 keeps
    the +suffix and refuses inner whitespace; the page is newer and stricter, so the page is followed.
    """
    if HASH.fullmatch(text):
        return Refusal.ALREADY_HASHED
    local, at, domain = "".join(text.lower().split()).rpartition("@")
    if domain in GMAIL:
        local = local.split("+", 1)[0].replace(".", "")
    address = local + at + domain
    return address if EMAIL.fullmatch(address) else Refusal.EMAIL_MALFORMED


def _generic_email(text: str, _: str | None) -> Outcome:
    """Lower-cased, otherwise as the person wrote it."""
    if HASH.fullmatch(text):
        return Refusal.ALREADY_HASHED
    return text.lower() if EMAIL.fullmatch(text) else Refusal.EMAIL_MALFORMED


def _e164(text: str, country: str | None) -> Outcome:
    """`+` and digits. A number without `+` is read in the person's country, and refused where that is unknown.

    Google's library would turn 0171 234567 into +0171234567, which is nobody's. Possible length is asked for, not an
    assigned range: ranges are opened faster than the metadata of `phonenumbers` is released.
    """
    if HASH.fullmatch(text):
        return Refusal.ALREADY_HASHED
    region = _region(country)
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        is_homeless = region is None and error.error_type == error.INVALID_COUNTRY_CODE and not text.startswith("+")
        return Refusal.PHONE_WITHOUT_COUNTRY if is_homeless else Refusal.PHONE_MALFORMED
    if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return Refusal.PHONE_MALFORMED
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _google_first_name(text: str, _: str | None) -> Outcome:
    """Lower, without title and without whitespace, accents kept.

    The template of Customer Match removes spaces "in between" names, and Google's library does so before it hashes.
    """
    words = text.lower().split()
    while len(words) > 1 and words[0].rstrip(".") in TITLES:
        words.pop(0)
    return _google_name(words)


def _google_last_name(text: str, _: str | None) -> Outcome:
    """Lower, without Jr. and the like and without whitespace, accents kept."""
    words = text.lower().split()
    while len(words) > 1 and words[-1].rstrip(".") in GENERATIONS:
        words.pop()
        words[-1] = words[-1].rstrip(",")
    return _google_name(words)


def _google_name(words: list[str]) -> Outcome:
    name = unicodedata.normalize("NFC", "".join(words))
    if HASH.fullmatch(name):
        return Refusal.ALREADY_HASHED
    return name if any(letter.isalpha() for letter in name) else Refusal.NAME_MALFORMED


def _generic_name(text: str, _: str | None) -> Outcome:
    """As the person wrote it; no name begins like a spreadsheet formula (OWASP, CSV Injection)."""
    return Refusal.NAME_MALFORMED if text.startswith(FORMULA_STARTS) else text


def _country(text: str, _: str | None) -> Outcome:
    """ISO 3166-1 alpha-2, upper case, never hashed."""
    return _region(text) or Refusal.COUNTRY_NOT_ISO


def _region(country: str | None) -> str | None:
    code = (country or "").strip().upper()
    return code if code in phonenumbers.SUPPORTED_REGIONS else None


def _postal_code(text: str, country: str | None) -> Outcome:
    """Trimmed, never hashed; in the US five digits or ZIP+4 (so a code that lost its leading zero is refused)."""
    shape = US_ZIP if _region(country) == "US" else POSTAL_CODE
    return text if shape.fullmatch(text) else Refusal.POSTAL_CODE_MALFORMED


def _identifier(text: str, _: str | None) -> Outcome:
    """As its system wrote it, without blanks around it."""
    return text


NORMALISERS: dict[str, Normaliser] = {
    "google.email": _google_email,
    "google.phone": _e164,
    "google.first_name": _google_first_name,
    "google.last_name": _google_last_name,
    "google.country": _country,
    "google.postal_code": _postal_code,
    "generic.email": _generic_email,
    "generic.phone": _e164,
    "generic.first_name": _generic_name,
    "generic.last_name": _generic_name,
    "generic.country": _country,
    "generic.postal_code": _postal_code,
    "generic.external_id": _identifier,
    "generic.person_id": _identifier,
    "generic.offer": _identifier,
}
