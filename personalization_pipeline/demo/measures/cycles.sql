-- How far the rhythm that the night sees is from the true cycle of who buys the same article whenever it is used up.
-- plain: one rhythm for everybody; then her own purchases of the article (R54, a later issue, has no column yet)
WITH regulars AS (
    SELECT matches.person_id, true_people.cycle_sku, true_people.cycle_days
    FROM matches
    JOIN true_people ON true_people.person_id = matches.true_person_id
    WHERE true_people.cycle_sku IS NOT NULL
), usual AS (
    SELECT median(mean_days_between_orders) AS usual_days FROM features
), rhythms AS (
    SELECT
        median(abs(features.mean_days_between_orders - regulars.cycle_days) / regulars.cycle_days) AS of_orders,
        median(abs(usual.usual_days - regulars.cycle_days) / regulars.cycle_days) AS of_everybody
    FROM regulars
    JOIN features ON features.person_id = regulars.person_id
    CROSS JOIN usual
    WHERE features.mean_days_between_orders IS NOT NULL
), bought AS (
    SELECT DISTINCT regulars.person_id, regulars.cycle_days, order_lines.occurred_on
    FROM regulars
    JOIN order_lines ON order_lines.person_id = regulars.person_id AND order_lines.product_id = regulars.cycle_sku
    WHERE order_lines.line_kind = 'sale'
), gaps AS (
    SELECT
        person_id,
        cycle_days,
        occurred_on - lag(occurred_on) OVER (PARTITION BY person_id ORDER BY occurred_on) AS gap_days
    FROM bought
), own AS (
    SELECT person_id, cycle_days, median(gap_days) AS own_days
    FROM gaps
    GROUP BY person_id, cycle_days
    HAVING count(gap_days) >= 2
)
SELECT
    'median error of the days between orders, as a share of the true cycle' AS figure,
    of_orders AS pipeline,
    of_everybody AS plain,
    NULL AS truth
FROM rhythms
UNION ALL
SELECT
    'median error of the days between purchases of her article',
    NULL,
    median(abs(own_days - cycle_days) / cycle_days),
    NULL
FROM own
UNION ALL
SELECT 'people with a true cycle', NULL, (SELECT count(*) FROM own), count(*) FROM regulars
