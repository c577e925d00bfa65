-- One row per kind of work that follows what is new: how much of it there is, and how much was done tonight; the rest is yesterday's.
-- owner: team:data-engineering
-- column work: files read; facts set aside for a version of another file; records and addresses standardised; records compared (again, where a value is set aside); pairs scored that became edges, and inner pairs weighed; records clustered anew in components of three and more; people whose golden record was chosen
-- check: count(*) FILTER (done_count > total_count) = 0
WITH works AS (
    SELECT 'ingest' AS phase, 'files' AS work, files.file_key AS thing, before.file_key IS NULL AS is_done
    FROM files
    LEFT JOIN yesterday.files AS before ON before.file_key = files.file_key
    WHERE NOT files.is_repeat
    UNION ALL
    SELECT 'ingest', 'facts set aside', aside.file_key, before.file_key IS NULL
    FROM set_aside AS aside
    LEFT JOIN yesterday.set_aside AS before
        ON before.entity = aside.entity AND before.file_key = aside.file_key AND before.place = aside.place
    UNION ALL
    SELECT 'resolve', 'records', standardised.record_key, changed.record_key IS NOT NULL
    FROM standardised
    LEFT JOIN computed.changed_contacts AS changed ON changed.record_key = standardised.record_key
    UNION ALL
    SELECT 'resolve', 'compared records', compared.record_key, before.record_key IS NULL
    FROM compared_records AS compared
    LEFT JOIN yesterday.compared_records AS before
        ON before.record_key = compared.record_key AND before.contact_digest = compared.contact_digest
    UNION ALL
    SELECT 'resolve', 'addresses', written.address, new.address IS NOT NULL
    FROM standard_addresses AS written
    LEFT JOIN computed.standard_addresses AS new
        ON new.address_kind = written.address_kind AND new.address = written.address AND new.country = written.country
    UNION ALL
    SELECT 'resolve', 'pairs', edges.record_key_l, one.record_key IS NOT NULL OR other.record_key IS NOT NULL
    FROM edges
    LEFT JOIN computed.changed_records AS one ON one.record_key = edges.record_key_l
    LEFT JOIN computed.changed_records AS other ON other.record_key = edges.record_key_r
    WHERE edges.kind = 'splink'
    UNION ALL
    SELECT 'resolve', 'inner pairs', inner_pairs.record_key_l, one.record_key IS NOT NULL AND NOT coalesce(one.component_before = other.component_before, false)
    FROM inner_pairs
    LEFT JOIN computed.components AS one ON one.record_key = inner_pairs.record_key_l
    LEFT JOIN computed.components AS other ON other.record_key = inner_pairs.record_key_r
    UNION ALL
    SELECT 'resolve', 'clustered records', clusters.record_key, before.record_key IS NULL
    FROM clusters
    LEFT JOIN yesterday.clusters AS before
        ON before.record_key = clusters.record_key AND before.component_digest = clusters.component_digest
    WHERE clusters.component_digest IS NOT NULL
    UNION ALL
    SELECT 'resolve', 'golden records', known.person_id, changed.person_id IS NOT NULL
    FROM people_words AS known
    LEFT JOIN computed.changed_people AS changed ON changed.person_id = known.person_id
)
SELECT
    phase,
    work,
    count(*) AS total_count,
    count(*) FILTER (is_done) AS done_count
FROM works
GROUP BY phase, work
