-- One row per known person: on which channels she may be reached, and whether she may be profiled. A merge alone adds nothing: each address answers for itself.
-- owner: team:privacy
-- column is_profiling_allowed: granted, and not refused later on any of her addresses
-- column is_reachable_email: a marketing grant for an e-mail address of hers
-- column is_reachable_sms: a marketing grant for a phone number of hers
-- column is_reachable_ads: a grant for personalised advertising
-- check: count(*) - count(DISTINCT person_id) = 0
WITH words AS (
    SELECT
        identifiers.person_id,
        identifiers.address_kind,
        state.purpose,
        state.channel,
        state.status,
        state.decided_at
    FROM identifiers
    JOIN consent_state AS state ON state.address = identifiers.address
), flags AS (
    SELECT
        person_id,
        bool_or(status = 'granted' AND purpose = 'marketing' AND channel IN ('email', 'any') AND address_kind = 'email') AS is_reachable_email,
        bool_or(status = 'granted' AND purpose = 'marketing' AND channel IN ('sms', 'any') AND address_kind = 'phone') AS is_reachable_sms,
        bool_or(status = 'granted' AND purpose = 'ads_personalization' AND channel IN ('ads', 'any') AND address_kind <> 'record') AS is_reachable_ads,
        max(decided_at) FILTER (purpose = 'profiling' AND status = 'granted') AS profiling_granted_at,
        max(decided_at) FILTER (purpose = 'profiling' AND status = 'refused') AS profiling_refused_at
    FROM words
    GROUP BY person_id
)
SELECT
    people.person_id,
    coalesce(flags.is_reachable_email, false) AS is_reachable_email,
    coalesce(flags.is_reachable_sms, false) AS is_reachable_sms,
    coalesce(flags.is_reachable_ads, false) AS is_reachable_ads,
    coalesce(flags.profiling_granted_at > coalesce(flags.profiling_refused_at, TIMESTAMP '1970-01-01'), false) AS is_profiling_allowed
FROM people
LEFT JOIN flags ON flags.person_id = people.person_id
WHERE people.kind = 'known'
