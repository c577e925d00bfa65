-- One row per person and device that she browses on, and once more where it runs the app: its cookie, its clock, and the part
-- of every event's JSON that is the same for all of them. Who owns no device borrows one that nobody else has.
-- Plants: a shared device gives its household one anonymousId; some clocks are hours off, a few half a century.
WITH owned AS (
    SELECT devices.person_n, devices.device_id, devices.kind = 'phone' AS is_phone
    FROM devices
    JOIN crowd ON crowd.person_n = devices.person_n
    WHERE devices.kind <> 'kiosk'
    UNION ALL
    SELECT person_n, concat('borrowed-', person_n), false
    FROM crowd
    WHERE person_n NOT IN (SELECT person_n FROM devices WHERE kind <> 'kiosk')
), used AS (
    SELECT *, false AS is_app FROM owned
    UNION ALL
    SELECT *, true FROM owned WHERE is_phone
), drawn AS (
    SELECT
        *,
        CAST(CAST(md5(concat('cookie|', device_id, '|', is_app)) AS UUID) AS VARCHAR) AS anonymous_id,
        chance(concat('clock|', device_id)) AS clock
    FROM used
)
SELECT
    drawn.person_n,
    drawn.is_app,
    row_number() OVER (PARTITION BY drawn.person_n, drawn.is_app ORDER BY drawn.device_id) - 1 AS place,
    count(*) OVER (PARTITION BY drawn.person_n, drawn.is_app) AS place_count,
    drawn.device_id,
    drawn.anonymous_id,
    CASE
        WHEN cut(clock, 0) < 0.06 THEN CAST(clock % 14400000 AS BIGINT) - 7200000
        WHEN cut(clock, 0) < 0.063 THEN -1700000000000
        ELSE CAST(clock % 1800 AS BIGINT) - 900
    END AS skew_ms,
    concat(
        '"anonymousId":"', drawn.anonymous_id,
        '","context":{"library":{"name":"', CASE WHEN is_app THEN 'analytics-ios' ELSE 'analytics.js' END,
        '"},"locale":"', crowd.language, '-', crowd.country,
        CASE WHEN is_app THEN concat('","device":{"type":"ios","id":"', drawn.device_id, '"},') ELSE '",' END,
        '"userAgent":"',
        CASE WHEN crowd.is_bot THEN 'python-requests/2.32' WHEN is_app THEN 'ShopApp/5.2 CFNetwork' ELSE 'Mozilla/5.0 (X11; Linux x86_64)' END,
        '"'
    ) AS envelope
FROM drawn
JOIN crowd ON crowd.person_n = drawn.person_n
