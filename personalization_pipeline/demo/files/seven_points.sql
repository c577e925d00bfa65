-- Order lines of an old catalogue shop that knows seven things of a customer: where she lives, her sex, what she bought, and
-- so how often and for how much, whether with a promotion, and how she paid. Five years, returns and cancellations.
SELECT
    substr(scrambled(orders.order_n, 5), 4) AS order_no,
    strftime(orders.ordered_at, '%Y-%m-%d') AS ordered_on,
    strftime(lines.occurred_at, '%Y-%m-%d') AS booked_on,
    records.record_id AS customer_no,
    records.city,
    people.gender AS sex,
    lines.line_no AS line,
    lines.sku AS article,
    lines.quantity,
    euros(lines.amount_cents) AS amount,
    euros(lines.discount_cents) AS promotion,
    orders.payment_method AS paid_by,
    lines.line_kind AS status
FROM orders
JOIN records ON records.record_n = orders.record_n
JOIN people ON people.person_n = orders.person_n
JOIN lines ON lines.order_n = orders.order_n
WHERE orders.source = 'seven' AND lines.occurred_at >= from_at() AND lines.occurred_at < until_at()
ORDER BY lines.occurred_at, orders.order_n, lines.line_no
