-- What the randomised campaign did to buying within its 28 days, from the arms and orders of the night.
-- In truth social ads bring nobody (files/ad_reports.sql); the channel counts every twelfth order as its own.
-- plain: buyers among the treated less buyers among the held out (R46, a later issue, has no table yet)
WITH drawn AS (
    SELECT records.person_id, max(traits.value) AS arm
    FROM traits
    JOIN records ON records.record_key = traits.record_key
    WHERE traits.name = 'arm_spring_return'
    GROUP BY records.person_id
    HAVING count(DISTINCT traits.value) = 1
), bought AS (
    SELECT DISTINCT person_id
    FROM orders
    WHERE ordered_at >= TIMESTAMP '2026-04-14 08:00:00' AND ordered_at < TIMESTAMP '2026-05-12 08:00:00'
), arms AS (
    SELECT
        drawn.arm,
        count(*) AS person_count,
        count(bought.person_id) / count(*) AS buyer_share
    FROM drawn
    LEFT JOIN bought ON bought.person_id = drawn.person_id
    GROUP BY drawn.arm
), compared AS (
    SELECT
        sum(CASE arm WHEN 'treated' THEN buyer_share ELSE -buyer_share END) AS effect,
        sqrt(sum(buyer_share * (1 - buyer_share) / person_count)) AS standard_error
    FROM arms
), known AS (
    SELECT avg(uplift) AS effect FROM true_people WHERE arm IN ('treated', 'holdout')
), reported AS (
    SELECT sum(CAST(value ->> 'conversions' AS BIGINT)) AS conversions FROM reference WHERE kind = 'ad_report'
)
SELECT 'effect of spring_return on the share that buys' AS figure, NULL AS pipeline, compared.effect AS plain, known.effect AS truth
FROM compared, known
UNION ALL
SELECT 'half the width of its 95 % interval', NULL, 1.96 * standard_error, NULL FROM compared
UNION ALL
SELECT 'orders that social ads brought (the channel reports its own)', NULL, conversions, 0
FROM reported
