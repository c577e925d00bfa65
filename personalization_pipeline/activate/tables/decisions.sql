-- One row per person who may have an offer tonight: the one that is presented on every channel, and what else was possible.
-- owner: team:marketing
-- column offer: the valid offer of greatest priority whose rule is true for her (ties: by name)
-- column candidates: all valid offers whose rule is true for her, the best first
-- check: count(*) - count(DISTINCT person_id) = 0
-- plot bar: offer by count(*)
WITH asked AS (
    SELECT person_id, unnest(slot.offers) AS offer
    FROM profiles
), ranked AS (
    SELECT
        asked.person_id,
        asked.offer,
        row_number() OVER (PARTITION BY asked.person_id ORDER BY offers.priority DESC, asked.offer) AS place
    FROM asked
    JOIN offers ON offers.offer = asked.offer
    CROSS JOIN tonight
    WHERE offers.valid_from_on <= tonight.today AND coalesce(offers.valid_to_on >= tonight.today, true)
)
SELECT
    person_id,
    max(offer) FILTER (place = 1) AS offer,
    list(offer ORDER BY place) AS candidates
FROM ranked
GROUP BY person_id
