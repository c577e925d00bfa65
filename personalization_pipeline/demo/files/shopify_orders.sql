-- Shopify's order export of both shops, in its own header order: one line per line item; what belongs to the order stands on
-- its first line only. Plants: lines that stand there twice, guests (no customer_id), refunds as an amount without a date.
WITH wanted AS (
    SELECT
        orders.*,
        records.first_name,
        records.last_name,
        records.email,
        records.phone,
        concat_ws(' ', CASE WHEN records.country <> 'DE' THEN records.house_number END, records.street, CASE WHEN records.country = 'DE' THEN records.house_number END) AS address,
        records.city,
        records.postal_code,
        records.country,
        CASE WHEN records.source = 'shopify_customers' THEN records.record_id END AS customer_id,
        concat(CASE orders.brand WHEN 'leaf_and_bean' THEN '#LB' ELSE '#PP' END, substr(scrambled(orders.order_n, 7), 3)) AS name,
        orders.is_cancelled AND orders.cancelled_at < seen_at() AS is_void
    FROM orders
    JOIN records ON records.record_n = orders.record_n
    WHERE orders.source = 'shopify'
        AND (
            orders.ordered_at >= from_at() AND orders.ordered_at < until_at()
            OR is_night() AND orders.cancelled_at >= from_at() AND orders.cancelled_at < until_at()
            OR is_night() AND orders.order_n IN (
                SELECT order_n FROM lines WHERE line_kind = 'refund' AND occurred_at >= from_at() AND occurred_at < until_at()
            )
        )
), wanted_lines AS (
    SELECT lines.*
    FROM lines
    WHERE lines.order_n IN (SELECT order_n FROM wanted)
), totals AS (
    SELECT
        order_n,
        sum(amount_cents) FILTER (line_kind = 'sale') AS sold_cents,
        sum(discount_cents) FILTER (line_kind = 'sale') AS discount_cents,
        coalesce(-sum(amount_cents) FILTER (line_kind = 'refund' AND occurred_at < seen_at()), 0) AS refunded_cents
    FROM wanted_lines
    GROUP BY order_n
), rows AS (
    SELECT
        wanted.*,
        totals.*  EXCLUDE (order_n, discount_cents),
        totals.discount_cents AS order_discount_cents,
        CASE WHEN totals.sold_cents < 4900 THEN 490 ELSE 0 END AS shipping_cents,
        sale.line_no,
        sale.sku,
        sale.quantity,
        sale.amount_cents,
        sale.discount_cents,
        products.product_name,
        products.price_cents,
        sale.line_no = 1 AS is_first,
        u(concat(sale.order_n, '/', sale.line_no), 'twice') < 0.003 AS is_twice
    FROM wanted
    JOIN totals ON totals.order_n = wanted.order_n
    JOIN wanted_lines AS sale ON sale.order_n = wanted.order_n AND sale.line_kind = 'sale'
    JOIN products ON products.sku = sale.sku
)
SELECT
    rows.name AS "Name",
    rows.email AS "Email",
    CASE
        WHEN NOT is_first THEN NULL
        WHEN is_void THEN 'voided'
        WHEN refunded_cents = 0 THEN 'paid'
        WHEN refunded_cents >= sold_cents THEN 'refunded'
        ELSE 'partially_refunded'
    END AS "Financial Status",
    CASE WHEN is_first AND NOT is_void THEN shop_time(ordered_at) END AS "Paid at",
    CASE WHEN is_first THEN CASE WHEN is_void THEN 'unfulfilled' ELSE 'fulfilled' END END AS "Fulfillment Status",
    CASE WHEN is_first AND NOT is_void THEN shop_time(ordered_at + to_hours(20)) END AS "Fulfilled at",
    CASE WHEN is_first THEN CASE WHEN u(rows.person_n, 'accepts') < 0.4 THEN 'yes' ELSE 'no' END END AS "Accepts Marketing",
    CASE WHEN is_first THEN 'EUR' END AS "Currency",
    CASE WHEN is_first THEN euros(sold_cents) END AS "Subtotal",
    CASE WHEN is_first THEN euros(shipping_cents) END AS "Shipping",
    CASE WHEN is_first THEN euros((sold_cents + shipping_cents) * 19 // 119) END AS "Taxes",
    CASE WHEN is_first THEN euros(sold_cents + shipping_cents) END AS "Total",
    CASE WHEN is_first THEN promo_code END AS "Discount Code",
    CASE WHEN is_first THEN euros(order_discount_cents) END AS "Discount Amount",
    CASE WHEN is_first THEN 'Standard' END AS "Shipping Method",
    shop_time(ordered_at) AS "Created at",
    quantity AS "Lineitem quantity",
    product_name AS "Lineitem name",
    euros(price_cents) AS "Lineitem price",
    NULL AS "Lineitem compare at price",
    sku AS "Lineitem sku",
    'true' AS "Lineitem requires shipping",
    'true' AS "Lineitem taxable",
    CASE WHEN is_void THEN 'pending' ELSE 'fulfilled' END AS "Lineitem fulfillment status",
    CASE WHEN is_first THEN concat_ws(' ', first_name, last_name) END AS "Billing Name",
    CASE WHEN is_first THEN address END AS "Billing Street",
    CASE WHEN is_first THEN address END AS "Billing Address1",
    NULL AS "Billing Address2",
    NULL AS "Billing Company",
    CASE WHEN is_first THEN city END AS "Billing City",
    CASE WHEN is_first THEN concat('''', postal_code) END AS "Billing Zip",
    NULL AS "Billing Province",
    CASE WHEN is_first THEN country END AS "Billing Country",
    CASE WHEN is_first AND phone <> '' THEN concat('''', phone) END AS "Billing Phone",
    CASE WHEN is_first THEN concat_ws(' ', first_name, last_name) END AS "Shipping Name",
    CASE WHEN is_first THEN address END AS "Shipping Street",
    CASE WHEN is_first THEN address END AS "Shipping Address1",
    NULL AS "Shipping Address2",
    NULL AS "Shipping Company",
    CASE WHEN is_first THEN city END AS "Shipping City",
    CASE WHEN is_first THEN concat('''', postal_code) END AS "Shipping Zip",
    NULL AS "Shipping Province",
    CASE WHEN is_first THEN country END AS "Shipping Country",
    NULL AS "Shipping Phone",
    CASE WHEN is_first AND u(rows.order_n, 'note') < 0.01 THEN concat('Please ring twice,', chr(10), 'thank you') END AS "Notes",
    CASE WHEN is_first AND customer_id IS NOT NULL THEN concat('customer_id: ', customer_id) END AS "Note Attributes",
    CASE WHEN is_first AND is_void THEN shop_time(cancelled_at) END AS "Cancelled at",
    CASE WHEN is_first THEN CASE payment_method
        WHEN 'card' THEN 'Shopify Payments' WHEN 'wallet' THEN 'PayPal Express Checkout' WHEN 'invoice' THEN 'Klarna' ELSE 'SEPA Direct Debit'
    END END AS "Payment Method",
    CASE WHEN is_first THEN concat('c', order_id(rows.order_n), '.1') END AS "Payment Reference",
    CASE WHEN is_first THEN euros(CASE WHEN is_void THEN sold_cents + shipping_cents ELSE refunded_cents END) END AS "Refunded Amount",
    CASE brand WHEN 'leaf_and_bean' THEN 'Leaf & Bean' ELSE 'Pixel & Play' END AS "Vendor",
    CASE WHEN is_first THEN order_id(rows.order_n) END AS "Id",
    NULL AS "Tags",
    CASE WHEN is_first THEN 'Low' END AS "Risk Level",
    CASE WHEN is_first THEN CASE channel WHEN 'web' THEN 'web' WHEN 'app' THEN CASE WHEN u(rows.person_n, 'ios') < 0.6 THEN 'iphone' ELSE 'android' END END END AS "Source",
    euros(discount_cents) AS "Lineitem discount",
    NULL AS "Tax 1 Name",
    NULL AS "Tax 1 Value",
    CASE WHEN is_first AND phone <> '' THEN concat('''', phone) END AS "Phone",
    NULL AS "Receipt Number",
    NULL AS "Duties",
    NULL AS "Payment ID",
    NULL AS "Payment Terms Name",
    NULL AS "Next Payment Due At",
    NULL AS "Payment References"
FROM rows, range(CASE WHEN is_twice THEN 2 ELSE 1 END)
ORDER BY ordered_at, rows.order_n, line_no
