-- One row per visit to the web shop or the app: whose, on which device, when, how many events, known from which event on.
-- Plants: visits before the first login (same anonymousId: R22), bots at three events a second, batches of apps that were
-- offline for days, batches that were sent twice, visits that follow a click in a message.
WITH wanted AS (
    SELECT
        person_n,
        'browse' AS kind,
        unnest(range(
            CASE
                WHEN is_bot THEN 4
                WHEN case_name = 'anonymous_stitched' THEN 8
                ELSE 2 + CAST(floor(12 * power(u(person_n, 'visits'), 2)) AS BIGINT)
            END
        )) AS visit_no,
        NULL AS sku,
        NULL AS ended_ms,
        NULL AS campaign_n,
        NULL AS order_channel
    FROM crowd
    UNION ALL
    SELECT orders.person_n, 'order', orders.order_n, lines.sku, epoch_ms(orders.ordered_at), NULL, orders.channel
    FROM orders
    JOIN crowd ON crowd.person_n = orders.person_n
    JOIN lines ON lines.order_n = orders.order_n AND lines.line_no = 1
    WHERE orders.channel IN ('web', 'app') AND orders.source = 'shopify'
    UNION ALL
    SELECT person_n, 'click', campaign_n, NULL, epoch_ms(clicked_at), campaign_n, NULL FROM email_sends WHERE clicked_at IS NOT NULL
    UNION ALL
    SELECT person_n, 'click', campaign_n, NULL, epoch_ms(clicked_at), campaign_n, NULL FROM sms_sends WHERE clicked_at IS NOT NULL
), drawn AS (
    SELECT
        wanted.*,
        chance(concat(wanted.person_n, '|', wanted.kind, '|', wanted.visit_no)) AS h,
        crowd.* EXCLUDE (person_n),
        coalesce(crowd.app_count > 0 AND CASE WHEN wanted.kind = 'order' THEN wanted.order_channel = 'app' ELSE cut(h, 0) < crowd.app_visit_share END, false) AS is_app
    FROM wanted
    JOIN (
        SELECT
            person_n, shop_id, epoch_ms(shop_since) AS shop_since_ms, is_bot, home_brand, favourite_first, favourite_count, preferred_hour, traits,
            case_name = 'anonymous_stitched' AS is_stitched,
            CASE WHEN is_bot OR case_name = 'anonymous_stitched' THEN 0 ELSE app_share END AS app_visit_share,
            len(phones) AS app_count,
            epoch_ms(greatest(date_trunc('day', joined_at) - INTERVAL 60 DAY, TIMESTAMP '2024-07-01')) AS first_ms,
            epoch_ms(least(coalesce(left_at + INTERVAL 60 DAY, TIMESTAMP '2026-08-01'), TIMESTAMP '2026-08-01')) AS last_ms
        FROM crowd
    ) AS crowd ON crowd.person_n = wanted.person_n
), placed AS (
    SELECT
        *,
        CASE WHEN is_bot THEN 120 WHEN kind = 'order' THEN 6 + CAST(h % 3 AS BIGINT) WHEN is_stitched THEN 5 ELSE 2 + CAST(h % 5 AS BIGINT) END AS event_count,
        CASE WHEN is_bot THEN 300 ELSE 4000 + CAST(h % 50000 AS BIGINT) END AS gap_ms,
        CASE WHEN is_app AND cut(h, 5) < 0.4 THEN 600000 + CAST((h >> 8) % 432000000 AS BIGINT) ELSE 400 + CAST((h >> 8) % 2600 AS BIGINT) END AS delay_ms,
        CASE
            WHEN kind = 'click' THEN ended_ms + 1500
            WHEN kind = 'order' THEN NULL
            WHEN is_stitched THEN shop_since_ms - (5 + 31 * visit_no) * 3600000
            ELSE first_ms
                + CAST((h >> 24) % 1000003 AS BIGINT) % greatest((last_ms - first_ms) // 86400000, 1) * 86400000
                + CASE WHEN cut(h, 1) < 0.5 THEN preferred_hour ELSE 6 + CAST((h >> 20) % 17 AS BIGINT) END * 3600000
                + CAST((h >> 30) % 3600000 AS BIGINT)
        END AS drawn_ms
    FROM drawn
), started AS (
    SELECT *, coalesce(drawn_ms, ended_ms - gap_ms * (event_count - 1)) AS start_ms
    FROM placed
), known AS (
    SELECT
        *,
        CASE
            WHEN shop_id IS NULL OR is_bot THEN NULL
            WHEN kind = 'order' AND (start_ms < shop_since_ms OR cut(h, 4) < 0.4) THEN event_count - 4
            WHEN start_ms >= shop_since_ms AND (is_app OR cut(h, 4) < 0.6) THEN 0
        END AS known_from
    FROM started
)
SELECT
    known.person_n,
    known.kind,
    known.visit_no,
    known.h,
    known.is_app,
    known.sku,
    CAST(known.favourite_first AS BIGINT) AS favourite_first,
    CAST(known.favourite_count AS BIGINT) AS favourite_count,
    known.start_ms,
    known.gap_ms,
    known.event_count,
    known.known_from,
    CASE WHEN known.known_from > 0 OR known.is_app OR (known.h >> 4) % 3 = 0 THEN known.known_from END AS identify_at,
    known.shop_id,
    known.traits,
    handsets.device_id,
    handsets.anonymous_id,
    handsets.skew_ms,
    concat(handsets.envelope, coalesce(campaigns.context, ''), ',"app":{"namespace":"', coalesce(campaigns.brand, known.home_brand), '"}}') AS envelope,
    known.delay_ms,
    unnest(CASE WHEN (known.h >> 12) % 500 = 0 THEN [0, 45000] ELSE [0] END) AS resent_ms,
    known.start_ms + known.gap_ms * known.event_count + known.delay_ms AS arrives_ms
FROM known
JOIN handsets ON handsets.person_n = known.person_n AND handsets.is_app = known.is_app
    AND handsets.place = CAST((known.h >> 20) % 5040 AS BIGINT) % handsets.place_count
LEFT JOIN campaigns ON campaigns.campaign_n = known.campaign_n
