-- Receipt lines of the tills of both brands, in local time and with decimal commas, as tills write them.
-- Plants: receipts without a card (nobody knows who bought), goods brought back on a later receipt line of their own.
WITH receipts AS (
    SELECT
        orders.*,
        stores.country,
        records.record_id AS card_number
    FROM orders
    JOIN stores ON stores.store_id = orders.store_id
    LEFT JOIN records ON records.record_n = orders.record_n
    WHERE orders.source = 'pos'
)
SELECT
    receipts.store_id AS store,
    1 + receipts.order_n % 3 AS till,
    substr(scrambled(receipts.order_n, 9), 3) AS receipt_no,
    lines.line_no AS line,
    receipts.country,
    till_time(receipts.ordered_at, receipts.country) AS receipt_time,
    till_time(lines.occurred_at, receipts.country) AS line_time,
    CASE WHEN lines.line_kind = 'return' THEN 'R' ELSE 'S' END AS kind,
    lines.sku AS article,
    products.product_name AS text,
    lines.quantity AS qty,
    replace(euros(lines.amount_cents), '.', ',') AS amount,
    replace(euros(lines.discount_cents), '.', ',') AS discount,
    receipts.promo_code AS coupon,
    CASE receipts.payment_method WHEN 'card' THEN 'CARD' WHEN 'cash' THEN 'CASH' ELSE 'MOBILE' END AS tender,
    receipts.card_number AS loyalty_id
FROM receipts
JOIN lines ON lines.order_n = receipts.order_n
JOIN products ON products.sku = lines.sku
WHERE lines.occurred_at >= from_at() AND lines.occurred_at < until_at()
ORDER BY lines.occurred_at, receipts.order_n, lines.line_no
