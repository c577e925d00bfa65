-- Product reviews of the web shop, with the stars and the reviewer's account. Plants: one star for something she bought (R14).
WITH bought AS (
    SELECT
        crowd.person_n,
        crowd.shop_id,
        crowd.first_name,
        crowd.last_name,
        crowd.language,
        orders.order_n,
        orders.brand,
        lines.sku,
        orders.ordered_at,
        concat('review|', orders.order_n) AS key,
        row_number() OVER (PARTITION BY crowd.person_n ORDER BY orders.ordered_at, orders.order_n) AS place,
        crowd.case_name
    FROM orders
    JOIN crowd ON crowd.person_n = orders.person_n
    JOIN lines ON lines.order_n = orders.order_n AND lines.line_no = 1
    WHERE orders.source = 'shopify' AND crowd.shop_id IS NOT NULL AND NOT orders.is_cancelled
), written AS (
    SELECT
        *,
        case_name = 'negative_review' AND place = 1 AS is_case,
        ordered_at + to_minutes(14400 + CAST(floor(u(key, 'at') * 40000) AS BIGINT)) AS submitted_at,
        u(key, 'stars') AS stars
    FROM bought
    WHERE u(key, 'writes') < 0.04 OR (case_name = 'negative_review' AND place = 1)
), rated AS (
    SELECT
        *,
        CASE WHEN is_case OR stars < 0.08 THEN 1 WHEN stars < 0.13 THEN 2 WHEN stars < 0.23 THEN 3 WHEN stars < 0.5 THEN 4 ELSE 5 END AS rating
    FROM written
)
SELECT
    submitted_at AS arrived_at,
    printf('%016x', chance(key)) AS review_id,
    sku AS product_id,
    rating,
    pick(texts, u(key, 'title')) AS title,
    concat(first_name, ' ', left(last_name, 1), '.') AS reviewer,
    shop_id AS customer_id,
    'true' AS verified_buyer,
    brand,
    rated.language,
    strftime(submitted_at, '%Y-%m-%d %H:%M:%S') AS submitted_at
FROM rated
JOIN phrases ON phrases.kind = CASE WHEN rating >= 3 THEN 'good_review' ELSE 'bad_review' END AND phrases.language = rated.language
