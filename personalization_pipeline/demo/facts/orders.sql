-- One row per order of a known or unknown person, in the web shop, the app, a store or the old catalogue shop.
-- Plants: true lifetimes (nothing after left_at), true cycles (a consumable again after cycle_days, give or take a tenth),
-- the campaign's effect (an order more for treated people with a pull, fewer for those with a push), cancellations,
-- customers who forget their card, guests, second accounts. order_n = person_n * 1000 + place, whatever the time.
-- Most choices are quarters of a digest (macro `part`), so that an order costs four digests, not twenty.
WITH customers AS (
    SELECT
        person_n,
        persona,
        joined_at,
        left_at,
        random_orders,
        cycle_days,
        cycle_sku,
        arm,
        campaign_pull,
        campaign_push,
        is_seven,
        is_guest_first,
        has_second_account,
        has_card,
        is_premium_in_store,
        store_share,
        app_share,
        promo_share,
        brand_b_share,
        home_brand,
        preferred_hour,
        spend_factor,
        favourite_category,
        country,
        u(person_n, 'usual store') AS usual_store,
        u(person_n, 'payment') AS usual_payment,
        epoch(coalesce(left_at, TIMESTAMP '2026-08-01') - joined_at) AS span
    FROM people
    WHERE is_customer
), placed AS (
    SELECT
        person_n * 1000 AS order_n,
        'first' AS reason,
        joined_at AS moment,
        customers.*
    FROM customers
    UNION ALL
    SELECT
        person_n * 1000 + place,
        'any',
        joined_at + to_seconds(CAST(floor(u(person_n * 1000 + place, 'moment') * span) AS BIGINT)),
        customers.*
    FROM customers, range(1, random_orders + 1) AS places (place)
    UNION ALL
    SELECT
        person_n * 1000 + 700 + place,
        'cycle',
        joined_at + to_seconds(CAST(floor(86400 * cycle_days * (place - 0.1 + 0.2 * u(person_n * 1000 + 700 + place, 'moment'))) AS BIGINT)),
        customers.*
    FROM customers, range(1, CAST(coalesce(floor(span / 86400 / cycle_days), 0) AS BIGINT) + 1) AS places (place)
    UNION ALL
    SELECT
        person_n * 1000 + 999,
        'campaign',
        TIMESTAMP '2026-04-14 08:00:00' + to_seconds(3600 + CAST(floor(u(person_n, 'campaign moment') * 20 * 86400) AS BIGINT)),
        customers.*
    FROM customers
    WHERE arm = 'treated' AND u(person_n, 'campaign pull') < campaign_pull
), drawn AS (
    SELECT
        *,
        digest(order_n, 'where') AS where_bits,
        digest(order_n, 'when') AS when_bits,
        digest(order_n, 'how') AS how_bits
    FROM placed
), kept AS (
    SELECT
        *,
        CASE
            WHEN is_seven THEN 'seven'
            WHEN reason = 'first' AND is_guest_first THEN 'shopify'
            WHEN part(where_bits, 0) < store_share THEN 'pos'
            ELSE 'shopify'
        END AS source,
        CASE WHEN part(where_bits, 1) < brand_b_share THEN 'pixel_and_play' ELSE 'leaf_and_bean' END AS drawn_brand
    FROM drawn
    WHERE moment < coalesce(left_at, TIMESTAMP '2026-08-01')
        AND NOT (
            arm = 'treated' AND reason <> 'campaign' AND part(how_bits, 3) < campaign_push
            AND moment >= TIMESTAMP '2026-04-14 08:00:00' AND moment < TIMESTAMP '2026-05-12 08:00:00'
        )
), timed AS (
    SELECT
        * EXCLUDE (moment),
        CASE WHEN reason = 'cycle' THEN 'leaf_and_bean' ELSE drawn_brand END AS brand,
        CASE
            WHEN reason IN ('first', 'campaign') THEN moment
            WHEN source = 'pos' THEN date_trunc('day', moment) + to_seconds(CAST(32400 + floor(part(when_bits, 0) * 36000) AS BIGINT))
            ELSE date_trunc('day', moment) + to_seconds(CAST(
                3600 * ((preferred_hour + 24 + floor((part(when_bits, 0) + part(when_bits, 1) - 1) * 6)) % 24)
                + floor(part(when_bits, 2) * 3600) AS BIGINT))
        END AS at_hour
    FROM kept
), cancelled AS (
    SELECT
        *,
        -- her own hour of the last day may lie after she left, or before she came
        least(greatest(at_hour, joined_at), coalesce(left_at, TIMESTAMP '2026-08-01')) AS ordered_at,
        source <> 'pos' AND persona = '' AND part(how_bits, 0) < 0.02 AS is_cancelled
    FROM timed
)
SELECT
    cancelled.order_n,
    cancelled.person_n,
    CASE
        WHEN cancelled.source = 'seven' THEN cancelled.person_n * 10 + 8
        WHEN cancelled.source = 'pos' THEN CASE WHEN cancelled.has_card AND part(where_bits, 2) < 0.85 THEN cancelled.person_n * 10 + 6 END
        WHEN cancelled.reason = 'first' AND cancelled.is_guest_first THEN cancelled.person_n * 10 + 5
        WHEN cancelled.brand <> cancelled.home_brand THEN cancelled.person_n * 10 + 1
        WHEN cancelled.has_second_account AND part(where_bits, 2) < 0.4 THEN cancelled.person_n * 10 + 2
        ELSE cancelled.person_n * 10
    END AS record_n,
    cancelled.source,
    cancelled.brand,
    CASE
        WHEN cancelled.source = 'pos' THEN 'store'
        WHEN cancelled.source = 'shopify' AND part(where_bits, 3) < cancelled.app_share THEN 'app'
        ELSE 'web'
    END AS channel,
    CASE WHEN cancelled.source = 'pos' THEN stores.store_id END AS store_id,
    cancelled.ordered_at,
    list_extract(
        CASE cancelled.source WHEN 'pos' THEN ['card', 'card', 'cash', 'wallet'] ELSE ['card', 'wallet', 'invoice', 'direct_debit'] END,
        1 + CAST(floor(4 * CASE WHEN part(how_bits, 1) < 0.85 THEN usual_payment ELSE part(how_bits, 1) * 20 / 3 - 17 / 3.0 END) AS INTEGER)
    ) AS payment_method,
    -- as deep as a real grocer's discounts: a tenth of them below 8 %, half below 25 %, nine tenths below 47 %
    CASE
        WHEN cancelled.reason = 'campaign' THEN 'SPRING15'
        WHEN part(how_bits, 2) < cancelled.promo_share
            THEN list_extract(['WELCOME10', 'SEASON25', 'THANKS40'], 1 + CAST(floor(3 * part(when_bits, 3)) AS INTEGER))
    END AS promo_code,
    cancelled.is_cancelled,
    CASE WHEN cancelled.is_cancelled THEN cancelled.ordered_at + to_seconds(CAST(600 + floor(part(when_bits, 3) * 18000) AS BIGINT)) END AS cancelled_at,
    cancelled.reason,
    CASE
        WHEN cancelled.is_premium_in_store THEN CASE cancelled.source WHEN 'pos' THEN 3 ELSE 4 END
        WHEN cancelled.spend_factor < 0.8 THEN 0
        WHEN cancelled.spend_factor < 1.4 THEN 1
        ELSE 2
    END AS spend_level,
    cancelled.favourite_category,
    cancelled.cycle_sku,
    cancelled.persona
FROM cancelled
LEFT JOIN stores
    ON stores.brand = cancelled.brand AND stores.country = cancelled.country
    AND stores.place = CAST(floor(cancelled.usual_store * stores.place_count) AS BIGINT)

