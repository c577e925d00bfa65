-- One row per browser or app that events came from: a device that people use, known only where exactly one person has signed in on it.
-- owner: team:data-engineering
-- private
-- column visitor_key: source and id of the browser or app there
-- column person_id: the one person who signed in; else anonymous_id
-- column anonymous_id: of whoever uses it without signing in, from night to night; once somebody is known it means her
-- column is_known: exactly one person has signed in
-- column signed_in_count: different people who have signed in
-- check: count(*) - count(DISTINCT visitor_key) = 0
-- check: count(*) - count(DISTINCT anonymous_id) = 0
WITH uses AS (
    SELECT
        landed.visitor_key,
        landed.occurred_at,
        landed.record_key IS NOT NULL AS is_signed_in,
        coalesce(records.person_id, landed.record_key) AS user_key,
        records.person_id
    FROM facts.events AS landed
    LEFT JOIN records ON records.record_key = landed.record_key
    WHERE landed.visitor_key IS NOT NULL
), totals AS (
    SELECT
        visitor_key,
        count(DISTINCT user_key) AS signed_in_count,
        max(person_id) AS known_id,
        'a' || substr(md5(visitor_key), 1, 15) AS anonymous_id,
        count(*) AS event_count,
        min(occurred_at) AS first_seen_at,
        max(occurred_at) AS last_seen_at,
        min(occurred_at) FILTER (is_signed_in) AS first_signed_in_at,
        max(occurred_at) FILTER (is_signed_in) AS last_signed_in_at
    FROM uses
    GROUP BY visitor_key
)
SELECT
    visitor_key,
    CASE WHEN signed_in_count = 1 THEN coalesce(known_id, anonymous_id) ELSE anonymous_id END AS person_id,
    signed_in_count = 1 AND known_id IS NOT NULL AS is_known,
    totals.* EXCLUDE (visitor_key, known_id)
FROM totals
