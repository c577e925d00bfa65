-- One row per word about an address: who said what about which purpose and channel, when, on what evidence.
-- owner: team:privacy
-- private
-- column basis: consent = the person's own word; declared = a source without consent data, decided by a named person
-- check: count(*) FILTER (status NOT IN ('granted', 'refused', 'pending')) = 0
WITH addresses AS (
    SELECT record_key, source, brand, 'record' AS address_kind, record_key AS address
    FROM contacts
    UNION ALL
    SELECT record_key, source, brand, 'email', email
    FROM contacts
    WHERE email IS NOT NULL
    UNION ALL
    SELECT record_key, source, brand, 'phone', phone
    FROM contacts
    WHERE phone IS NOT NULL
), declared AS (
    SELECT
        addresses.record_key,
        addresses.address_kind,
        addresses.address,
        addresses.brand,
        word.purpose,
        word.channel,
        word.status,
        CAST(word.decided_on AS TIMESTAMP) AS decided_at,
        CAST(NULL AS TIMESTAMP) AS expires_at,
        word.evidence,
        addresses.source,
        'declared' AS basis
    FROM computed.declared_consents AS word
    JOIN addresses ON addresses.source = word.source
)
SELECT * EXCLUDE (file_key, row_number), 'consent' AS basis
FROM facts.consents
UNION ALL
SELECT *
FROM declared
