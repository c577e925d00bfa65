-- What an article costs to buy and a message costs to send.
SELECT 'product' AS kind, sku AS key, euros(CAST(round(price_cents * (1 - margin_share)) AS BIGINT)) AS cost
FROM products
UNION ALL
VALUES ('message', 'email', '0.01'), ('message', 'sms', '0.08'), ('message', 'post', '0.95'), ('message', 'phone', '3.50')
ORDER BY kind, key
