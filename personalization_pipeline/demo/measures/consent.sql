-- Grants by address, brand, purpose and channel, as the night holds them and as they truly are.
-- plain: the consent register alone, deaf to unsubscribes and STOP replies
-- The truth is that of the world's first night: what was said or ran out after it is left out.
WITH promised AS (
    SELECT
        concat(address_kind, ':', CASE address_kind WHEN 'record' THEN record_key ELSE address END) AS address,
        brand,
        purpose,
        channel,
        is_granted
    FROM true_consents
    WHERE NOT coalesce(expires_at > first_night() AND expires_at <= as_of(), false)
), held AS (
    SELECT address, brand, purpose, channel, status = 'granted' AS is_granted, decided_at
    FROM consent_state
    WHERE basis = 'consent'
), registered AS (
    SELECT
        concat(address_kind, ':', replace(lower(address), ' ', '')) AS address,
        brand,
        purpose,
        channel,
        max_by(status, (decided_at, status)) = 'granted' AS is_granted
    FROM consents
    WHERE source = 'consent_export' AND decided_at <= as_of() AND coalesce(expires_at > as_of(), true)
    GROUP BY ALL
), compared AS (
    SELECT
        coalesce(promised.is_granted, false) AS is_true,
        coalesce(held.is_granted, false) AS is_held,
        coalesce(registered.is_granted, false) AS is_registered
    FROM promised
    FULL JOIN held ON held.address = promised.address AND held.brand = promised.brand
        AND held.purpose = promised.purpose AND held.channel = promised.channel
    LEFT JOIN registered ON registered.address = coalesce(promised.address, held.address)
        AND registered.brand = coalesce(promised.brand, held.brand)
        AND registered.purpose = coalesce(promised.purpose, held.purpose)
        AND registered.channel = coalesce(promised.channel, held.channel)
    WHERE NOT coalesce(held.decided_at > first_night(), false)
)
SELECT
    'grants' AS figure,
    count(*) FILTER (is_held) AS pipeline,
    count(*) FILTER (is_registered) AS plain,
    count(*) FILTER (is_true) AS truth
FROM compared
UNION ALL
SELECT 'grants that nobody gave, or that were taken back', count(*) FILTER (is_held AND NOT is_true), count(*) FILTER (is_registered AND NOT is_true), 0
FROM compared
UNION ALL
SELECT 'grants that the night does not know of', count(*) FILTER (is_true AND NOT is_held), count(*) FILTER (is_true AND NOT is_registered), 0
FROM compared
