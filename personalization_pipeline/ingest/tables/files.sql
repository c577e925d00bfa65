-- One row per landed file: what became of each of its rows. kept + rejected + duplicate + superseded + not_yet = rows.
-- owner: team:data-engineering
-- columns: source VARCHAR, path VARCHAR, sha256 VARCHAR, file_key VARCHAR, first_seen_at TIMESTAMP, refusal VARCHAR
-- column first_seen_at: as_of of the night that first saw these bytes
-- column file_key: of its bytes and its mapping: the name of its typed facts
-- column is_repeat: the same bytes lie under an earlier path too; all rows count as duplicates
-- column unread_count: values that did not parse, in columns that a row can do without
-- column refusal: why the whole file could not be read; empty when it was
-- column further_count: kept facts that came along with a kept row, such as the refund that stands on the line of its sale
-- column landed_amount: money in all rows, as far as it can be read, where the source's rows carry money
-- column rejected_amount: money that is in no fact: of refused rows, and of what came along with a row and is incomplete
-- check: count(*) FILTER (row_count <> kept_count + rejected_count + duplicate_count + superseded_count + not_yet_count) = 0
-- check: count(*) FILTER (landed_amount <> kept_amount + rejected_amount + duplicate_amount + superseded_amount + not_yet_amount) = 0
-- warn: count(*) FILTER (refusal <> '') = 0
-- warn: coalesce(sum(rejected_count), 0) = 0
-- warn: coalesce(sum(unread_count), 0) = 0
-- plot bar: source by sum(kept_count)
WITH before AS (
    SELECT source, sha256, min(first_seen_at) AS first_seen_at
    FROM yesterday.files
    GROUP BY source, sha256
), fates AS (
    SELECT
        file_key,
        CAST(sum(row_count) FILTER (fate = 'kept') AS BIGINT) AS kept_count,
        CAST(sum(row_count) FILTER (fate = 'duplicate') AS BIGINT) AS duplicate_count,
        CAST(sum(row_count) FILTER (fate = 'superseded') AS BIGINT) AS superseded_count,
        CAST(sum(row_count) FILTER (fate = 'not_yet') AS BIGINT) AS not_yet_count,
        CAST(sum(further_count) FILTER (fate = 'kept') AS BIGINT) AS further_count,
        sum(amount) FILTER (fate = 'kept') AS kept_amount,
        sum(amount) FILTER (fate = 'duplicate') AS duplicate_amount,
        sum(amount) FILTER (fate = 'superseded') AS superseded_amount,
        sum(amount) FILTER (fate = 'not_yet') AS not_yet_amount
    FROM computed.fates
    GROUP BY file_key
)
SELECT
    landed.source,
    landed.path,
    landed.sha256,
    landed.file_key,
    coalesce(before.first_seen_at, tonight.as_of) AS first_seen_at,
    landed.byte_count,
    landed.row_count,
    CASE WHEN landed.is_repeat THEN 0 ELSE coalesce(fates.kept_count, 0) END AS kept_count,
    landed.rejected_count,
    CASE WHEN landed.is_repeat THEN landed.row_count ELSE coalesce(fates.duplicate_count, 0) END AS duplicate_count,
    CASE WHEN landed.is_repeat THEN 0 ELSE coalesce(fates.superseded_count, 0) END AS superseded_count,
    CASE WHEN landed.is_repeat THEN 0 ELSE coalesce(fates.not_yet_count, 0) END AS not_yet_count,
    CASE WHEN landed.is_repeat THEN 0 ELSE coalesce(fates.further_count, 0) END AS further_count,
    landed.landed_amount,
    CASE WHEN landed.is_repeat THEN 0 ELSE coalesce(fates.kept_amount, 0) END AS kept_amount,
    landed.rejected_amount,
    CASE WHEN landed.is_repeat THEN landed.landed_amount ELSE coalesce(fates.duplicate_amount, 0) END AS duplicate_amount,
    CASE WHEN landed.is_repeat THEN 0 ELSE coalesce(fates.superseded_amount, 0) END AS superseded_amount,
    CASE WHEN landed.is_repeat THEN 0 ELSE coalesce(fates.not_yet_amount, 0) END AS not_yet_amount,
    landed.unread_count,
    landed.is_repeat,
    landed.refusal,
    landed.extra_columns
FROM computed.landed_files AS landed
CROSS JOIN tonight
LEFT JOIN before ON before.source = landed.source AND before.sha256 = landed.sha256
LEFT JOIN fates ON fates.file_key = landed.file_key
