-- One row per person who plays a planted case of the touchpoints. Most are planted with the people (people.persona); the
-- others are the first plain customers with a shop account, in order of their number, so that every world has them.
WITH planted AS (
    SELECT person_n, persona AS case_name
    FROM people
    WHERE persona <> ''
), plain AS (
    SELECT person_n, row_number() OVER (ORDER BY person_n) AS place
    FROM people
    WHERE persona = '' AND is_customer AND NOT is_bot AND joined_at < TIMESTAMP '2026-05-01'
        AND person_n IN (SELECT person_n FROM records WHERE source = 'shopify_customers')
), ordered AS (
    SELECT plain.*, row_number() OVER (ORDER BY place) AS order_place
    FROM plain
    WHERE person_n IN (SELECT person_n FROM orders WHERE source = 'shopify' AND NOT is_cancelled AND ordered_at < TIMESTAMP '2026-05-01')
), chosen AS (
    SELECT person_n, 'negative_review' AS case_name FROM ordered WHERE order_place = 1
    UNION ALL SELECT person_n, 'anonymous_stitched' FROM ordered WHERE order_place = 2
    UNION ALL SELECT person_n, 'consent_expired' FROM ordered WHERE order_place = 3
    UNION ALL SELECT person_n, 'consent_withdrawn' FROM ordered WHERE order_place = 4
    UNION ALL SELECT person_n, 'consent_other_brand' FROM ordered WHERE order_place = 5
    UNION ALL SELECT person_n, 'kiosk_login' FROM plain WHERE place BETWEEN 11 AND 50
    UNION ALL SELECT person_n, 'placeholder_email' FROM plain WHERE place BETWEEN 51 AND 50 + least(300, 3 + (SELECT count(*) FROM plain) // 60)
)
SELECT * FROM planted
UNION ALL
(
    SELECT *
    FROM chosen
    QUALIFY row_number() OVER (PARTITION BY person_n ORDER BY case_name IN ('kiosk_login', 'placeholder_email'), case_name) = 1
)
ORDER BY person_n
