-- One row per person, wide: features, segments and scores. What audiences and analysts see; no direct identifiers.
-- owner: team:analytics
-- column segments: names of her segments, sorted; ask with in_segment('name')
-- check: count(*) - count(DISTINCT person_id) = 0
-- check: count(*) >= 1
WITH memberships AS (
    SELECT person_id, list(segment ORDER BY segment) AS segments
    FROM segment_members
    GROUP BY person_id
)
SELECT
    features.*,
    coalesce(memberships.segments, CAST([] AS VARCHAR[])) AS segments,
    scores.* EXCLUDE (person_id)
FROM features
LEFT JOIN memberships ON memberships.person_id = features.person_id
LEFT JOIN scores ON scores.person_id = features.person_id
