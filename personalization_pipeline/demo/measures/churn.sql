-- Who has left for good by tonight: the area under the ROC curve of what the night thinks of each scored buyer.
-- plain: days since her last order alone
-- Values are compared by their ranks, equal ones sharing the middle rank (Mann and Whitney 1947).
WITH judged AS (
    SELECT
        coalesce(true_people.left_at <= as_of(), false) AS has_left,
        CAST(scores.churn_probability AS DOUBLE) AS churn_probability,
        CAST(1 - scores.alive_probability AS DOUBLE) AS gone_probability,
        CAST(features.days_since_last_order AS DOUBLE) AS days_since_last_order
    FROM scores
    JOIN features ON features.person_id = scores.person_id
    JOIN matches ON matches.person_id = scores.person_id
    JOIN true_people ON true_people.person_id = matches.true_person_id
), opinions AS (
    UNPIVOT judged ON churn_probability, gone_probability, days_since_last_order INTO NAME opinion VALUE value
), ranked AS (
    SELECT
        opinion,
        has_left,
        rank() OVER (PARTITION BY opinion ORDER BY value)
            + (count(*) OVER (PARTITION BY opinion, value) - 1) / 2 AS middle_rank
    FROM opinions
), areas AS (
    SELECT
        opinion,
        count(*) FILTER (has_left) AS left_count,
        count(*) FILTER (NOT has_left) AS stayed_count,
        (sum(middle_rank) FILTER (has_left) - left_count * (left_count + 1) / 2)
            / nullif(left_count * stayed_count, 0) AS area
    FROM ranked
    GROUP BY opinion
), curves AS (
    SELECT
        max(area) FILTER (opinion = 'churn_probability') AS churn_area,
        max(area) FILTER (opinion = 'gone_probability') AS gone_area,
        max(area) FILTER (opinion = 'days_since_last_order') AS recency_area
    FROM areas
)
SELECT 'AUC of the churn probability' AS figure, churn_area AS pipeline, recency_area AS plain, NULL AS truth FROM curves
UNION ALL
SELECT 'AUC of no longer being alive (BG/NBD)', gone_area, recency_area, NULL FROM curves
UNION ALL
SELECT 'share of scored buyers that has left', NULL, NULL, avg(CAST(has_left AS INTEGER)) FROM judged
