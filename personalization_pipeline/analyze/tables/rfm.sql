-- One row per buyer who may be profiled: recency, frequency and monetary value in fifths (5 best), and the named group. Equal buyers get equal fifths.
-- owner: team:analytics
-- column recency_score: 5 = bought most lately
-- column frequency_score: 5 = most orders
-- column monetary_score: 5 = most money
-- column rfm_segment: named group, see the CASE in the table's file
-- check: count(*) - count(DISTINCT person_id) = 0
-- check: count(*) FILTER (rfm_segment IS NULL) = 0
-- plot bar: rfm_segment by count(*)
WITH fifths AS (
    SELECT
        person_id,
        CAST(ceil(5 * cume_dist() OVER (ORDER BY days_since_last_order DESC)) AS BIGINT) AS recency_score,
        CAST(ceil(5 * cume_dist() OVER (ORDER BY order_count)) AS BIGINT) AS frequency_score,
        CAST(ceil(5 * cume_dist() OVER (ORDER BY order_value_amount)) AS BIGINT) AS monetary_score
    FROM features
    WHERE order_count > 0 AND is_profiling_allowed
)
SELECT
    person_id,
    recency_score,
    frequency_score,
    monetary_score,
    -- There is no standard map of the 125 cells; this is ours, first match wins.
    CASE
        WHEN recency_score >= 4 AND frequency_score >= 4 THEN 'champions'
        WHEN recency_score >= 3 AND frequency_score >= 3 THEN 'loyal'
        WHEN recency_score >= 4 AND frequency_score <= 1 THEN 'new'
        WHEN recency_score >= 3 THEN 'promising'
        WHEN frequency_score >= 4 THEN 'cannot_lose'
        WHEN recency_score = 2 THEN 'at_risk'
        ELSE 'hibernating'
    END AS rfm_segment
FROM fifths
