-- One row per sold line; a refund, return or cancellation is a line of its own, negative, with its own date.
-- owner: team:analytics
-- column amount: what was paid, in the project's currency, after discount
-- column occurred_on: calendar day in the project's time zone
-- check: count(*) - count(DISTINCT line_key) = 0
-- check: count(*) FILTER (line_kind NOT IN ('sale', 'refund', 'return', 'cancellation')) = 0
SELECT
    landed.line_key,
    landed.order_key,
    orders.person_id,
    landed.product_id,
    landed.quantity,
    landed.amount,
    coalesce(landed.discount_amount, 0) AS discount_amount,
    coalesce(landed.line_kind, 'sale') AS line_kind,
    landed.occurred_at,
    CAST(timezone(tonight.time_zone, timezone('UTC', landed.occurred_at)) AS DATE) AS occurred_on
FROM facts.order_lines AS landed
CROSS JOIN tonight
LEFT JOIN orders ON orders.order_key = landed.order_key
