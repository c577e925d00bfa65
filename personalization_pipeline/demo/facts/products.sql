-- One row per article of both brands. Plants: accessories and games that need a base product, consumables with a cycle,
-- and the game whose console the shop sells too (the console must not be offered to whoever bought the game).
SELECT
    sku,
    product AS product_name,
    brand,
    category,
    CAST(price_cents AS BIGINT) AS price_cents,
    kind,
    requires_sku,
    accessory_of,
    CAST(cycle_days AS INTEGER) AS cycle_days,
    CAST(margin_percent AS INTEGER) / 100 AS margin_share
FROM words_products
ORDER BY sku
