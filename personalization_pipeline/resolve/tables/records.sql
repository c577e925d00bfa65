-- One row per record: the person that it belongs to. An id goes to the cluster that holds most of the records it came with (ties: smallest record key); a cluster takes the oldest id that comes to it, one that was merged away only where no other does. A new id is the first of four digests that nobody ever had and nobody else could have tonight.
-- owner: team:data-engineering
-- private
-- columns: record_key VARCHAR, person_id VARCHAR, founded_at TIMESTAMP
-- column person_id: the person, from night to night
-- column record_key: source and key in that source
-- column founded_at: as_of of the night that issued the id
-- check: count(*) - count(DISTINCT record_key) = 0
-- check: count(*) FILTER (person_id IS NULL) = 0
WITH unsettled AS (
    SELECT clusters.*
    FROM clusters
    SEMI JOIN computed.unsettled_records AS unsettled ON unsettled.record_key = clusters.record_key
), origins AS (
    SELECT record_key, arg_min(person_id, left_at) AS person_id
    FROM yesterday.former_ids
    GROUP BY record_key
), claims AS (
    SELECT before.record_key, before.person_id, before.founded_at, true AS is_alive
    FROM yesterday.records AS before
    SEMI JOIN unsettled ON unsettled.record_key = before.record_key
    UNION ALL
    SELECT former.record_key, former.person_id, issued.founded_at, false
    FROM yesterday.former_ids AS former
    JOIN yesterday.person_ids AS issued ON issued.person_id = former.person_id
), shares AS (
    SELECT
        claims.person_id,
        claims.founded_at,
        claims.is_alive,
        clusters.cluster_key,
        count(*) FILTER (coalesce(origins.person_id = claims.person_id, true)) AS origin_count,
        count(*) AS shared_count,
        min(clusters.record_key) AS first_key
    FROM claims
    JOIN clusters ON clusters.record_key = claims.record_key
    LEFT JOIN origins ON origins.record_key = claims.record_key
    GROUP BY claims.person_id, claims.founded_at, claims.is_alive, clusters.cluster_key
), homes AS (
    SELECT *
    FROM shares
    QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY origin_count DESC, shared_count DESC, first_key) = 1
), carried AS (
    SELECT cluster_key, person_id, founded_at
    FROM homes
    QUALIFY row_number() OVER (PARTITION BY cluster_key ORDER BY is_alive DESC, founded_at, person_id) = 1
), attempts AS (
    SELECT
        clusters.cluster_key,
        attempt.number,
        CAST('0x' || substr(md5(
            clusters.cluster_key || '|' || strftime(tonight.as_of, '%Y%m%dT%H%M%SZ')
            || CASE attempt.number WHEN 0 THEN '' ELSE '|' || attempt.number END
        ), 1, 15) AS UBIGINT) AS digest
    FROM unsettled AS clusters
    CROSS JOIN tonight
    CROSS JOIN range(4) AS attempt (number)
    ANTI JOIN carried ON carried.cluster_key = clusters.cluster_key
    WHERE clusters.cluster_key = clusters.record_key
), candidates AS (
    SELECT
        cluster_key,
        number,
        'p' || array_to_string(list_transform(
            range(11),
            lambda i: substr('0123456789abcdefghijklmnopqrstuvwxyz', CAST((digest // CAST(pow(36, i) AS UBIGINT)) % 36 AS INTEGER) + 1, 1)
        ), '') AS person_id
    FROM attempts
), free AS (
    SELECT candidates.*
    FROM candidates
    ANTI JOIN yesterday.person_ids AS issued_before ON issued_before.person_id = candidates.person_id
    ANTI JOIN yesterday.records AS known ON known.person_id = candidates.person_id
    QUALIFY count(*) OVER (PARTITION BY candidates.person_id) = 1
), issued AS (
    SELECT cluster_key, person_id
    FROM free
    QUALIFY row_number() OVER (PARTITION BY cluster_key ORDER BY number) = 1
)
SELECT
    clusters.record_key,
    coalesce(carried.person_id, issued.person_id) AS person_id,
    coalesce(carried.founded_at, tonight.as_of) AS founded_at
FROM unsettled AS clusters
CROSS JOIN tonight
LEFT JOIN carried ON carried.cluster_key = clusters.cluster_key
LEFT JOIN issued ON issued.cluster_key = clusters.cluster_key
UNION ALL
-- In a component that stands everybody is who she was.
SELECT before.*
FROM yesterday.records AS before
LEFT JOIN computed.unsettled_records AS unsettled ON unsettled.record_key = before.record_key
WHERE unsettled.record_key IS NULL
