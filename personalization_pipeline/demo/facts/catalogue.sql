-- One row per product with a number of its own, brand after brand and category after category: so a hash picks one without a join.
SELECT
    row_number() OVER (ORDER BY brand, category, sku) - 1 AS product_n,
    sku,
    product_name,
    brand,
    category,
    price_cents,
    rank() OVER (ORDER BY brand, category) - 1 AS category_first,
    count(*) OVER (PARTITION BY brand, category) AS category_count,
    count(*) OVER () AS product_count
FROM products
ORDER BY product_n
