-- One row per record: treated, or held out for ever. A new record takes the arm of the person that it joins; a new person's arm is a hash of her smallest record key.
-- owner: team:analytics
-- private
-- columns: record_key VARCHAR, arm VARCHAR
-- check: count(*) - count(DISTINCT record_key) = 0
-- check: count(*) FILTER (arm NOT IN ('holdout', 'treated')) = 0
WITH known AS (
    SELECT records.person_id, min(before.arm) AS arm
    FROM records
    JOIN yesterday.holdout_arms AS before ON before.record_key = records.record_key
    GROUP BY records.person_id
), fresh AS (
    SELECT
        person_id,
        CASE WHEN CAST('0x' || substr(md5(slot.salt || min(record_key)), 1, 8) AS BIGINT) < slot.share * 4294967296 THEN 'holdout' ELSE 'treated' END AS arm
    FROM records
    GROUP BY person_id
)
SELECT records.record_key, coalesce(before.arm, known.arm, fresh.arm) AS arm
FROM records
JOIN fresh ON fresh.person_id = records.person_id
LEFT JOIN known ON known.person_id = records.person_id
LEFT JOIN yesterday.holdout_arms AS before ON before.record_key = records.record_key
