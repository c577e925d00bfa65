-- One row per person, brand, purpose and channel about which she was asked: her answer, and what became of it.
-- Plants: withdrawals, expiries, double opt-ins that were never confirmed (DE e-mail), consent for the other brand only.
WITH questions (purpose, channel, address_kind, grants, refuses) AS (
    VALUES
        ('marketing', 'email', 'email', 0.62, 0.16),
        ('marketing', 'sms', 'phone', 0.40, 0.28),
        ('ads_sharing', 'ads', 'email', 0.40, 0.28),
        ('ads_personalization', 'ads', 'email', 0.38, 0.30),
        ('profiling', 'any', 'record', 0.74, 0.08)
), asked AS (
    SELECT crowd.*, brands.brand, questions.*, concat(crowd.person_n, '|', brands.brand, '|', questions.purpose, '|', questions.channel) AS key
    FROM crowd
    CROSS JOIN questions
    CROSS JOIN LATERAL (
        SELECT crowd.home_brand AS brand
        UNION ALL
        SELECT crowd.other_brand WHERE crowd.buys_both OR crowd.case_name = 'consent_other_brand' OR u(crowd.person_n, 'other brand asks') < 0.12
    ) AS brands
    WHERE crowd.shop_id IS NOT NULL AND NOT crowd.is_bot
), answered AS (
    SELECT
        *,
        case_name IN ('fashion_shopper', 'replenishment', 'sms_responder', 'cross_brand', 'wii_game') AS says_yes,
        case_name IN ('consent_expired', 'consent_withdrawn', 'consent_other_brand') AND purpose <> 'profiling' AS is_case,
        -- most are asked when they open their account, some later
        shop_since + to_seconds(60 + CAST(floor(power(u(key, 'asked'), 4) * epoch(TIMESTAMP '2026-08-01' - shop_since)) AS BIGINT)) AS drawn_at,
        -- one banner asks for both uses in advertising, and most give one answer
        u(CASE WHEN channel = 'ads' THEN concat(person_n, '|', brand, '|ads') ELSE key END, 'answer') AS answer_u
    FROM asked
), decided AS (
    SELECT
        *,
        CASE
            WHEN is_case THEN TIMESTAMP '2024-08-01 10:00:00'
            WHEN says_yes THEN least(shop_since, TIMESTAMP '2025-06-01') + INTERVAL 2 MINUTE
            ELSE drawn_at
        END AS asked_at,
        CASE
            WHEN is_case AND case_name = 'consent_other_brand' AND brand = home_brand THEN 'none'
            WHEN is_case AND channel = 'email' THEN 'granted'
            WHEN is_case THEN 'none'
            WHEN says_yes OR answer_u < grants THEN 'granted'
            WHEN answer_u < grants + refuses THEN 'refused'
            ELSE 'none'
        END AS answer,
        NOT is_case AND NOT says_yes AND country = 'DE' AND channel = 'email' AS is_double,
        NOT is_case AND NOT says_yes AND u(key, 'withdrawn') < 0.10 AS is_fickle
    FROM answered
)
SELECT
    person_n,
    person_id,
    brand,
    purpose,
    channel,
    address_kind,
    CASE address_kind WHEN 'email' THEN email WHEN 'phone' THEN phone ELSE shop_id END AS address,
    shop_id,
    key,
    asked_at,
    answer,
    CASE
        WHEN answer <> 'granted' THEN NULL
        WHEN NOT is_double THEN asked_at
        WHEN u(key, 'confirms') < 0.92 THEN asked_at + to_seconds(40 + CAST(floor(power(u(key, 'confirms at'), 3) * 172800) AS BIGINT))
    END AS granted_at,
    CASE
        WHEN answer = 'granted' AND case_name = 'consent_withdrawn' THEN TIMESTAMP '2026-03-03 17:20:00'
        WHEN answer = 'granted' AND is_fickle
            THEN asked_at + INTERVAL 20 DAY + to_minutes(CAST(floor(u(key, 'withdrawn at') * 700000) AS BIGINT))
    END AS withdrawn_at,
    CASE
        WHEN answer <> 'granted' THEN NULL
        WHEN is_case AND case_name = 'consent_expired' THEN TIMESTAMP '2026-02-01 10:00:00'
        WHEN is_case OR says_yes THEN NULL
        WHEN u(key, 'competition') < 0.08 THEN asked_at + INTERVAL 6 MONTH
        WHEN channel IN ('sms', 'ads') THEN asked_at + INTERVAL 24 MONTH
    END AS expires_at,
    is_double,
    ['web-checkout', 'app-onboarding', 'store-tablet', 'newsletter-footer'][1 + CAST(floor(u(key, 'form') * 4) AS BIGINT)] AS form
FROM decided
WHERE answer <> 'none' AND address IS NOT NULL AND address <> ''
ORDER BY person_n, brand, purpose, channel
