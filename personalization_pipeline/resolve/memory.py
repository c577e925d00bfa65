"""What yesterday has already done and still holds: only the rest is standardised, scored and clustered tonight.

Belongs here: what such work depends on, and what of it is new. Does not belong here: the work (standardise, link,
cluster). Everything here may only save work: a night that finds nothing to keep gives the same tables.

The chain of digests: a record's `contact_digest` covers the compared columns of its contact, this phase's code and the
libraries that it calls, and in `compared_records` which of its values are set aside; a scored edge holds between two
records of which yesterday had the same digests, under the same artefact, and an exact key where that is so for all who
share it; a component's `component_digest` covers its records' digests, its exact keys, people's word, the sources that
hold each person once, the cut, and the artefact.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import version
from pathlib import Path

import polars as pl

from personalization_pipeline.foundation.building import Building
from personalization_pipeline.foundation.warehouse import Connection, frame, literal

COMPARED = "first_name, last_name, email, phone, birth_date, street, postal_code, city, country, same_as_key"
LIBRARIES = ("anyascii", "duckdb", "nicknames", "phonenumbers", "polars", "scipy", "splink")


def rules_key(building: Building) -> str:
    """What standardising, scoring and clustering depend on besides records and artefact: 16 hex digits."""
    return _rules_key(building.project.settings.default_country or "")


@functools.cache
def _rules_key(default_country: str) -> str:
    folder = Path(__file__).parent
    digest = hashlib.sha256(default_country.encode())
    for path in sorted(path for kind in ("*.py", "*.yaml", "tables/*.sql") for path in folder.glob(kind)):
        digest.update(path.read_bytes())
    digest.update(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    return digest.hexdigest()[:16]


def contact_digests(building: Building) -> None:
    """The digest of every record of tonight."""
    # Two characters that no file of text holds: one for NULL, one between columns.
    texts = ", ".join(f"coalesce(CAST({column} AS VARCHAR), chr(0))" for column in COMPARED.split(", "))
    building.connection.execute(
        "INSERT INTO computed.main.contact_digests "
        f"SELECT record_key, md5_number_lower(concat_ws(chr(31), {literal(rules_key(building))}, {texts})) FROM contacts"
    )


def written_addresses(building: Building) -> None:
    """Every e-mail address and phone number of contacts and consents as somebody wrote it; '' where no country counts."""
    building.connection.execute(
        f"""
INSERT INTO computed.main.written_addresses
SELECT *, {literal(rules_key(building))}
FROM (
    SELECT 'email', email, '' FROM contacts WHERE email IS NOT NULL
    UNION
    SELECT 'phone', phone, coalesce(country, '') FROM contacts WHERE phone IS NOT NULL
    UNION
    SELECT consents.address_kind, consents.address,
        CASE consents.address_kind WHEN 'phone' THEN coalesce(contacts.country, '') ELSE '' END
    FROM consents
    LEFT JOIN contacts ON contacts.record_key = consents.record_key
    WHERE consents.address_kind <> 'record'
)"""
    )


def known_records(building: Building, artefact_key: str) -> None:
    """The records between which yesterday's scored edges hold: none under another artefact; and whether all who have,
    or had, a record's mailbox and number are such, too: only then yesterday's exact keys hold.
    """
    building.connection.execute(
        f"""
INSERT INTO computed.main.known_records
WITH known AS (
    SELECT compared.record_key, compared.email_std, compared.phone_std
    FROM compared_records AS compared
    JOIN yesterday.main.compared_records AS before
        ON before.record_key = compared.record_key AND before.contact_digest = compared.contact_digest
    WHERE EXISTS (FROM yesterday.main.edges WHERE artefact_key = {literal(artefact_key)})
), others AS (
    SELECT email_std, phone_std FROM compared_records ANTI JOIN known USING (record_key)
    UNION ALL
    SELECT email_std, phone_std FROM yesterday.main.compared_records ANTI JOIN known USING (record_key)
)
SELECT known.record_key, mailboxes.email_std IS NULL, numbers.phone_std IS NULL
FROM known
LEFT JOIN (SELECT DISTINCT email_std FROM others) AS mailboxes ON mailboxes.email_std = known.email_std
LEFT JOIN (SELECT DISTINCT phone_std FROM others) AS numbers ON numbers.phone_std = known.phone_std"""
    )


def exact_key_records(connection: Connection) -> pl.DataFrame:
    """The records that share, or shared, a mailbox or a number with one that is not known, with only these to compare."""
    return frame(
        connection,
        """
WITH marked AS (
    SELECT
        compared.record_key,
        coalesce(known.is_mailbox_known, false) AS is_mailbox_known,
        coalesce(known.is_number_known, false) AS is_number_known
    FROM compared_records AS compared
    LEFT JOIN computed.main.known_records AS known ON known.record_key = compared.record_key
)
SELECT compared.* REPLACE (
    CASE WHEN NOT marked.is_mailbox_known THEN compared.email_std END AS email_std,
    CASE WHEN NOT marked.is_number_known THEN compared.phone_std END AS phone_std
)
FROM compared_records AS compared
JOIN marked ON marked.record_key = compared.record_key
WHERE NOT marked.is_mailbox_known OR NOT marked.is_number_known""",
    )
