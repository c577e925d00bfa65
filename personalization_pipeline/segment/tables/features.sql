-- One row per person: all features, the package's and the project's. What a segment's rule sees.
-- owner: team:analytics
-- check: count(*) - count(DISTINCT person_id) = 0
SELECT *
FROM slot.feature_tables
