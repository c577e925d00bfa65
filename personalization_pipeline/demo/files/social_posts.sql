-- What a listening tool found: posts and comments on two networks that mention a brand, a related term, or neither.
-- Plants: the fashion shopper's comments and posts, some of which name the brand (R11); strangers whom nobody can link.
WITH posted AS (
    SELECT network, handle, language, home_brand, joined_at, is_case, unnest(range(post_count)) AS post_no
    FROM handles
    UNION ALL
    SELECT 'x', concat('stranger_', printf('%06x', chance(concat('stranger|', person_n)) % 16777216)), language, home_brand, TIMESTAMP '2025-01-01', false, 0
    FROM crowd
    WHERE person_n % 50 = 7
), drawn AS (
    SELECT *, chance(concat('post|', network, '|', handle, '|', post_no)) AS h
    FROM posted
), told AS (
    SELECT
        *,
        day_after(joined_at, h) AS posted_at,
        CASE
            WHEN is_case THEN CASE WHEN post_no < 2 THEN 'brand_post' ELSE 'related_post' END
            WHEN cut(h, 0) < 0.3 THEN 'brand_post'
            WHEN cut(h, 0) < 0.6 THEN 'related_post'
            ELSE 'other_post'
        END AS kind
    FROM drawn
)
SELECT
    posted_at + INTERVAL 20 MINUTE AS arrived_at,
    printf('%016x', h) AS id,
    network,
    CASE network WHEN 'instagram' THEN 'comment' ELSE 'post' END AS post_type,
    {'handle': concat('@', handle), 'followers': 10 + CAST(h % 4000 AS BIGINT)} AS author,
    pick(texts, cut(h, 1)) AS "text",
    told.language AS lang,
    strftime(posted_at, '%a %b %d %H:%M:%S +0000 %Y') AS created_at,
    regexp_extract_all(pick(texts, cut(h, 1)), '@[a-z]+') AS mentions,
    regexp_extract_all(pick(texts, cut(h, 1)), '#\w+') AS hashtags
FROM told
JOIN phrases ON phrases.kind = told.kind AND phrases.language = told.language
