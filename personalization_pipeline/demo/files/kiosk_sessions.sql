-- Sessions at the kiosks, one JSON object each: the login if there was one, and what was looked at.
SELECT
    started_at + INTERVAL 10 MINUTE AS arrived_at,
    printf('%016x', h) AS session_id,
    kiosk_id,
    brand,
    strftime(started_at, '%Y-%m-%dT%H:%M:%SZ') AS started_at,
    30 + CAST(h % 400 AS BIGINT) AS duration_s,
    CASE WHEN is_signed_in THEN {'customer_id': shop_id, 'email': email} END AS login,
    [
        {'action': 'search', 'term': favourite_category, 'sku': NULL},
        {'action': 'view', 'term': NULL, 'sku': skus[1 + CAST(h % len(skus) AS BIGINT)]}
    ] AS actions
FROM kiosk_uses
CROSS JOIN shelf
