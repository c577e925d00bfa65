"""What yesterday has already done and still holds: only the rest is standardised, scored and clustered tonight.

Belongs here: what such work depends on, and what of it is new. Does not belong here: the work (standardise, link,
cluster). Everything here may only save work: a night that finds nothing to keep gives the same tables.

The chain of digests: a record's `contact_digest` covers the compared columns of its contact, this phase's code and the
libraries that it calls, and in `compared_records` which of its values are set aside; a scored edge holds between two
records of which yesterday had the same digests, under the same artefact, an exact key where that is so for all who share
it, a golden record where its person's records say the same; a component's `component_digest` covers its records' digests,
its exact keys, people's word, the sources that hold each person once, the cut, and the artefact; what of all components
stands without being looked at says `unsettled`.
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


def contact_digests(building: Building) -> str:
    """Two digests of every record of tonight: of what is compared, and of all that may become golden."""
    return f"""
SELECT record_key, contact_digest, hash(contact_digest, language, updated_at, created_at)
FROM (SELECT *, hash({literal(rules_key(building))}, {COMPARED}) AS contact_digest FROM contacts)"""


def changed_contacts(_: Building) -> str:
    """The records whose contact is new, gone, or not what yesterday standardised."""
    return """
SELECT coalesce(digests.record_key, before.record_key)
FROM computed.contact_digests AS digests
FULL JOIN yesterday.main.standardised AS before ON before.record_key = digests.record_key
WHERE digests.contact_digest IS DISTINCT FROM before.contact_digest"""


def written_addresses(building: Building) -> str:
    """Every e-mail address and phone number of contacts and consents as somebody wrote it; '' where no country counts."""
    return f"""
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


def changed_records(artefact_key: str) -> str:
    """The records that are new, gone, or compared by other values than yesterday; all of them under another artefact.

    Between two others yesterday's scored edges hold.
    """
    return f"""
SELECT coalesce(compared.record_key, before.record_key)
FROM compared_records AS compared
FULL JOIN yesterday.main.compared_records AS before ON before.record_key = compared.record_key
WHERE compared.contact_digest IS DISTINCT FROM before.contact_digest
    OR NOT EXISTS (SELECT 1 FROM yesterday.main.edges WHERE artefact_key = {literal(artefact_key)})"""


def open_keys(_: Building) -> str:
    """The records that share, or shared, a mailbox or a number with a changed one: yesterday's exact keys do not hold."""
    return """
WITH tonight AS MATERIALIZED (
    SELECT record_key, email_std, phone_std FROM compared_records
), changed AS (
    SELECT email_std, phone_std FROM tonight SEMI JOIN computed.changed_records USING (record_key)
    UNION ALL
    SELECT email_std, phone_std FROM yesterday.main.compared_records SEMI JOIN computed.changed_records USING (record_key)
)
SELECT record_key, 'email' FROM tonight SEMI JOIN changed USING (email_std)
UNION ALL
SELECT record_key, 'phone' FROM tonight SEMI JOIN changed USING (phone_std)"""


def changed_people(_: Building) -> str:
    """The people who are new, gone, or whose records say something else than yesterday, with the digest of what they say.

    What an address is worth that others share, and which sources the project puts first, count too.
    """
    return """
WITH unfit AS (
    SELECT kind, value FROM shared_values WHERE reason <> 'role mailbox'
), unfit_records AS (
    SELECT record_key, bool_or(kind = 'email') AS is_email_unfit, bool_or(kind = 'phone') AS is_phone_unfit
    FROM (
        SELECT record_key, kind FROM standardised JOIN unfit ON kind = 'email' AND value = email_std
        UNION ALL
        SELECT record_key, kind FROM standardised JOIN unfit ON kind = 'phone' AND value = phone_std
    )
    GROUP BY record_key
), ranks AS (
    SELECT coalesce(bit_xor(hash(field, source, place)), 0) AS digest FROM computed.source_ranks
), digests AS (
    SELECT
        records.person_id,
        bit_xor(hash(records.record_key, said_digest, is_email_unfit, is_phone_unfit, ranks.digest)) AS words_digest
    FROM records
    CROSS JOIN ranks
    LEFT JOIN computed.contact_digests ON contact_digests.record_key = records.record_key
    LEFT JOIN unfit_records ON unfit_records.record_key = records.record_key
    GROUP BY records.person_id
)
SELECT coalesce(digests.person_id, before.person_id), digests.words_digest
FROM digests
FULL JOIN yesterday.main.people_words AS before ON before.person_id = digests.person_id
WHERE digests.words_digest IS DISTINCT FROM before.words_digest"""


def exact_key_records(connection: Connection) -> pl.DataFrame:
    """The records of `open_keys`, with only these to compare."""
    return frame(
        connection,
        """
SELECT compared.* REPLACE (
    CASE WHEN mailboxes.record_key IS NOT NULL THEN compared.email_std END AS email_std,
    CASE WHEN numbers.record_key IS NOT NULL THEN compared.phone_std END AS phone_std
)
FROM compared_records AS compared
LEFT JOIN (SELECT record_key FROM computed.main.open_keys WHERE kind = 'email') AS mailboxes
    ON mailboxes.record_key = compared.record_key
LEFT JOIN (SELECT record_key FROM computed.main.open_keys WHERE kind = 'phone') AS numbers
    ON numbers.record_key = compared.record_key
WHERE mailboxes.record_key IS NOT NULL OR numbers.record_key IS NOT NULL""",
    )
