-- One row per audience, destination and address of a candidate that has every consent its destination asks for; an address that two candidates share goes to the smaller person id.
-- owner: team:privacy
-- private
-- column basis: consent where the person herself granted everything, else declared
WITH wanted AS (
    SELECT audience, destination, consent_count, unnest(address_kinds) AS address_kind
    FROM audience_plans
), needed AS (
    SELECT audience, destination, unnest(purposes) AS purpose, unnest(channels) AS channel
    FROM audience_plans
), candidates AS (
    SELECT DISTINCT
        wanted.audience,
        wanted.destination,
        wanted.consent_count,
        candidate.person_id,
        identifiers.address_kind,
        identifiers.address
    FROM wanted
    JOIN audience_candidates AS candidate ON candidate.audience = wanted.audience
    JOIN identifiers ON identifiers.person_id = candidate.person_id AND identifiers.address_kind = wanted.address_kind
), refusals AS (
    SELECT address, purpose, channel, count(*) AS refusal_count
    FROM consent_state
    WHERE status = 'refused'
    GROUP BY address, purpose, channel
), grants AS (
    SELECT
        candidates.*,
        needed.purpose,
        min(state.basis) AS basis
    FROM candidates
    JOIN needed ON needed.audience = candidates.audience AND needed.destination = candidates.destination
    JOIN consent_state AS state
        ON state.address = candidates.address
        AND state.purpose = needed.purpose
        AND state.channel IN (needed.channel, 'any')
        AND state.status = 'granted'
    LEFT JOIN refusals
        ON refusals.address = candidates.address
        AND refusals.purpose = needed.purpose
        AND refusals.channel IN (needed.channel, 'any')
    WHERE refusals.refusal_count IS NULL
    GROUP BY ALL
), allowed AS (
    SELECT
        audience,
        destination,
        person_id,
        address_kind,
        address,
        max(basis) AS basis
    FROM grants
    GROUP BY audience, destination, person_id, address_kind, address, consent_count
    HAVING count(DISTINCT purpose) = consent_count
), held_out AS (
    SELECT DISTINCT records.person_id
    FROM records
    JOIN holdout_arms ON holdout_arms.record_key = records.record_key AND holdout_arms.arm = 'holdout'
)
SELECT
    allowed.*,
    row_number() OVER (PARTITION BY allowed.audience, allowed.destination, allowed.address ORDER BY allowed.person_id) = 1 AS is_first_to_claim,
    plan.is_holdout_used AND held_out.person_id IS NOT NULL AS is_held_out
FROM allowed
JOIN audience_plans AS plan ON plan.audience = allowed.audience AND plan.destination = allowed.destination
LEFT JOIN held_out ON held_out.person_id = allowed.person_id
