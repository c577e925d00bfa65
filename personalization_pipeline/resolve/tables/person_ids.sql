-- One row per person_id that was ever issued: who that is tonight. An id is never issued again; one that was merged away comes back with the records that it had.
-- owner: team:data-engineering
-- columns: person_id VARCHAR, current_person_id VARCHAR, founded_at TIMESTAMP, ended_at TIMESTAMP
-- column current_person_id: the id itself, or of the person who has most of the records that were hers when she was merged away; NULL where all her records are gone
-- column founded_at: as_of of the night that issued the id
-- column ended_at: as_of of the night that merged or retired it last; NULL while it is a person's
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
), heirs AS (
    SELECT former.person_id, records.person_id AS heir_id
    FROM former_ids AS former
    JOIN records ON records.record_key = former.record_key
    GROUP BY former.person_id, records.person_id
    QUALIFY row_number() OVER (PARTITION BY former.person_id ORDER BY count(*) DESC, min(records.record_key)) = 1
)
SELECT
    known.person_id,
    CASE
        WHEN alive.person_id IS NOT NULL THEN alive.person_id
        WHEN heirs.person_id IS NOT NULL THEN heirs.heir_id
        WHEN ends.person_id IS NOT NULL THEN ends.other_person_id
        ELSE known.current_person_id
    END AS current_person_id,
    known.founded_at,
    CASE WHEN alive.person_id IS NULL THEN coalesce(known.ended_at, tonight.as_of) END AS ended_at
FROM known
CROSS JOIN tonight
LEFT JOIN alive ON alive.person_id = known.person_id
LEFT JOIN heirs ON heirs.person_id = known.person_id
LEFT JOIN ends ON ends.person_id = known.current_person_id
UNION ALL
SELECT alive.person_id, alive.person_id, alive.founded_at, NULL
FROM alive
ANTI JOIN known ON known.person_id = alive.person_id
