"""What happens to true values on their way into a system: slips of the finger, short forms, other spellings.

Belongs here: one function per kind of mistake. Does not belong here: how often it happens (see records).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from anyascii import anyascii

from personalization_pipeline.demo.chance import Chance
from personalization_pipeline.demo.contact_points import UMLAUTS, Address

NEIGHBOURS = dict(zip("abcdefghijklmnopqrstuvwxyz", "svxsdfgjokhknbipqtryuczxux", strict=True))  # on a keyboard
ABBREVIATIONS = {
    "GB": (("Road", "Rd"), ("Street", "St"), ("Avenue", "Ave"), ("Lane", "Ln"), ("Drive", "Dr")),
    "DE": (("straße", "str."), ("straße", "strasse")),
    "FR": (("rue ", "r. "), ("avenue ", "av. "), ("boulevard ", "bd "), ("place ", "pl. ")),
}


def typo(text: str, chance: Chance) -> str:
    """One slip after the first letter: two letters swapped, one left out, one doubled, or its neighbour hit.

    The text comes back as it was when it has fewer than four letters: nobody could tell what was meant.
    """
    if len(text) < 4:
        return text
    at = chance.between(1, len(text) - 2)
    kind = chance.pick(("swap", "drop", "double", "neighbour"))
    if kind == "swap" and text[at] != text[at + 1]:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if kind == "drop":
        return text[:at] + text[at + 1 :]
    if kind == "double":
        return text[:at] + text[at] + text[at:]
    return text[:at] + NEIGHBOURS.get(text[at].lower(), "e" if text[at] != "e" else "r") + text[at + 1 :]


def wrong_digit(number: str, chance: Chance) -> str:
    """An E.164 number with one of its last five digits wrong, or with two of them swapped."""
    at = len(number) - chance.between(2, 5)
    if chance.happens(0.5) and number[at] != number[at + 1]:
        return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    return number[:at] + str((int(number[at]) + chance.between(1, 9)) % 10) + number[at + 1 :]


def without_accents(text: str, chance: Chance) -> str:
    """Müller as Mueller or Muller, Zoé as Zoe."""
    return anyascii(text.translate(UMLAUTS) if chance.happens(0.6) else text)


def day_for_month(birth_on: date) -> date:
    """Day and month swapped, where that is a date; otherwise as it was."""
    return birth_on if birth_on.day > 12 else birth_on.replace(month=birth_on.day, day=birth_on.month)


def street_line(address: Address, chance: Chance) -> str:
    """Street and number the way the country writes them, often abbreviated."""
    street = address.street
    fitting = [(long, short) for long, short in ABBREVIATIONS[address.country] if long in street]
    if fitting and chance.happens(0.35):
        long, short = chance.pick(fitting)
        street = street.replace(long, short)
    if address.country == "DE":
        return f"{street} {address.house_number}"
    comma = "," if address.country == "FR" and chance.happens(0.3) else ""
    return f"{address.house_number}{comma} {street}"


def phone_as_written(number: str, country: str, styles: Sequence[str], chance: Chance) -> str:
    """An E.164 number in one of the styles: national, spaced, international, zeros (0044...), e164."""
    code = number[1:3]
    rest = number[3:]
    style = chance.pick(styles)
    if style == "national":
        return f"0{rest}"
    if style == "spaced":
        step = 2 if country == "FR" else 4
        digits = f"0{rest}"
        return " ".join(digits[at : at + step] for at in range(0, len(digits), step))
    if style == "zeros":
        return f"00{code} {rest[:3]} {rest[3:]}"
    return f"+{code} {rest[:3]} {rest[3:]}" if style == "international" else number
