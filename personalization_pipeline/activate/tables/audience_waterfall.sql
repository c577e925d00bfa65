-- One row per audience, destination and qualified person: delivered, or the one reason why not, in the order in which reasons are asked.
-- owner: team:marketing
-- column outcome: no_address, no_consent, duplicate_address, holdout, audience_too_small, not_matchable or delivered
-- check: count(*) - count(DISTINCT audience || '|' || destination || '|' || person_id) = 0
-- plot bar: outcome by count(*)
WITH holders AS (
    SELECT DISTINCT plan.audience, plan.destination, identifiers.person_id
    FROM audience_plans AS plan
    JOIN identifiers ON list_contains(plan.address_kinds, identifiers.address_kind)
), consenting AS (
    SELECT
        audience,
        destination,
        person_id,
        bool_or(is_first_to_claim) AS has_own_address,
        bool_or(is_held_out) AS is_held_out
    FROM member_addresses
    GROUP BY audience, destination, person_id
)
SELECT
    plan.audience,
    plan.destination,
    candidate.person_id,
    CASE
        WHEN holders.person_id IS NULL THEN 'no_address'
        WHEN consenting.person_id IS NULL THEN 'no_consent'
        WHEN NOT consenting.has_own_address THEN 'duplicate_address'
        WHEN consenting.is_held_out THEN 'holdout'
        WHEN unmatchable.reason = 'audience_too_small' THEN 'audience_too_small'
        WHEN unmatchable.person_id IS NOT NULL THEN 'not_matchable'
        ELSE 'delivered'
    END AS outcome,
    coalesce(unmatchable.reason, '') AS detail
FROM audience_plans AS plan
JOIN audience_candidates AS candidate ON candidate.audience = plan.audience
LEFT JOIN holders
    ON holders.audience = plan.audience AND holders.destination = plan.destination AND holders.person_id = candidate.person_id
LEFT JOIN consenting
    ON consenting.audience = plan.audience AND consenting.destination = plan.destination AND consenting.person_id = candidate.person_id
LEFT JOIN computed.unmatchable AS unmatchable
    ON unmatchable.audience = plan.audience AND unmatchable.destination = plan.destination AND unmatchable.person_id = candidate.person_id
