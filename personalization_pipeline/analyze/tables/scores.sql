-- One row per buyer who may be profiled: what the models say, from coefficients that lie in the artefact.
-- owner: team:analytics
-- column alive_probability: that she is still a customer (BG/NBD)
-- column expected_orders: orders in the next 52 weeks (BG/NBD)
-- column expected_value_amount: their value (Gamma-Gamma)
-- column churn_probability: that she buys nothing within the project's churn horizon; NULL until the model is ready
-- column churn_reason: what speaks most for churn, in words
-- check: count(*) - count(DISTINCT person_id) = 0
-- check: count(*) FILTER (alive_probability NOT BETWEEN 0 AND 1 OR churn_probability NOT BETWEEN 0 AND 1) = 0
-- check: count(*) FILTER (expected_orders < 0) = 0
WITH outlooks AS (
    -- Many buyers share x and t: the costly part is worked out once for each pair.
    SELECT x, t, slot.expected_while_alive AS while_alive_count
    FROM (SELECT DISTINCT x, t FROM purchase_summaries) AS distinct_pairs
), summaries AS (
    SELECT
        features.*,
        summary.* EXCLUDE (person_id),
        rfm.* EXCLUDE (person_id),
        outlooks.while_alive_count
    FROM purchase_summaries AS summary
    JOIN features ON features.person_id = summary.person_id
    JOIN rfm ON rfm.person_id = summary.person_id
    JOIN outlooks ON outlooks.x = summary.x AND outlooks.t = summary.t
), rated AS (
    SELECT *, slot.expected_orders AS expected_orders
    FROM summaries
)
SELECT
    person_id,
    recency_score,
    frequency_score,
    monetary_score,
    rfm_segment,
    slot.alive_probability AS alive_probability,
    expected_orders,
    CAST(expected_orders * slot.mean_order_amount AS DECIMAL(18, 2)) AS expected_value_amount,
    slot.churn_probability AS churn_probability,
    slot.churn_reason AS churn_reason
FROM rated
