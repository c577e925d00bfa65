-- Segment-style calls (page, screen, track, identify), one JSON object a line, in the order in which the batches arrived.
-- timestamp = receivedAt - (sentAt - originalTimestamp): a device's clock may be wrong, the difference of two readings is not.
-- The line is put together as text, with one hash an event: this is the one SELECT that writes tens of millions of rows.
WITH calls AS (
    SELECT *, unnest(range(event_count)) AS i
    FROM (SELECT * FROM visits WHERE arrives_ms BETWEEN epoch_ms(from_at()) AND epoch_ms(until_at()) - 1 ORDER BY arrives_ms, person_n, kind, visit_no, resent_ms)
), drawn AS (
    SELECT
        *,
        chance(concat(h, '|', i)) AS e,
        start_ms + gap_ms * i AS at_ms,
        CASE WHEN delay_ms > 10000 THEN arrives_ms ELSE start_ms + gap_ms * i + delay_ms END + resent_ms AS received_ms
    FROM calls
), named AS (
    SELECT
        *,
        CASE
            WHEN i = identify_at THEN '"type":"identify"'
            WHEN kind = 'order' AND i = event_count - 1 THEN '"type":"track","event":"Order Completed"'
            WHEN kind = 'order' AND i = event_count - 2 THEN '"type":"track","event":"Checkout Started"'
            WHEN kind = 'order' AND i = event_count - 3 THEN '"type":"track","event":"Product Added"'
            WHEN i % 3 = 0 AND is_app THEN '"type":"screen","name":"Home"'
            WHEN i % 3 = 0 THEN '"type":"page","name":"Home"'
            WHEN cut(e, 0) < 0.62 THEN '"type":"track","event":"Product Viewed"'
            WHEN cut(e, 0) < 0.82 THEN '"type":"track","event":"Product List Viewed"'
            WHEN cut(e, 0) < 0.92 THEN '"type":"track","event":"Products Searched"'
            ELSE '"type":"track","event":"Product Added"'
        END AS what,
        1 + CASE WHEN cut(e, 1) < 0.55 THEN favourite_first + CAST(e % 1000003 AS BIGINT) % favourite_count ELSE CAST(e % 1000003 AS BIGINT) % len(skus) END AS place
    FROM drawn
    CROSS JOIN shelf
)
SELECT concat(
    '{', what,
    ',"messageId":"', printf('%016x', h), '-', i,
    '","userId":', CASE WHEN i >= known_from THEN concat('"', shop_id, '"') ELSE 'null' END,
    CASE
        WHEN i = identify_at THEN concat(',"traits":', traits)
        WHEN what LIKE '%Home"' THEN ''
        WHEN what LIKE '%Searched"' THEN concat(',"properties":{"query":"', categories[place], '"}')
        WHEN what LIKE '%List Viewed"' THEN concat(',"properties":{"category":"', categories[place], '"}')
        WHEN what LIKE '%Completed"' THEN concat(',"properties":{"product_id":"', sku, '","order_id":"', order_id(visit_no), '"}')
        ELSE concat(',"properties":{"product_id":"', coalesce(sku, skus[place]), '"}')
    END,
    ',', envelope,
    ',"timestamp":"', iso(at_ms + 120),
    '","originalTimestamp":"', iso(at_ms + skew_ms),
    '","sentAt":"', iso(received_ms + skew_ms - 120),
    '","receivedAt":"', iso(received_ms),
    '"}'
) AS line
FROM named
