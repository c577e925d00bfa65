-- The campaign's arms and its true effect: buyers in its four weeks with and without it, and the mean of people.uplift.
SELECT
    'spring_return' AS campaign_name,
    people.arm,
    count(*) AS person_count,
    count(DISTINCT people.person_n) FILTER (orders.order_n IS NOT NULL) AS buyer_count,
    round(avg(CAST(people.uplift AS DECIMAL(18, 6))), 6) AS mean_uplift
FROM people
LEFT JOIN (
    SELECT person_n, min(order_n) AS order_n
    FROM orders
    WHERE ordered_at >= TIMESTAMP '2026-04-14 08:00:00' AND ordered_at < TIMESTAMP '2026-05-12 08:00:00'
    GROUP BY person_n
) AS orders ON orders.person_n = people.person_n
WHERE people.arm IN ('treated', 'holdout')
GROUP BY people.arm
ORDER BY people.arm
