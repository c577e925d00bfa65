-- One row per segment and member.
-- owner: team:marketing
-- columns: segment VARCHAR, person_id VARCHAR
-- plot bar: segment by count(*)
WITH asked AS (
    SELECT person_id, unnest(slot.segments) AS segment
    FROM features
)
SELECT segment, person_id
FROM asked
WHERE segment IS NOT NULL
