-- One row per record and person_id that it had when that id was merged away: what a split gives back.
-- owner: team:data-engineering
-- private
-- columns: record_key VARCHAR, person_id VARCHAR, left_at TIMESTAMP
-- column person_id: an id that is nobody's tonight
-- column left_at: as_of of the night that merged it; a record's earliest one is where it comes from
-- check: count(*) - count(DISTINCT (record_key, person_id)) = 0
WITH trail AS (
    SELECT record_key, person_id, left_at
    FROM yesterday.former_ids
    UNION ALL
    SELECT before.record_key, before.person_id, tonight.as_of
    FROM yesterday.records AS before
    CROSS JOIN tonight
), returns AS (
    SELECT trail.record_key, trail.left_at
    FROM trail
    JOIN records ON records.record_key = trail.record_key AND records.person_id = trail.person_id
)
SELECT trail.record_key, trail.person_id, trail.left_at
FROM trail
SEMI JOIN records AS known ON known.record_key = trail.record_key
ANTI JOIN records AS alive ON alive.person_id = trail.person_id
LEFT JOIN returns ON returns.record_key = trail.record_key
WHERE coalesce(trail.left_at < returns.left_at, true)
