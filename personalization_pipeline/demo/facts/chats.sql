-- One row per chat with the shop: about style or about service; most visitors leave an address, some do not.
-- Plants: the fashion shopper asks for advice on style five times (R11).
WITH wanted AS (
    SELECT
        *,
        unnest(range(CASE
            WHEN case_name = 'fashion_shopper' THEN 5
            WHEN is_bot OR u(person_n, 'chats') >= 0.07 THEN 0
            ELSE 1 + CAST(floor(u(person_n, 'chat count') * 3) AS BIGINT)
        END)) AS chat_no
    FROM crowd
    WHERE shop_id IS NOT NULL
), drawn AS (
    SELECT *, chance(concat('chat|', person_n, '|', chat_no)) AS h, case_name = 'fashion_shopper' AS is_case
    FROM wanted
)
SELECT
    person_n,
    chat_no,
    h,
    shop_id,
    home_brand AS brand,
    language,
    first_name,
    last_name,
    CASE WHEN is_case OR u(person_n, 'chat address') < 0.6 THEN email END AS email,
    concat('v', printf('%012x', chance(concat('visitor|', person_n)) % 281474976710655)) AS visitor_id,
    concat(strftime(shop_since, '%y%m'), '.', printf('%08x', h % 4294967295), '.', chat_no) AS chat_id,
    CASE WHEN is_case OR cut(h, 0) < 0.4 THEN 'style' ELSE 'service' END AS topic,
    day_after(shop_since, h) AS started_at,
    90 + CAST(h % 900 AS BIGINT) AS duration_s
FROM drawn
