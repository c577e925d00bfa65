-- What the social network says about its own advertising, month by month. Plants: it counts every twelfth order of the web
-- shop as its own because it had shown the buyer something; in truth its advertising causes none.
WITH months AS (
    SELECT unnest(range(TIMESTAMP '2025-07-01', TIMESTAMP '2026-07-01', INTERVAL 1 MONTH)) AS month_at
), counted AS (
    SELECT months.month_at, count(*) AS order_count
    FROM months
    JOIN orders ON orders.ordered_at >= months.month_at AND orders.ordered_at < months.month_at + INTERVAL 1 MONTH
    WHERE orders.source = 'shopify'
    GROUP BY months.month_at
)
SELECT
    month_at + INTERVAL 1 MONTH + INTERVAL 6 HOUR AS arrived_at,
    'social_ads' AS channel,
    strftime(month_at, '%Y-%m') AS month,
    order_count * 350 AS impressions,
    order_count * 5 AS clicks,
    printf('%d.%02d', order_count * 51 // 100, order_count * 51 % 100) AS cost,
    order_count // 12 AS conversions
FROM counted
