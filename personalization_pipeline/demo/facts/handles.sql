-- One row per person and social network on which she posts: her handle, and whether she told the app (the only safe link: R12).
SELECT
    crowd.person_n,
    crowd.person_id,
    networks.network,
    concat(lower(regexp_replace(strip_accents(crowd.first_name), '[^A-Za-z]', '', 'g')), '_', printf('%05x', chance(concat('handle|', crowd.person_n)) % 1048576)) AS handle,
    crowd.case_name = 'fashion_shopper' OR u(crowd.person_n, 'declares handle') < 0.4 AS is_declared,
    crowd.case_name = 'fashion_shopper' AS is_case,
    CASE WHEN crowd.case_name = 'fashion_shopper' THEN 5 ELSE 1 + CAST(floor(u(crowd.person_n, networks.network) * 5) AS BIGINT) END AS post_count,
    crowd.home_brand,
    crowd.language,
    crowd.shop_id,
    crowd.shop_since,
    crowd.joined_at
FROM crowd
CROSS JOIN (VALUES ('instagram'), ('x')) AS networks (network)
WHERE NOT crowd.is_bot
    AND (crowd.case_name = 'fashion_shopper' OR u(crowd.person_n, concat('posts on ', networks.network)) < 0.05)
