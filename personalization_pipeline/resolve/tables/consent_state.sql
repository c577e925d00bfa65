-- One row per address, brand, purpose and channel on which somebody spoke: the latest word decides, a tie means no, a pending or expired grant means no; a declared grant counts only where the person said nothing herself. What is absent is no.
-- owner: team:privacy
-- private
-- column decided_at: when the deciding word was said
-- check: count(*) FILTER (status NOT IN ('granted', 'refused')) = 0
WITH words AS (
    SELECT
        CASE consents.address_kind WHEN 'record' THEN 'record:' || consents.address ELSE found.standard_address END AS address,
        coalesce(consents.brand, '') AS brand,
        consents.purpose,
        consents.channel,
        consents.decided_at,
        consents.basis,
        consents.evidence,
        consents.status = 'granted' AND coalesce(consents.expires_at > tonight.as_of, true) AS is_grant
    FROM consents
    CROSS JOIN tonight
    LEFT JOIN contacts ON contacts.record_key = consents.record_key
    LEFT JOIN standard_addresses AS found
        ON found.address_kind = consents.address_kind
        AND found.address = consents.address
        AND found.country = CASE consents.address_kind WHEN 'phone' THEN coalesce(contacts.country, '') ELSE '' END
    WHERE consents.decided_at <= tonight.as_of
), heard AS (
    SELECT *, count(*) FILTER (basis = 'consent') OVER (PARTITION BY address, brand, purpose, channel) AS own_count
    FROM words
    WHERE address IS NOT NULL
), latest AS (
    SELECT *, max(decided_at) OVER (PARTITION BY address, brand, purpose, channel) AS last_decided_at
    FROM heard
    WHERE NOT (is_grant AND basis = 'declared' AND own_count > 0)
)
SELECT
    address,
    brand,
    purpose,
    channel,
    CASE WHEN bool_and(is_grant) THEN 'granted' ELSE 'refused' END AS status,
    decided_at,
    min(basis) AS basis,
    min(evidence) AS evidence
FROM latest
WHERE decided_at = last_decided_at
GROUP BY address, brand, purpose, channel, decided_at
