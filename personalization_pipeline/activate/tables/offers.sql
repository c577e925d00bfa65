-- One row per offer of the project.
-- owner: team:marketing
-- column priority: of all offers that a person may have, the greatest wins
-- column valid_to_on: the last day; NULL without an end
-- check: count(*) - count(DISTINCT offer) = 0
-- check: count(*) FILTER (valid_to_on < valid_from_on) = 0
SELECT *
FROM computed.offers
