-- One row per audience and person for whom its rule is true.
-- owner: team:marketing
-- columns: audience VARCHAR, person_id VARCHAR
WITH asked AS (
    SELECT person_id, unnest(slot.audiences) AS audience
    FROM profiles
)
SELECT audience, person_id
FROM asked
WHERE audience IS NOT NULL
