-- One row per person: the golden record, chosen field by field (people_fields). Known people have a record in some source; an anonymous one is a browser or app that nobody, or more than one person, has signed in on.
-- owner: team:data-engineering
-- private
-- columns: person_id VARCHAR, kind VARCHAR, founded_at TIMESTAMP, record_count BIGINT, external_id VARCHAR, first_name VARCHAR, last_name VARCHAR, email VARCHAR, phone VARCHAR, birth_date DATE, street VARCHAR, postal_code VARCHAR, city VARCHAR, country VARCHAR, language VARCHAR, words_digest UBIGINT
-- column kind: known or anonymous
-- column founded_at: as_of of the night that issued the id; of an anonymous person when she was first seen
-- column external_id: the smallest source key among the person's records, for destinations that know those keys
-- column record_count: how many records the person was seen as
-- column words_digest: of all that a known person's records say, and of the rules; where it is yesterday's, so is her row
-- check: count(*) - count(DISTINCT person_id) = 0
-- check: count(*) FILTER (kind NOT IN ('known', 'anonymous')) = 0
-- plot bar: kind by count(*)
WITH known AS (
    SELECT
        records.person_id,
        changed.words_digest,
        min(records.founded_at) AS founded_at,
        count(*) AS record_count,
        min(substr(records.record_key, strpos(records.record_key, ':') + 1)) AS external_id
    FROM records
    JOIN computed.changed_people AS changed ON changed.person_id = records.person_id
    GROUP BY records.person_id, changed.words_digest
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
    SEMI JOIN computed.changed_people AS changed ON changed.person_id = people_fields.person_id
    GROUP BY person_id
)
SELECT known.person_id, 'known' AS kind, known.* EXCLUDE (person_id, words_digest), fields.* EXCLUDE (person_id), known.words_digest
FROM known
LEFT JOIN fields ON fields.person_id = known.person_id
UNION ALL BY NAME
SELECT before.*
FROM yesterday.people AS before
LEFT JOIN computed.changed_people AS changed ON changed.person_id = before.person_id
WHERE before.kind = 'known' AND changed.person_id IS NULL
UNION ALL BY NAME
SELECT person_id, 'anonymous' AS kind, first_seen_at AS founded_at, 0 AS record_count
FROM visitors
WHERE NOT is_known
