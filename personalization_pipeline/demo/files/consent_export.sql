-- The consent platform's ledger: one line per word about an address, brand, purpose and channel, with its evidence.
-- A double opt-in is pending until its link was followed; what expires has its date on the line.
WITH words AS (
    SELECT *, 'opt_in' AS action, granted_at AS recorded_at FROM consents WHERE granted_at IS NOT NULL
    UNION ALL SELECT *, 'pending', asked_at FROM consents WHERE answer = 'granted' AND is_double
    UNION ALL SELECT *, 'opt_out', asked_at FROM consents WHERE answer = 'refused'
    UNION ALL SELECT *, 'withdrawn', withdrawn_at FROM consents WHERE withdrawn_at > granted_at
)
SELECT
    recorded_at AS arrived_at,
    CAST(CAST(md5(concat(key, action)) AS UUID) AS VARCHAR) AS consent_event_id,
    shop_id AS customer_id,
    address_kind AS identifier_type,
    address AS identifier,
    brand,
    purpose,
    channel,
    action,
    strftime(recorded_at, '%Y-%m-%dT%H:%M:%SZ') AS recorded_at,
    CASE WHEN action = 'opt_in' THEN strftime(expires_at, '%Y-%m-%dT%H:%M:%SZ') END AS expires_at,
    form,
    concat('v', 1 + year(recorded_at) - 2024) AS form_version,
    md5(concat(form, year(recorded_at))) AS wording_md5,
    CASE WHEN is_double AND action = 'opt_in' THEN 'confirmed by link' END AS double_opt_in
FROM words
