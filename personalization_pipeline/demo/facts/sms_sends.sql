-- One row per text message that was sent, with what came of it: delivery or rejection, a tap on the link, the answer STOP.
-- Plants: the person who never opens an e-mail and answers text messages (R55).
WITH granted AS (
    SELECT person_n, brand, granted_at, least(coalesce(withdrawn_at, expires_at), coalesce(expires_at, withdrawn_at)) AS ends_at
    FROM consents
    WHERE purpose = 'marketing' AND channel = 'sms' AND granted_at IS NOT NULL
), sends AS (
    SELECT
        crowd.person_n,
        crowd.person_id,
        crowd.shop_id,
        crowd.phone,
        crowd.preferred_hour,
        granted.brand,
        campaigns.campaign_n,
        campaigns.campaign_id,
        campaigns.campaign_name,
        concat(crowd.person_n, '|', campaigns.campaign_n) AS key,
        campaigns.sent_at + to_seconds(CAST(floor(u(crowd.person_n, 'text queue') * 600) AS BIGINT)) AS sent_at,
        u(crowd.person_n, 'dead number') < 0.02 AND crowd.case_name = '' AS is_rejected,
        least(0.95, crowd.sms_response * CASE WHEN campaigns.category = crowd.favourite_category THEN 1.4 ELSE 0.9 END) AS click_probability
    FROM granted
    JOIN crowd ON crowd.person_n = granted.person_n
    JOIN campaigns ON campaigns.channel = 'sms'
        AND campaigns.brand = granted.brand
        AND campaigns.sent_at >= granted.granted_at
        AND (granted.ends_at IS NULL OR campaigns.sent_at < granted.ends_at)
), lots AS (
    SELECT
        *,
        chance(concat('text|', key)) AS h,
        min(sent_at) FILTER (NOT is_rejected AND u(key, 'stops') < 0.012 * (1 - click_probability)) OVER (PARTITION BY person_n, brand) AS stops_at
    FROM sends
)
SELECT
    * EXCLUDE (stops_at, preferred_hour),
    CASE
        WHEN is_rejected OR cut(h, 0) >= click_probability THEN NULL
        WHEN cut(h, 2) < 0.6 AND preferred_hour > 8 THEN date_trunc('day', sent_at) + to_seconds(preferred_hour * 3600 + CAST(floor(cut(h, 1) * 3600) AS BIGINT))
        ELSE sent_at + to_seconds(20 + CAST(floor(cut(h, 1) * 5400) AS BIGINT))
    END AS clicked_at,
    CASE WHEN sent_at = stops_at THEN sent_at + INTERVAL 4 MINUTE END AS stopped_at
FROM lots
WHERE sent_at <= coalesce(stops_at, sent_at)
ORDER BY sent_at, person_n
