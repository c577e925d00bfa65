-- One row per person: the golden record, chosen field by field (people_fields). Known people have a record in some source; an anonymous one is a browser or app that nobody, or more than one person, has signed in on.
-- owner: team:data-engineering
-- private
-- column kind: known or anonymous
-- column founded_at: as_of of the night that issued the id; of an anonymous person when she was first seen
-- column external_id: the smallest source key among the person's records, for destinations that know those keys
-- column record_count: how many records the person was seen as
-- check: count(*) - count(DISTINCT person_id) = 0
-- check: count(*) FILTER (kind NOT IN ('known', 'anonymous')) = 0
-- plot bar: kind by count(*)
WITH known AS (
    SELECT
        person_id,
        min(founded_at) AS founded_at,
        count(*) AS record_count,
        min(substr(record_key, strpos(record_key, ':') + 1)) AS external_id
    FROM records
    GROUP BY person_id
), fields AS (
    SELECT
        person_id,
        max(value) FILTER (field = 'first_name') AS first_name,
        max(value) FILTER (field = 'last_name') AS last_name,
        max(value) FILTER (field = 'email') AS email,
        max(value) FILTER (field = 'phone') AS phone,
        CAST(max(value) FILTER (field = 'birth_date') AS DATE) AS birth_date,
        max(value) FILTER (field = 'street') AS street,
        max(value) FILTER (field = 'postal_code') AS postal_code,
        max(value) FILTER (field = 'city') AS city,
        max(value) FILTER (field = 'country') AS country,
        max(value) FILTER (field = 'language') AS language
    FROM people_fields
    GROUP BY person_id
)
SELECT known.person_id, 'known' AS kind, known.* EXCLUDE (person_id), fields.* EXCLUDE (person_id)
FROM known
LEFT JOIN fields ON fields.person_id = known.person_id
UNION ALL BY NAME
SELECT person_id, 'anonymous' AS kind, first_seen_at AS founded_at, 0 AS record_count
FROM visitors
WHERE NOT is_known
