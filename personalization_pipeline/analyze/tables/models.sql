-- One row per model: its card, in words and figures. A model that is not ready, or that does not beat its baseline, says so.
-- owner: team:analytics
-- column figures: JSON, how it did on windows that it had not seen
-- check: count(*) - count(DISTINCT model) = 0
SELECT *
FROM computed.model_cards
