-- One row per person: what she bought until as_of. Cancelled and refunded money is taken off on the day it went back.
-- owner: team:analytics
-- feature
-- column order_count: orders with at least one sale
-- column order_value_amount: money paid, less what went back
-- column mean_days_between_orders: between her days with an order; NULL with fewer than two
-- column discount_share: discount as a share of the undiscounted price
-- column promoted_order_share: orders with a discount on any line, as a share of all
-- column days_since_last_order: local calendar days; NULL without an order
-- column order_day_count: days with an order
-- column orders_last_90_days: orders in the last 90 local calendar days
-- column mean_order_value_amount: order_value_amount per order
-- column first_order_on: local calendar day
-- column last_order_on: local calendar day
-- check: count(*) - count(DISTINCT person_id) = 0
WITH lines AS (
    SELECT order_lines.*
    FROM order_lines
    CROSS JOIN tonight
    WHERE order_lines.occurred_at <= tonight.as_of AND order_lines.person_id IS NOT NULL
), totals AS (
    SELECT
        person_id,
        count(DISTINCT order_key) FILTER (line_kind = 'sale') AS order_count,
        count(DISTINCT order_key) FILTER (line_kind = 'sale' AND discount_amount > 0) AS promoted_order_count,
        count(DISTINCT occurred_on) FILTER (line_kind = 'sale') AS order_day_count,
        count(DISTINCT order_key) FILTER (line_kind = 'sale' AND occurred_on > tonight.today - 90) AS orders_last_90_days,
        sum(amount) AS order_value_amount,
        sum(discount_amount) FILTER (line_kind = 'sale') AS discount_amount,
        sum(amount) FILTER (line_kind = 'sale') AS sold_amount,
        min(occurred_on) FILTER (line_kind = 'sale') AS first_order_on,
        max(occurred_on) FILTER (line_kind = 'sale') AS last_order_on
    FROM lines
    CROSS JOIN tonight
    GROUP BY person_id
)
SELECT
    people.person_id,
    coalesce(totals.order_count, 0) AS order_count,
    coalesce(totals.order_day_count, 0) AS order_day_count,
    coalesce(totals.orders_last_90_days, 0) AS orders_last_90_days,
    CAST(coalesce(totals.order_value_amount, 0) AS DECIMAL(18, 2)) AS order_value_amount,
    round(CAST(totals.order_value_amount / nullif(totals.order_count, 0) AS DECIMAL(18, 4)), 2) AS mean_order_value_amount,
    round(CAST(totals.discount_amount / nullif(totals.discount_amount + totals.sold_amount, 0) AS DECIMAL(18, 6)), 4) AS discount_share,
    round(CAST(totals.promoted_order_count / nullif(totals.order_count, 0) AS DECIMAL(18, 6)), 4) AS promoted_order_share,
    totals.first_order_on,
    totals.last_order_on,
    date_diff('day', totals.first_order_on, tonight.today) AS days_since_first_order,
    date_diff('day', totals.last_order_on, tonight.today) AS days_since_last_order,
    round(CAST(date_diff('day', totals.first_order_on, totals.last_order_on) / nullif(totals.order_day_count - 1, 0) AS DECIMAL(18, 6)), 2) AS mean_days_between_orders
FROM people
CROSS JOIN tonight
LEFT JOIN totals ON totals.person_id = people.person_id
WHERE people.kind = 'known'
