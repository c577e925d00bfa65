-- What is true of every address, brand, purpose and channel at the first night's as_of: given and not taken back by anybody's
-- word, also by one that only the e-mail or text system heard; of two people with one address the later word decides.
WITH stopped AS (
    SELECT person_n, brand, 'email' AS channel, min(unsubscribed_at) AS stopped_at
    FROM email_sends
    WHERE unsubscribed_at IS NOT NULL
    GROUP BY ALL
    UNION ALL
    SELECT person_n, brand, 'sms', min(stopped_at) FROM sms_sends WHERE stopped_at IS NOT NULL GROUP BY ALL
), lives AS (
    SELECT
        consents.*,
        least(consents.withdrawn_at, stopped.stopped_at) AS ended_at
    FROM consents
    LEFT JOIN stopped ON stopped.person_n = consents.person_n AND stopped.brand = consents.brand
        AND stopped.channel = consents.channel AND consents.purpose = 'marketing'
), said AS (
    SELECT
        *,
        greatest(
            CASE WHEN asked_at <= as_of() THEN asked_at END,
            CASE WHEN granted_at <= as_of() THEN granted_at END,
            CASE WHEN ended_at <= as_of() THEN ended_at END
        ) AS last_word_at,
        coalesce(
            granted_at <= as_of() AND NOT coalesce(ended_at <= as_of(), false) AND NOT coalesce(expires_at <= as_of(), false),
            false
        ) AS is_granted
    FROM lives
)
SELECT
    person_id,
    concat('shopify_customers:', shop_id) AS record_key,
    address_kind,
    address,
    brand,
    purpose,
    channel,
    granted_at,
    ended_at,
    expires_at,
    is_granted
FROM said
WHERE last_word_at IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY address_kind, address, brand, purpose, channel ORDER BY last_word_at DESC, is_granted, person_id) = 1
ORDER BY address_kind, address, brand, purpose, channel
