-- One row per ticket at the help desk: about an order, some days after it.
WITH written AS (
    SELECT
        crowd.person_n,
        crowd.shop_id,
        crowd.first_name,
        crowd.last_name,
        crowd.email,
        crowd.language,
        orders.order_n,
        orders.brand,
        concat('ticket|', orders.order_n) AS key,
        orders.ordered_at + to_minutes(1440 + CAST(floor(u(orders.order_n, 'ticket at') * 14400) AS BIGINT)) AS created_at
    FROM orders
    JOIN crowd ON crowd.person_n = orders.person_n
    WHERE orders.source = 'shopify' AND crowd.shop_id IS NOT NULL
        AND u(orders.order_n, 'ticket') < CASE WHEN orders.is_cancelled THEN 0.5 ELSE 0.05 END
)
SELECT
    *,
    500000 + order_n AS ticket_id,
    380000000000 + person_n * 6151 AS requester_id,
    created_at + to_minutes(20 + CAST(floor(u(key, 'replied') * 1500) AS BIGINT)) AS replied_at,
    created_at + to_minutes(1600 + CAST(floor(u(key, 'solved') * 8000) AS BIGINT)) AS solved_at
FROM written
