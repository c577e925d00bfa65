-- One row per event on any channel, with the person where a known record caused it.
-- owner: team:analytics
-- check: count(*) - count(DISTINCT event_key) = 0
SELECT
    landed.event_key,
    records.person_id,
    landed.source,
    landed.kind,
    landed.channel,
    landed.name,
    landed.product_id,
    landed.occurred_at,
    landed.properties
FROM facts.events AS landed
LEFT JOIN records ON records.record_key = landed.record_key
