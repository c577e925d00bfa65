-- One row per flow, side and reason, from landed file to delivered file: rows and money that went in, and where each of them came out.
-- owner: team:data-engineering
-- column flow: what is counted; the in and out of one flow must be equal
WITH fates AS (
    SELECT files.*, fate.reason
    FROM files
    CROSS JOIN (VALUES ('kept'), ('rejected'), ('duplicate'), ('superseded'), ('not_yet')) AS fate (reason)
), entries AS (
    SELECT 'ingest' AS phase, 'files' AS table_name, 'rows of ' || source AS flow, 'in' AS side, 'landed' AS reason, row_count, landed_amount AS amount
    FROM files
    UNION ALL
    SELECT
        'ingest',
        'files',
        'rows of ' || source,
        'out',
        reason,
        CASE reason
            WHEN 'kept' THEN kept_count
            WHEN 'rejected' THEN rejected_count
            WHEN 'duplicate' THEN duplicate_count
            WHEN 'superseded' THEN superseded_count
            ELSE not_yet_count
        END,
        CASE reason
            WHEN 'kept' THEN kept_amount
            WHEN 'rejected' THEN rejected_amount
            WHEN 'duplicate' THEN duplicate_amount
            WHEN 'superseded' THEN superseded_amount
            ELSE not_yet_amount
        END
    FROM fates
    UNION ALL
    SELECT 'ingest', 'files', 'order value', 'in', 'kept lines', kept_count + further_count, kept_amount
    FROM files
    WHERE source IN (SELECT source FROM slot.order_sources AS listed)
    UNION ALL
    SELECT 'resolve', 'order_lines', 'order value', 'out', CASE WHEN person_id IS NULL THEN 'unknown people' ELSE 'known people' END, 1, amount
    FROM order_lines
    UNION ALL
    SELECT 'resolve', 'order_lines', 'order value of people', 'in', 'known people', 0, amount
    FROM order_lines
    WHERE person_id IS NOT NULL
    UNION ALL
    SELECT 'analyze', 'profiles', 'order value of people', 'out', coalesce(rfm_segment, 'not scored'), 0, order_value_amount
    FROM profiles
    UNION ALL
    SELECT 'ingest', 'contacts', 'records', 'in', 'contacts', 1, 0
    FROM contacts
    UNION ALL
    SELECT 'resolve', 'people', 'records', 'out', CASE WHEN record_count = 1 THEN 'people seen once' ELSE 'merged people' END, record_count, 0
    FROM people
    WHERE kind = 'known'
    UNION ALL
    SELECT 'resolve', 'people', 'people', 'in', 'people', 1, 0
    FROM people
    WHERE kind = 'known'
    UNION ALL
    SELECT 'analyze', 'profiles', 'people', 'out', coalesce(rfm_segment, 'not scored'), 1, 0
    FROM profiles
    UNION ALL
    SELECT 'resolve', 'visitors', 'browsers and apps', 'in', 'seen', 1, 0
    FROM visitors
    UNION ALL
    SELECT 'resolve', 'visitors', 'browsers and apps', 'out', 'of known people', 1, 0
    FROM visitors
    WHERE is_known
    UNION ALL
    SELECT 'resolve', 'people', 'browsers and apps', 'out', 'anonymous people', 1, 0
    FROM people
    WHERE kind = 'anonymous'
    UNION ALL
    SELECT 'activate', 'audience_candidates', candidate.audience || ' to ' || plan.destination, 'in', 'qualified', 1, 0
    FROM audience_candidates AS candidate
    JOIN audience_plans AS plan ON plan.audience = candidate.audience
    UNION ALL
    SELECT 'activate', 'audience_waterfall', audience || ' to ' || destination, 'out', outcome, 1, 0
    FROM audience_waterfall
    UNION ALL
    SELECT 'activate', 'audience_waterfall', 'members of ' || audience || ' to ' || destination, 'in', outcome, 1, 0
    FROM audience_waterfall
    WHERE outcome = 'delivered'
    UNION ALL
    SELECT 'activate', 'audience_members', 'members of ' || audience || ' to ' || destination, 'out', 'members', 1, 0
    FROM audience_members
    UNION ALL
    SELECT 'activate', 'audience_members', 'file of ' || audience || ' to ' || destination, 'in', 'members', 1, 0
    FROM audience_members
    UNION ALL
    SELECT 'activate', 'audience_files', 'file of ' || audience || ' to ' || destination, 'out', 'certified', person_count, 0
    FROM audience_files
    UNION ALL
    SELECT 'activate', 'audience_files', 'rows of the last files of ' || audience || ' to ' || destination, 'in', 'certified', row_count, 0
    FROM yesterday.audience_files
    UNION ALL
    SELECT
        'ingest',
        'deliveries',
        'rows of the last files of ' || certified.audience || ' to ' || certified.destination,
        'out',
        CASE WHEN receipt.night IS NULL THEN 'not sent' ELSE 'sent' END,
        coalesce(receipt.row_count, certified.row_count),
        0
    FROM yesterday.audience_files AS certified
    LEFT JOIN deliveries AS receipt
        ON receipt.audience = certified.audience
        AND receipt.destination = certified.destination
        AND receipt.sha256 = certified.sha256
        AND receipt.occurred_at = certified.occurred_at
)
SELECT
    phase,
    table_name,
    flow,
    side,
    reason,
    CAST(sum(row_count) AS BIGINT) AS row_count,
    CAST(sum(amount) AS DECIMAL(18, 2)) AS amount
FROM entries
GROUP BY phase, table_name, flow, side, reason
