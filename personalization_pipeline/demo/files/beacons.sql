-- Sightings of phones by beacons in the stores; seen_at in milliseconds. Most belong to people who bought there within the
-- hour, some to passers-by whom nobody knows. A device is no person: it never joins two logins by itself (R13).
WITH seen AS (
    SELECT
        orders.store_id,
        crowd.phones[1] AS device_id,
        orders.ordered_at,
        concat('beacon|', orders.order_n) AS key,
        unnest(range(1 + CAST(floor(u(orders.order_n, 'sightings') * 3) AS BIGINT))) AS sighting_no
    FROM orders
    JOIN crowd ON crowd.person_n = orders.person_n
    WHERE orders.store_id IS NOT NULL AND len(crowd.phones) > 0
        AND (crowd.case_name = 'fashion_shopper' OR u(orders.order_n, 'bluetooth is on') < 0.3)
    UNION ALL
    SELECT
        (SELECT min(store_id) FROM stores),
        concat('ph-', printf('%012x', chance(concat('passer|', person_n)) % 281474976710655)),
        TIMESTAMP '2025-01-01' + to_minutes(CAST(floor(u(person_n, 'passes at') * 780000) AS BIGINT)),
        concat('passer|', person_n),
        0
    FROM crowd
    WHERE person_n % 40 = 3
), timed AS (
    SELECT *, chance(concat(key, '|', sighting_no)) AS h, epoch_ms(ordered_at) - 60000 * (2 + 9 * sighting_no) AS seen_ms
    FROM seen
)
SELECT
    make_timestamp(seen_ms * 1000) AS arrived_at,
    printf('%016x', h) AS sighting_id,
    concat(store_id, '-', ['entrance', 'till', 'shelf'][1 + CAST(h % 3 AS BIGINT)]) AS beacon_id,
    store_id,
    device_id,
    -90 + CAST(h % 50 AS BIGINT) AS rssi,
    seen_ms + CAST(h % 1000 AS BIGINT) AS seen_at,
    5 + CAST(h % 600 AS BIGINT) AS dwell_s
FROM timed
