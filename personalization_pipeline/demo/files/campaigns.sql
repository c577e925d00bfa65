-- The marketing calendar: every campaign with its channel, brand, offer and time.
SELECT
    sent_at - INTERVAL 7 DAY AS arrived_at,
    campaign_id,
    campaign_name,
    channel,
    brand,
    kind,
    category AS offer_category,
    strftime(sent_at, '%Y-%m-%dT%H:%M:%SZ') AS sent_at,
    strftime(ends_at, '%Y-%m-%dT%H:%M:%SZ') AS ends_at,
    CASE WHEN kind = 'randomised' THEN 0.5 END AS holdout_share
FROM campaigns
