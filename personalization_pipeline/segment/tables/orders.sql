-- One row per order, with the person who placed it; person_id is NULL where no known record did.
-- owner: team:analytics
-- column ordered_on: calendar day in the project's time zone
-- check: count(*) - count(DISTINCT order_key) = 0
SELECT
    landed.order_key,
    records.person_id,
    landed.source,
    landed.brand,
    landed.channel,
    landed.store,
    landed.payment_method,
    landed.ordered_at,
    CAST(timezone(tonight.time_zone, timezone('UTC', landed.ordered_at)) AS DATE) AS ordered_on
FROM facts.orders AS landed
CROSS JOIN tonight
LEFT JOIN records ON records.record_key = landed.record_key
