-- One row per thing that happened to a person_id. created: issued, out of other_person_id where she was split off. restored: merged away once, and split off again out of other_person_id. merged: her largest part is other_person_id now. split: a part of her is other_person_id now. retired: none of her records is left.
-- owner: team:data-engineering
-- private
-- columns: person_id VARCHAR, change VARCHAR, changed_at TIMESTAMP, other_person_id VARCHAR, record_key VARCHAR
-- column changed_at: as_of of the night
-- column record_key: the smallest new or changed record of those concerned, or else of all that hang together with them; NULL where none was: records left, people said so, or the artefact is another one
-- check: count(*) FILTER (change = 'created') - count(DISTINCT person_id) FILTER (change = 'created') = 0
-- check: count(*) FILTER (change IN ('merged', 'retired')) - count(*) FILTER (change = 'restored') - count(DISTINCT person_id) FILTER (change IN ('merged', 'retired')) <= 0
-- check: count(*) FILTER (change NOT IN ('created', 'restored', 'merged', 'split', 'retired')) = 0
WITH moves AS (
    SELECT before.person_id AS old_id, records.person_id AS new_id
    FROM records
    FULL JOIN yesterday.records AS before ON before.record_key = records.record_key
    WHERE before.person_id IS DISTINCT FROM records.person_id
), touched AS (
    SELECT old_id AS person_id FROM moves WHERE old_id IS NOT NULL
    UNION
    SELECT new_id FROM moves WHERE new_id IS NOT NULL
), known AS (
    SELECT DISTINCT before.person_id
    FROM yesterday.records AS before
    SEMI JOIN touched ON touched.person_id = before.person_id
), alive AS (
    SELECT DISTINCT records.person_id
    FROM records
    SEMI JOIN touched ON touched.person_id = records.person_id
), shares AS (
    -- Whoever has the records that she had has no history tonight.
    SELECT
        before.person_id AS old_id,
        records.person_id AS new_id,
        count(*) AS shared_count,
        min(records.record_key) AS first_key
    FROM (FROM yesterday.records SEMI JOIN touched USING (person_id)) AS before
    JOIN records ON records.record_key = before.record_key
    GROUP BY before.person_id, records.person_id
), parts AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY old_id ORDER BY new_id = old_id DESC, shared_count DESC, first_key) = 1 AS is_heir,
        row_number() OVER (PARTITION BY new_id ORDER BY shared_count DESC, first_key) = 1 AS is_origin
    FROM shares
), causes AS (
    SELECT records.person_id, min(records.record_key) AS record_key
    FROM records
    SEMI JOIN computed.changed_contacts AS changed ON changed.record_key = records.record_key
    GROUP BY records.person_id
), component_causes AS (
    SELECT clusters.component_digest, min(causes.record_key) AS record_key
    FROM causes
    JOIN records ON records.person_id = causes.person_id
    JOIN clusters ON clusters.record_key = records.record_key
    GROUP BY clusters.component_digest
), near_causes AS (
    SELECT records.person_id, min(component_causes.record_key) AS record_key
    FROM (FROM records SEMI JOIN touched USING (person_id)) AS records
    JOIN clusters ON clusters.record_key = records.record_key
    JOIN component_causes ON component_causes.component_digest = clusters.component_digest
    GROUP BY records.person_id
), changes AS (
    SELECT
        alive.person_id,
        CASE WHEN issued.person_id IS NULL THEN 'created' ELSE 'restored' END AS change,
        parts.old_id AS other_person_id,
        alive.person_id AS holder_id
    FROM alive
    ANTI JOIN known ON known.person_id = alive.person_id
    LEFT JOIN yesterday.person_ids AS issued ON issued.person_id = alive.person_id
    LEFT JOIN parts ON parts.new_id = alive.person_id AND parts.is_origin
    UNION ALL
    SELECT known.person_id, CASE WHEN parts.new_id IS NULL THEN 'retired' ELSE 'merged' END, parts.new_id, parts.new_id
    FROM known
    ANTI JOIN alive ON alive.person_id = known.person_id
    LEFT JOIN parts ON parts.old_id = known.person_id AND parts.is_heir
    UNION ALL
    SELECT old_id, 'split', new_id, new_id
    FROM parts
    WHERE NOT is_heir
)
SELECT *
FROM yesterday.person_history
UNION ALL
SELECT
    changes.person_id,
    changes.change,
    tonight.as_of,
    changes.other_person_id,
    coalesce(least(holding.record_key, leaving.record_key), near.record_key)
FROM changes
CROSS JOIN tonight
LEFT JOIN causes AS holding ON holding.person_id = changes.holder_id
LEFT JOIN causes AS leaving ON leaving.person_id = changes.person_id
LEFT JOIN near_causes AS near ON near.person_id = changes.holder_id
