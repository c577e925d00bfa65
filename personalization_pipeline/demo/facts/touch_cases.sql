-- One row per thing that a planted case of the touchpoints is about: the person, and the device, record or article to look
-- for; what cases.sql says of planted people is not said again.
WITH named (case_name, requirement) AS (
    VALUES
        ('negative_review', 'R14'), ('anonymous_stitched', 'R22'), ('consent_expired', 'P4'), ('consent_withdrawn', 'P4'),
        ('consent_other_brand', 'R7'), ('kiosk_login', 'R13'), ('placeholder_email', 'P1')
), played AS (
    SELECT named.case_name, named.requirement, crowd.*
    FROM named
    JOIN crowd ON crowd.case_name = named.case_name
)
SELECT case_name, requirement, 'person' AS kind, person_id AS value FROM played
UNION ALL
SELECT case_name, requirement, 'record', concat('shopify_customers:', shop_id) FROM played WHERE shop_id IS NOT NULL
UNION ALL
SELECT played.case_name, played.requirement, 'anonymous', handsets.anonymous_id
FROM played
JOIN handsets ON handsets.person_n = played.person_n AND NOT handsets.is_app
WHERE played.case_name = 'anonymous_stitched'
UNION ALL
SELECT DISTINCT 'kiosk_login', 'R13', 'device', kiosk_id FROM kiosk_uses WHERE kiosk_id = 'ki-of-forty-logins'
UNION ALL
SELECT 'fashion_shopper', 'R11', 'handle', concat(network, '/@', handle) FROM handles WHERE is_case
UNION ALL
SELECT 'bot', 'P1', 'person', person_id FROM crowd WHERE is_bot AND person_n < 20000
UNION ALL
SELECT 'placeholder_email', 'P1', 'record', concat('segment_events:', shop_id) FROM played WHERE case_name = 'placeholder_email'
UNION ALL
SELECT 'negative_review', 'R14', 'sku', product_id
FROM (SELECT reviews.product_id, crowd.case_name FROM landed_reviews AS reviews JOIN crowd ON crowd.shop_id = reviews.customer_id WHERE reviews.rating = 1)
WHERE case_name = 'negative_review'
ORDER BY ALL
