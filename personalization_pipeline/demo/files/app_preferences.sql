-- What people told the app about themselves: one line per preference, the newest word last. Mostly true; a fifth says another
-- category than she buys. Handles of social networks are here or nowhere.
WITH asked AS (
    SELECT
        *,
        concat('pref|', person_n) AS key,
        day_after(shop_since, chance(concat('pref at|', person_n))) AS set_at
    FROM crowd
    WHERE shop_id IS NOT NULL AND NOT is_bot
), told AS (
    SELECT
        person_n, shop_id, key, set_at, 'favourite_category' AS preference,
        CASE WHEN u(key, 'fibs') < 0.8 THEN favourite_category ELSE (SELECT categories[1 + CAST(chance(key) % len(categories) AS BIGINT)] FROM shelf) END AS value
    FROM asked WHERE case_name <> '' OR u(key, 'favourite') < 0.3
    UNION ALL
    SELECT person_n, shop_id, key, set_at, 'preferred_channel', CASE WHEN u(key, 'fibs') < 0.8 THEN preferred_channel ELSE 'email' END
    FROM asked WHERE case_name <> '' OR u(key, 'channel') < 0.25
    UNION ALL
    SELECT person_n, shop_id, key, set_at, 'quiet_hours', concat(lpad(CAST(20 + CAST(floor(u(key, 'quiet') * 3) AS BIGINT) AS VARCHAR), 2, '0'), ':00-08:00')
    FROM asked WHERE u(key, 'quiet hours') < 0.12
    UNION ALL
    SELECT person_n, shop_id, key, set_at, 'favourite_store', (SELECT min(store_id) FROM stores WHERE stores.country = asked.country AND stores.brand = asked.home_brand)
    FROM asked WHERE store_share > 0 AND u(key, 'store') < 0.3
    UNION ALL
    SELECT handles.person_n, handles.shop_id, concat('pref|', handles.person_n), handles.shop_since + INTERVAL 1 HOUR, concat(handles.network, '_handle'), concat('@', handles.handle)
    FROM handles WHERE handles.is_declared AND handles.shop_id IS NOT NULL
)
SELECT
    set_at AS arrived_at,
    shop_id AS customer_id,
    preference,
    value,
    strftime(set_at, '%Y-%m-%dT%H:%M:%SZ') AS set_at
FROM told
WHERE value IS NOT NULL
