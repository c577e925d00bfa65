-- One row per sold line; a refund, return or cancellation is a line of its own, negative, with its own date.
-- owner: team:analytics
-- column amount: what was paid, in the project's currency, after discount
-- column occurred_on: calendar day in the project's time zone
-- check: count(*) - count(DISTINCT line_key) = 0
-- check: count(*) FILTER (line_kind NOT IN ('sale', 'refund', 'return', 'cancellation')) = 0
WITH dated AS (
    SELECT landed.*, CAST(timezone(tonight.time_zone, timezone('UTC', landed.occurred_at)) AS DATE) AS occurred_on
    FROM facts.order_lines AS landed
    CROSS JOIN tonight
)
SELECT
    dated.line_key,
    dated.order_key,
    orders.person_id,
    dated.product_id,
    dated.quantity,
    dated.amount,
    coalesce(dated.discount_amount, 0) AS discount_amount,
    coalesce(dated.line_kind, 'sale') AS line_kind,
    dated.occurred_at,
    dated.occurred_on
FROM dated
LEFT JOIN orders ON orders.order_key = dated.order_key
