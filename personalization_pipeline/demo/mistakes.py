"""What happens to true values on their way into a system: slips of the finger, short forms, other spellings.

Belongs here: one function per kind of mistake. Does not belong here: how often it happens (see records).
"""

from __future__ import annotations

from datetime import date

from anyascii import anyascii

from personalization_pipeline.demo.chance import Luck
from personalization_pipeline.demo.contact_points import UMLAUTS

NEIGHBOURS = dict(zip("abcdefghijklmnopqrstuvwxyz", "svxsdfgjokhknbipqtryuczxux", strict=True))  # on a keyboard
ABBREVIATIONS = {
    "GB": (("Road", "Rd"), ("Street", "St"), ("Avenue", "Ave"), ("Lane", "Ln"), ("Drive", "Dr")),
    "DE": (("straße", "str."), ("straße", "strasse")),
    "FR": (("rue ", "r. "), ("avenue ", "av. "), ("boulevard ", "bd "), ("place ", "pl. ")),
}


def typo(text: str, luck: Luck) -> str:
    """One slip after the first letter: two letters swapped, one left out, one doubled, or its neighbour hit.

    The text comes back as it was when it has fewer than four letters: nobody could tell what was meant.
    """
    if len(text) < 4:
        return text
    at = luck.between(1, len(text) - 2)
    kind = luck.pick(("swap", "drop", "double", "neighbour"))
    if kind == "swap" and text[at] != text[at + 1]:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind == "drop":
        return text[:at] + text[at + 1 :]
    if kind == "double":
        return text[:at] + text[at] + text[at:]
    return text[:at] + NEIGHBOURS.get(text[at].lower(), "e" if text[at] != "e" else "r") + text[at + 1 :]


def wrong_digit(number: str, luck: Luck) -> str:
    """An E.164 number with one of its last five digits wrong, or with two of them swapped."""
    at = len(number) - luck.between(2, 5)
    if luck.happens(50) and number[at] != number[at + 1]:
        return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    return number[:at] + str((int(number[at]) + luck.between(1, 9)) % 10) + number[at + 1 :]


def without_accents(text: str, luck: Luck) -> str:
    """Müller as Mueller or Muller, Zoé as Zoe."""
    return anyascii(text.translate(UMLAUTS) if luck.happens(60) else text)


def day_for_month(birth_on: date) -> date:
    """Day and month swapped, where that is a date; otherwise as it was."""
    return birth_on if birth_on.day > 12 else birth_on.replace(month=birth_on.day, day=birth_on.month)


def street_as_written(street: str, country: str, luck: Luck) -> str:
    """A street the way people of the country abbreviate it."""
    fitting = [(long, short) for long, short in ABBREVIATIONS[country] if long in street]
    if not fitting:
        return street
    long, short = luck.pick(fitting)
    return street.replace(long, short)


def phone_as_written(number: str, country: str, style: str) -> str:
    """An E.164 number in a style: national, spaced, international, zeros (0044...), e164."""
    code, rest = number[1:3], number[3:]
    if style == "national":
        return f"0{rest}"
    if style == "spaced":
        step, digits = 2 if country == "FR" else 4, f"0{rest}"
        return " ".join(digits[at : at + step] for at in range(0, len(digits), step))
    if style == "zeros":
        return f"00{code} {rest[:3]} {rest[3:]}"
    return f"+{code} {rest[:3]} {rest[3:]}" if style == "international" else number


def email_typo(email: str, luck: Luck) -> str:
    """A slip in the part before the @."""
    local, domain = email.split("@")
    return f"{typo(local, luck)}@{domain}"
