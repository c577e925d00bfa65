-- One row per buyer who may be profiled: what the value model needs (Fader, Hardie & Lee 2005), in weeks, days with an order collapsed to one purchase.
-- owner: team:analytics
-- column x: repeat purchase days
-- column t_x: weeks from the first to the last purchase day
-- column t: weeks from the first purchase day to today
-- column mean_amount: mean money per repeat purchase day; NULL without one
-- check: count(*) - count(DISTINCT person_id) = 0
-- check: count(*) FILTER (x < 0 OR t_x > t) = 0
WITH days AS (
    SELECT order_lines.person_id, order_lines.occurred_on, sum(order_lines.amount) AS day_amount
    FROM order_lines
    CROSS JOIN tonight
    WHERE order_lines.line_kind = 'sale' AND order_lines.person_id IS NOT NULL AND order_lines.occurred_at <= tonight.as_of
    GROUP BY order_lines.person_id, order_lines.occurred_on
), spans AS (
    SELECT person_id, min(occurred_on) AS first_on, max(occurred_on) AS last_on
    FROM days
    GROUP BY person_id
), repeats AS (
    SELECT days.person_id, count(*) AS repeat_count, sum(days.day_amount) AS repeat_amount
    FROM days
    JOIN spans ON spans.person_id = days.person_id AND days.occurred_on > spans.first_on
    GROUP BY days.person_id
)
SELECT
    spans.person_id,
    coalesce(repeats.repeat_count, 0) AS x,
    date_diff('day', spans.first_on, spans.last_on) / 7 AS t_x,
    date_diff('day', spans.first_on, tonight.today) / 7 AS t,
    CASE WHEN repeats.repeat_amount > 0 THEN CAST(repeats.repeat_amount AS DOUBLE) / repeats.repeat_count END AS mean_amount
FROM spans
CROSS JOIN tonight
JOIN reach ON reach.person_id = spans.person_id AND reach.is_profiling_allowed
LEFT JOIN repeats ON repeats.person_id = spans.person_id
