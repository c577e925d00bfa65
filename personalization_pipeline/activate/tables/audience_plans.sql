-- One row per audience and destination: what is asked of an address before it may leave.
-- owner: team:marketing
-- column brand: who speaks; blank where the audience names none
-- column purposes: with `channels` beside it, the consents that must all be granted for an address
SELECT *
FROM computed.audience_plans
