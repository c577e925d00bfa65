-- One row per month of first order and months since: how many of the cohort ordered in that month.
-- owner: team:analytics
-- check: count(*) FILTER (active_count > cohort_count) = 0
WITH months AS (
    SELECT DISTINCT person_id, date_trunc('month', occurred_on) AS order_month
    FROM order_lines
    WHERE line_kind = 'sale' AND person_id IS NOT NULL
), firsts AS (
    SELECT person_id, min(order_month) AS cohort_month
    FROM months
    GROUP BY person_id
), sizes AS (
    SELECT cohort_month, count(*) AS cohort_count
    FROM firsts
    GROUP BY cohort_month
)
SELECT
    CAST(firsts.cohort_month AS DATE) AS cohort_on,
    (year(months.order_month) - year(firsts.cohort_month)) * 12 + month(months.order_month) - month(firsts.cohort_month) AS age_months,
    sizes.cohort_count,
    count(*) AS active_count
FROM months
JOIN firsts ON firsts.person_id = months.person_id
JOIN sizes ON sizes.cohort_month = firsts.cohort_month
GROUP BY firsts.cohort_month, months.order_month, sizes.cohort_count
