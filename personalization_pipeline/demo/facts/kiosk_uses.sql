-- One row per session at a kiosk of a store, signed in or not. Plants: one kiosk with 40 logins (P1).
WITH uses AS (
    SELECT devices.person_n, devices.device_id AS kiosk_id
    FROM devices
    JOIN crowd ON crowd.person_n = devices.person_n
    WHERE devices.kind = 'kiosk' AND crowd.case_name <> 'kiosk_login'
    UNION ALL
    SELECT person_n, 'ki-of-forty-logins' FROM crowd WHERE case_name = 'kiosk_login'
)
SELECT
    crowd.person_n,
    uses.kiosk_id,
    crowd.shop_id,
    crowd.email,
    crowd.home_brand AS brand,
    crowd.favourite_category,
    chance(concat('kiosk|', crowd.person_n, '|', uses.kiosk_id)) AS h,
    CASE crowd.case_name
        WHEN 'kiosk_login' THEN TIMESTAMP '2026-05-02 09:00:00' + to_minutes(CAST(chance(concat('kiosk at|', crowd.person_n)) % 80000 AS BIGINT))
        ELSE day_after(coalesce(crowd.shop_since, crowd.joined_at), chance(concat('kiosk at|', crowd.person_n)))
    END AS started_at,
    crowd.shop_id IS NOT NULL AND (crowd.case_name = 'kiosk_login' OR u(crowd.person_n, 'signs in at the kiosk') < 0.6) AS is_signed_in
FROM uses
JOIN crowd ON crowd.person_n = uses.person_n
