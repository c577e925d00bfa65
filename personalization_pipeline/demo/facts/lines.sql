-- One row per line of an order: what was sold, and lines of their own for what was cancelled, refunded or brought back.
-- Plants: refunds (web) and returns (stores) of single lines after 3 to 20 days, cancellations of whole orders. Cents.
WITH sizes AS (
    SELECT
        orders.*,
        -- three tenths of the twentieths of a real grocer's baskets (1 1 1 1 2 2 2 3 4 4 5 6 7 9 11 13 16 21 29 45), rounded up
        list_extract([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 7, 9, 14], 1 + CAST(floor(20 * part(bits, 0)) AS INTEGER)) AS size
    FROM (SELECT *, digest(order_n, 'size') AS bits FROM orders) AS orders
), baskets AS (
    SELECT
        sizes.order_n,
        CAST(places.place AS INTEGER) AS line_no,
        sizes.source,
        sizes.is_cancelled,
        sizes.cancelled_at,
        sizes.ordered_at,
        CASE sizes.promo_code WHEN 'WELCOME10' THEN 10 WHEN 'SPRING15' THEN 15 WHEN 'SEASON25' THEN 25 WHEN 'THANKS40' THEN 40 ELSE 0 END AS percent_off,
        CASE
            WHEN sizes.persona = 'wii_game' THEN 'P201'
            WHEN sizes.cycle_sku IS NOT NULL AND sizes.brand = 'leaf_and_bean' AND places.place = 1 AND sizes.reason <> 'any' THEN sizes.cycle_sku
            ELSE shelves.sku
        END AS sku,
        digest(concat(sizes.order_n, '/', places.place), 'line') AS bits
    FROM sizes
    CROSS JOIN LATERAL range(1, CASE WHEN sizes.persona = 'wii_game' THEN 2 ELSE sizes.size + 1 END) AS places (place)
    JOIN shelves
        ON shelves.brand = sizes.brand AND shelves.favourite = sizes.favourite_category AND shelves.level = sizes.spend_level
        AND shelves.slot = CAST(floor(1000 * u(concat(sizes.order_n, '/', places.place), 'article')) AS INTEGER)
), priced AS (
    SELECT
        baskets.*,
        CASE WHEN bits % 100 < 78 THEN 1 WHEN bits % 100 < 95 THEN 2 ELSE 3 END AS quantity,
        products.price_cents,
        NOT is_cancelled AND (bits // 100) % 1000 < 32 AS is_taken_back,
        ordered_at + to_seconds(CAST(86400 * (3 + (bits // 100000) % 18) + (bits // 10000000) % 36000 AS BIGINT)) AS taken_back_at
    FROM baskets
    JOIN products ON products.sku = baskets.sku
    -- a cart holds an article once
    QUALIFY row_number() OVER (PARTITION BY baskets.order_n, baskets.sku ORDER BY baskets.line_no) = 1
), sold AS (
    SELECT
        order_n,
        line_no,
        sku,
        quantity,
        price_cents * quantity - (price_cents * quantity * percent_off + 50) // 100 AS amount_cents,
        (price_cents * quantity * percent_off + 50) // 100 AS discount_cents,
        source,
        ordered_at,
        CASE WHEN is_cancelled THEN cancelled_at WHEN is_taken_back THEN taken_back_at END AS undone_at,
        CASE WHEN is_cancelled THEN 'cancellation' WHEN source = 'shopify' THEN 'refund' ELSE 'return' END AS undone_kind
    FROM priced
)
SELECT order_n, line_no, sku, quantity, amount_cents, discount_cents, 'sale' AS line_kind, ordered_at AS occurred_at
FROM sold
UNION ALL
SELECT order_n, line_no + 100, sku, -quantity, -amount_cents, -discount_cents, undone_kind, undone_at
FROM sold
WHERE undone_at IS NOT NULL

