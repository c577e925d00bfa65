-- One row per event on any channel, with the person who caused it: of a known record; of a browser or app that exactly one person has signed in on, as long before her first sign-in and after her last as the project's stitching_days; else of whoever is anonymous there. NULL where nothing tells.
-- owner: team:analytics
-- check: count(*) - count(DISTINCT event_key) = 0
SELECT
    landed.event_key,
    CASE
        WHEN landed.record_key IS NOT NULL THEN records.person_id
        WHEN NOT visitors.is_known THEN visitors.anonymous_id
        WHEN landed.occurred_at >= visitors.first_signed_in_at - to_days(slot.stitching_days)
            AND landed.occurred_at <= visitors.last_signed_in_at + to_days(slot.stitching_days) THEN visitors.person_id
    END AS person_id,
    landed.source,
    landed.kind,
    landed.channel,
    landed.name,
    landed.product_id,
    landed.occurred_at,
    landed.properties
FROM facts.events AS landed
LEFT JOIN records ON records.record_key = landed.record_key
LEFT JOIN visitors ON visitors.visitor_key = landed.visitor_key
