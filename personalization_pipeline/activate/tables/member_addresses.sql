-- One row per audience, destination and address of a candidate that has every consent its destination asks for; an address that two candidates share goes to the smaller person id.
-- Consent given to one brand does not speak for another (a grant without a brand is one for all). An audience that names no brand may come from any: then each brand that occurs in consents must be granted, and none refused.
-- owner: team:privacy
-- private
-- column basis: consent where the person herself granted everything, else declared
-- column is_first_to_claim: false where the address goes to another candidate, even one who is held out
WITH known_brands AS (
    SELECT DISTINCT brand
    FROM consent_state
    WHERE brand <> ''
), brands AS (
    SELECT plan.audience, plan.destination, coalesce(known_brands.brand, plan.brand) AS brand
    FROM audience_plans AS plan
    LEFT JOIN known_brands ON plan.brand = ''
), wanted AS (
    SELECT audience, destination, unnest(address_kinds) AS address_kind
    FROM audience_plans
), needed AS (
    SELECT
        audience,
        destination,
        unnest(purposes) AS purpose,
        unnest(channels) AS channel
    FROM audience_plans
), candidates AS (
    SELECT DISTINCT
        wanted.audience,
        wanted.destination,
        candidate.person_id,
        identifiers.address_kind,
        identifiers.address
    FROM wanted
    JOIN audience_candidates AS candidate ON candidate.audience = wanted.audience
    JOIN identifiers ON identifiers.person_id = candidate.person_id AND identifiers.address_kind = wanted.address_kind
), asked AS (
    SELECT
        candidates.*,
        needed.purpose,
        needed.channel,
        brands.brand
    FROM candidates
    JOIN needed ON needed.audience = candidates.audience AND needed.destination = candidates.destination
    JOIN brands ON brands.audience = candidates.audience AND brands.destination = candidates.destination
), answers AS (
    -- An inner join: beside conditions that are no equalities, an outer one would compare every address with every word.
    SELECT
        asked.*,
        max(state.basis) AS basis,
        bool_or(state.status = 'granted' AND state.channel IN (asked.channel, 'any')) AS is_granted,
        bool_or(state.status = 'refused') AS is_refused
    FROM asked
    JOIN consent_state AS state
        ON state.address = asked.address
        AND state.purpose = asked.purpose
        AND (state.channel IN (asked.channel, 'any') OR asked.channel = 'any')
        AND state.brand IN (asked.brand, '')
    GROUP BY ALL
), allowed AS (
    SELECT
        asked.audience,
        asked.destination,
        asked.person_id,
        asked.address_kind,
        asked.address,
        max(answers.basis) AS basis
    FROM asked
    LEFT JOIN answers USING (audience, destination, person_id, address_kind, address, purpose, channel, brand)
    GROUP BY ALL
    HAVING bool_and(coalesce(answers.is_granted AND NOT answers.is_refused, false))
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
