-- One row per buyer who may be profiled: what the models say, from coefficients that lie in the artefact.
-- owner: team:analytics
-- column alive_probability: that she is still a customer (BG/NBD)
-- column expected_order_count: orders in the next 52 weeks (BG/NBD)
-- column expected_value_amount: their value (Gamma-Gamma)
-- column churn_probability: that she buys nothing within the project's churn horizon; NULL until the model is ready
-- column churn_reason: what speaks most for churn, in words
-- check: count(*) - count(DISTINCT person_id) = 0
-- check: count(*) FILTER (alive_probability NOT BETWEEN 0 AND 1 OR churn_probability NOT BETWEEN 0 AND 1) = 0
-- check: count(*) FILTER (expected_order_count < 0) = 0
WITH summaries AS (
    SELECT features.*, summary.* EXCLUDE (person_id), rfm.* EXCLUDE (person_id)
    FROM purchase_summaries AS summary
    JOIN features ON features.person_id = summary.person_id
    JOIN rfm ON rfm.person_id = summary.person_id
)
SELECT
    person_id,
    recency_score,
    frequency_score,
    monetary_score,
    rfm_segment,
    slot.alive_probability AS alive_probability,
    slot.expected_order_count AS expected_order_count,
    CAST(slot.expected_order_count * slot.mean_order_amount AS DECIMAL(18, 2)) AS expected_value_amount,
    slot.churn_probability AS churn_probability,
    slot.churn_reason AS churn_reason
FROM summaries
