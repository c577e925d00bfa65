-- The product master of both brands: what each article needs, belongs to, and how long it lasts.
SELECT
    sku,
    product_name AS name,
    brand,
    category,
    euros(price_cents) AS list_price,
    kind,
    requires_sku AS requires,
    accessory_of,
    CASE WHEN kind = 'consumable' THEN 'yes' ELSE 'no' END AS consumable,
    cycle_days
FROM products
ORDER BY sku
