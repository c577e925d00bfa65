-- One row per person_id that was ever issued: who that is tonight. An id is never issued again.
-- owner: team:data-engineering
-- columns: person_id VARCHAR, current_person_id VARCHAR, founded_at TIMESTAMP, ended_at TIMESTAMP
-- column current_person_id: the id itself, or of the person that she was merged into; NULL where all her records are gone
-- column founded_at: as_of of the night that issued the id
-- column ended_at: as_of of the night that merged or retired it; NULL while it is a person's
-- check: count(*) - count(DISTINCT person_id) = 0
-- check: count(*) FILTER (ended_at IS NOT NULL AND current_person_id = person_id) = 0
-- check: count(*) FILTER (ended_at IS NULL AND current_person_id IS DISTINCT FROM person_id) = 0
WITH alive AS (
    SELECT person_id, min(founded_at) AS founded_at
    FROM records
    GROUP BY person_id
), known AS (
    SELECT *
    FROM yesterday.person_ids
    UNION ALL
    SELECT before.person_id, before.person_id, min(before.founded_at), CAST(NULL AS TIMESTAMP)
    FROM yesterday.records AS before
    ANTI JOIN yesterday.person_ids AS issued ON issued.person_id = before.person_id
    GROUP BY before.person_id
), ends AS (
    SELECT history.person_id, history.other_person_id
    FROM person_history AS history
    CROSS JOIN tonight
    WHERE history.changed_at = tonight.as_of AND history.change IN ('merged', 'retired')
)
SELECT
    known.person_id,
    CASE WHEN ends.person_id IS NULL THEN known.current_person_id ELSE ends.other_person_id END AS current_person_id,
    known.founded_at,
    coalesce(known.ended_at, CASE WHEN own.person_id IS NOT NULL THEN tonight.as_of END) AS ended_at
FROM known
CROSS JOIN tonight
LEFT JOIN ends ON ends.person_id = known.current_person_id
LEFT JOIN ends AS own ON own.person_id = known.person_id
UNION ALL
SELECT alive.person_id, alive.person_id, alive.founded_at, NULL
FROM alive
ANTI JOIN known ON known.person_id = alive.person_id
