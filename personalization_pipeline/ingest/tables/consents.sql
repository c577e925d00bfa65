-- One row per word about an address: who said what about which purpose and channel, when, on what evidence.
-- owner: team:privacy
-- private
-- column basis: consent = the person's own word; declared = a source without consent data, decided by a named person
-- check: count(*) FILTER (status NOT IN ('granted', 'refused', 'pending')) = 0
WITH declared AS (
    SELECT
        contact.record_key,
        'record' AS address_kind,
        contact.record_key AS address,
        contact.brand,
        word.purpose,
        word.channel,
        word.status,
        CAST(word.decided_on AS TIMESTAMP) AS decided_at,
        CAST(NULL AS TIMESTAMP) AS expires_at,
        word.evidence,
        contact.source,
        'declared' AS basis
    FROM computed.declared_consents AS word
    JOIN contacts AS contact ON contact.source = word.source
)
SELECT * EXCLUDE (file_key, row_number), 'consent' AS basis
FROM facts.consents
UNION ALL
SELECT *
FROM declared
