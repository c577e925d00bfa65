"""The files that the two systems of the demo shop land: order lines by month, and a register of the CRM.

Belongs here: the columns, formats and habits of each file. Does not belong here: what is true (people, orders) and what
each system got wrong (records). The mappings back are in the demo project's `sources/`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from personalization_pipeline.demo import mistakes
from personalization_pipeline.demo.chance import Chance
from personalization_pipeline.demo.orders import CLOSED_AT, OPENED_AT, History, Line, Purchase
from personalization_pipeline.demo.people import Person
from personalization_pipeline.demo.records import CRM, SHOP, Record

WEB_COLUMNS = (
    *("order_id", "created_at", "booked_at", "line_no", "customer_id", "first_name", "last_name", "email", "phone"),
    *("street", "city", "postal_code", "country", "sku", "product", "category", "quantity", "line_total", "discount"),
    *("payment_method", "status"),
)
CRM_COLUMNS = (
    *("id", "salutation", "first_name", "last_name", "email", "mobile", "birth_date", "street", "zip", "city"),
    *("country", "language", "email_optin", "sms_optin", "ads_optin", "profiling_optin", "consent_at", "updated_at"),
)
SALUTATIONS = {"GB": {"f": "Ms", "m": "Mr"}, "DE": {"f": "Frau", "m": "Herr"}, "FR": {"f": "Mme", "m": "M."}}
COUNTRY_NAMES = {"GB": "United Kingdom", "DE": "Germany", "FR": "France"}
LANGUAGES = {"GB": "en", "DE": "de", "FR": "fr"}
OFFICE_FORMAT = "%d.%m.%Y %H:%M"
OPT_INS = {  # by what the form asks for; blank is a person who was never asked
    "email": (("yes", 0.52), ("no", 0.18), ("", 0.30)),
    "sms": (("yes", 0.36), ("no", 0.30), ("", 0.34)),
    "ads": (("yes", 0.38), ("no", 0.30), ("", 0.32)),
    "profiling": (("yes", 0.66), ("no", 0.10), ("", 0.24)),
}


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A CSV file with a header, LF line ends."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def web_orders(records: Sequence[Record], histories: Mapping[str, History], seed: int) -> dict[str, str]:
    """The shop's files by name, `<year>-<month>.csv`: each booked line once, in the month of its booking."""
    chance = Chance(seed, "web orders")
    accounts: dict[str, list[tuple[Record, list[str]]]] = {}
    for record in records:
        if record.source == SHOP:
            accounts.setdefault(record.person_id, []).append((record, _account_cells(record, chance)))
    orders = [
        (purchase.created_at, *[used for used in accounts[person_id] if used[0].first_purchase <= number][-1], purchase)
        for person_id, history in histories.items()
        for number, purchase in enumerate(history.purchases)
    ]
    orders.sort(key=lambda order: (order[0], order[1].record_id))
    lines = [
        (line.booked_at, number, line.line_number, _web_row(f"W{number}", account.record_id, cells, purchase, line))
        for number, (_, account, cells, purchase) in enumerate(orders, 100_001)
        for line in purchase.lines
    ]
    months: dict[str, list[list[str]]] = {}
    for booked_at, _, _, row in sorted(lines):
        months.setdefault(f"{booked_at:%Y-%m}.csv", []).append(row)
    return {name: csv_text(WEB_COLUMNS, rows) for name, rows in months.items()}


def _account_cells(record: Record, chance: Chance) -> list[str]:
    """What the account repeats on every line: first_name to country."""
    first_name, last_name = _names_as_typed(record, chance)
    styles = ("national", "national", "spaced", "e164", "international")
    phone = mistakes.phone_as_written(record.phone, record.country, styles, chance) if record.phone else ""
    place = [record.street, record.city, record.postal_code, record.country]
    return [first_name, last_name, record.email, phone, *place]


def _web_row(order_id: str, customer_id: str, account: list[str], purchase: Purchase, line: Line) -> list[str]:
    article = [line.product.sku, line.product.name, line.product.category]
    amounts = [str(line.quantity), _money(line.total_cents), _money(line.discount_cents)]
    times = [f"{moment:%Y-%m-%d %H:%M:%S} +0000" for moment in (purchase.created_at, line.booked_at)]
    return [
        *(order_id, *times, str(line.line_number), customer_id),
        *(*account, *article, *amounts, purchase.payment, line.status),
    ]


def _money(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def crm_customers(records: Sequence[Record], people: Sequence[Person], seed: int) -> str:
    """The CRM's register, one row per entry, in order of id."""
    chance = Chance(seed, "crm customers")
    genders = {person.person_id: person.member.gender for person in people}
    rows = [_crm_row(record, genders[record.person_id], chance) for record in records if record.source == CRM]
    return csv_text(CRM_COLUMNS, sorted(rows))


def _crm_row(record: Record, gender: str, chance: Chance) -> list[str]:
    first_name, last_name = _names_as_typed(record, chance)
    email = record.email
    if chance.happens(0.08):
        email = chance.pick((email.upper(), email.capitalize(), f"{email} " if email else ""))
    styles = ("national", "spaced", "international", "zeros")
    mobile = mistakes.phone_as_written(record.phone, record.country, styles, chance) if record.phone else ""
    # Nobody is asked about a channel for which there is no address.
    address_for = {"email": record.email, "sms": record.phone, "ads": record.email, "profiling": record.record_id}
    answers = [chance.pick_weighted(OPT_INS[about]) if address else "" for about, address in address_for.items()]
    consent_at, updated_at = sorted(_office_time(chance) for _ in range(2))
    return [
        *(record.record_id, SALUTATIONS[record.country][gender], first_name, last_name, email, mobile),
        f"{record.birth_on:%d.%m.%Y}" if record.birth_on else "",
        *(record.street, record.postal_code, record.city, COUNTRY_NAMES[record.country], LANGUAGES[record.country]),
        *(*answers, f"{consent_at:{OFFICE_FORMAT}}" if any(answers) else "", f"{updated_at:{OFFICE_FORMAT}}"),
    ]


def _names_as_typed(record: Record, chance: Chance) -> tuple[str, str]:
    """One habit for both names: as they are, in capitals, or in small letters."""
    style = chance.pick_weighted((("as it is", 0.94), ("capitals", 0.04), ("small", 0.02)))
    if style == "capitals":
        return record.first_name.upper(), record.last_name.upper()
    if style == "small":
        return record.first_name.lower(), record.last_name.lower()
    return record.first_name, record.last_name


def _office_time(chance: Chance) -> datetime:
    """A moment of the CRM's office hours, in its local time, until the evening before CLOSED_AT."""
    days = chance.between(1, 3 * (CLOSED_AT - OPENED_AT).days // 2)
    return CLOSED_AT - timedelta(days=days) + timedelta(minutes=chance.between(8 * 60, 18 * 60))
