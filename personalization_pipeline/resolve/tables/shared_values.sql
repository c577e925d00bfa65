-- One row per value that is set aside when records are compared, because it says nothing about one person: a mailbox of a function, or a value that more people or records share than limits.yaml allows. Its records keep it.
-- owner: team:data-engineering
-- private
-- columns: kind VARCHAR, value VARCHAR, since_at TIMESTAMP
-- column kind: email, email_local (the part before the @), phone, or same_as_key (another source's record)
-- column value: as it is standardised
-- column reason: role mailbox, too many people or too many records
-- column people_count: the different people that it was seen with, at least: names by surname and initial, dates of birth, or other addresses
-- column people_limit: with how many people such a value may be seen; NULL where it matters not
-- column since_at: as_of of the first of the nights in a row that set it aside
-- check: count(*) - count(DISTINCT (kind, value)) = 0
WITH holdings AS (
    SELECT 'email' AS kind, email_std AS value, phone_std AS other_address, standardised.*
    FROM standardised
    UNION ALL
    SELECT 'email_local', email_local, phone_std, standardised.*
    FROM standardised
    UNION ALL
    SELECT 'phone', phone_std, email_std, standardised.*
    FROM standardised
    UNION ALL
    SELECT 'same_as_key', same_as_key, email_std, standardised.*
    FROM standardised
), sizes AS (
    SELECT kind, value, count(*) AS record_count
    FROM holdings
    WHERE value IS NOT NULL
    GROUP BY kind, value
), suspects AS (
    -- No more people than records: of most values there is nothing to count.
    SELECT
        sizes.*,
        role.email_local IS NOT NULL AS is_role,
        bound.people_limit,
        bound.record_limit
    FROM sizes
    JOIN computed.sharing_limits AS bound ON bound.kind = sizes.kind
    LEFT JOIN computed.role_mailboxes AS role
        ON sizes.kind IN ('email', 'email_local') AND role.email_local = split_part(sizes.value, '@', 1)
    WHERE role.email_local IS NOT NULL OR sizes.record_count > least(bound.people_limit, bound.record_limit)
), counts AS (
    SELECT
        suspects.*,
        greatest(
            count(DISTINCT substr(holdings.first_name_std, 1, 1) || ' ' || holdings.last_name_std),
            count(DISTINCT holdings.birth_date),
            count(DISTINCT holdings.other_address)
        ) AS people_count
    FROM suspects
    JOIN holdings ON holdings.kind = suspects.kind AND holdings.value = suspects.value
    GROUP BY ALL
), judged AS (
    SELECT
        kind,
        value,
        CASE
            WHEN is_role THEN 'role mailbox'
            WHEN people_count > people_limit THEN 'too many people'
            WHEN record_count > record_limit THEN 'too many records'
        END AS reason,
        record_count,
        people_count,
        CASE WHEN NOT is_role THEN people_limit END AS people_limit
    FROM counts
)
SELECT judged.*, coalesce(before.since_at, tonight.as_of) AS since_at
FROM judged
CROSS JOIN tonight
LEFT JOIN yesterday.shared_values AS before ON before.kind = judged.kind AND before.value = judged.value
WHERE judged.reason IS NOT NULL
