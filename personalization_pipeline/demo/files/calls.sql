-- The call centre's log, semicolons between, times in the office's zone; the number as the network gave it, or withheld.
-- Where the caller was recognised, the agent's screen showed the CRM contact. Plants: the fashion shopper calls twice (R11).
WITH wanted AS (
    SELECT
        *,
        unnest(range(CASE
            WHEN case_name = 'fashion_shopper' THEN 2
            WHEN is_bot OR u(person_n, 'calls') >= 0.1 THEN 0
            ELSE 1 + CAST(floor(u(person_n, 'call count') * 2) AS BIGINT)
        END)) AS call_no
    FROM crowd
    WHERE crm_id IS NOT NULL
), drawn AS (
    SELECT *, chance(concat('call|', person_n, '|', call_no)) AS h
    FROM wanted
), timed AS (
    SELECT *, day_after(coalesce(shop_since, joined_at), h) AS started_at
    FROM drawn
)
SELECT
    started_at AS arrived_at,
    printf('%016x', h) AS call_id,
    'inbound' AS direction,
    CASE WHEN case_name = '' AND cut(h, 0) < 0.12 THEN 'anonymous' ELSE coalesce(replace(phone, '+', '00'), 'anonymous') END AS caller_number,
    CASE WHEN case_name <> '' OR cut(h, 0) >= 0.12 THEN crm_id END AS crm_contact_id,
    home_brand AS queue,
    strftime(timezone('Europe/Berlin', timezone('UTC', started_at)), '%d.%m.%Y %H:%M:%S') AS started,
    10 + CAST(h % 170 AS BIGINT) AS waited_s,
    CASE WHEN cut(h, 1) < 0.06 THEN 0 ELSE 40 + CAST(h % 840 AS BIGINT) END AS talked_s,
    CASE WHEN cut(h, 1) < 0.06 THEN 'abandoned' ELSE ['delivery', 'return', 'product', 'account'][1 + CAST(h % 4 AS BIGINT)] END AS outcome
FROM timed
