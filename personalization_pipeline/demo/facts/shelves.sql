-- One row per brand, favourite category, spending level and slot 0..999: the article that a customer of that kind takes
-- when her hash falls on the slot. Four times as much in the favourite category, and falling with the distance from the
-- price that she is used to (level 0 buys cheap, 2 dear; 3 takes the dearest only, 4 everything but those).
WITH levels (level, usual_cents) AS (
    VALUES (0, 700), (1, 1400), (2, 3200), (3, 20000), (4, 1200)
), favourites AS (
    SELECT DISTINCT category AS favourite FROM products
), weighed AS (
    SELECT
        products.brand,
        favourites.favourite,
        levels.level,
        products.sku,
        CAST(round(
            1000000 * CASE WHEN products.category = favourites.favourite THEN 4 ELSE 1 END
            * exp(-1.5 * abs(ln(products.price_cents / levels.usual_cents)))
        ) AS BIGINT) AS weight
    FROM products
    CROSS JOIN levels
    CROSS JOIN favourites
    WHERE NOT (levels.level = 3 AND products.price_cents < 6000) AND NOT (levels.level = 4 AND products.price_cents >= 6000)
), laid AS (
    SELECT
        brand,
        favourite,
        level,
        sku,
        sum(weight) OVER (PARTITION BY brand, favourite, level ORDER BY sku) - weight AS lower_weight,
        sum(weight) OVER (PARTITION BY brand, favourite, level ORDER BY sku) AS upper_weight,
        sum(weight) OVER (PARTITION BY brand, favourite, level) AS total_weight
    FROM weighed
)
SELECT
    laid.brand,
    laid.favourite,
    CAST(laid.level AS INTEGER) AS level,
    CAST(slots.slot AS INTEGER) AS slot,
    laid.sku
FROM laid
JOIN range(1000) AS slots (slot)
    ON slots.slot * laid.total_weight >= laid.lower_weight * 1000 AND slots.slot * laid.total_weight < laid.upper_weight * 1000
ORDER BY ALL
